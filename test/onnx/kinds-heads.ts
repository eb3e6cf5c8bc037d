/** Networks that end in a classifier, in the ways exporters and quantisers write one. */
import { create } from "@bufbuild/protobuf";
import { FunctionProtoSchema, NodeProtoSchema, OperatorSetIdProtoSchema } from "../../src/onnx/gen/onnx_pb.js";
import type { GraphBuilder } from "../../src/onnx/graph.js";
import { makeNode } from "../../src/onnx/graph.js";
import { decodeModel, encodeModel } from "../../src/onnx/proto.js";
import { float32, int64, type Tensor } from "../../src/onnx/tensor.js";
import type { Kind } from "./kind.js";
import {
  CHANNELS,
  CLASSES,
  constant,
  conv1x1,
  flatten,
  flattenByShape,
  gemm,
  matMulAdd,
  network,
  pool,
  reshape,
  scores,
  type Tail,
} from "./networks.js";
import { randoms } from "./run.js";

const pooled = (g: GraphBuilder, map: string) => flatten(g, pool(g, map));
const softmax = (g: GraphBuilder, value: string) => g.node("Softmax", [value], { axis: 1 });
const weight = (g: GraphBuilder, rows: number, columns: number, seed: number) =>
  constant(g, float32([rows, columns], randoms(rows * columns, seed)));
const head = (g: GraphBuilder, value: string, seed: number) =>
  g.node("Gemm", [value, weight(g, CLASSES, CHANNELS, seed)], { transB: 1 });
const bytes = (type: "uint8" | "int8", dims: number[], values: ArrayLike<number>): Tensor => ({
  type,
  dims,
  data: type === "uint8" ? Uint8Array.from(values) : Int8Array.from(values),
});
const scaleOf = (g: GraphBuilder, value: number) => constant(g, float32([], [value]));
const zero = (g: GraphBuilder, type: "uint8" | "int8") => constant(g, bytes(type, [], [0]));
const whole = (count: number, seed: number) => randoms(count, seed).map((each) => Math.round(each * 100));

/** Rounds `value` to bytes and back. */
function roundTrip(g: GraphBuilder, value: string): string {
  const [scale, zeroPoint] = [scaleOf(g, 0.02), zero(g, "uint8")];
  const rounded = g.node("QuantizeLinear", [value, scale, zeroPoint]);
  return g.node("DequantizeLinear", [rounded, scale, zeroPoint]);
}

const TAILS: Record<string, Tail> = {
  "pool, Flatten, Gemm": (g, map) => scores(g, gemm(g, pooled(g, map))),
  "Gemm with its weight the other way round": (g, map) =>
    scores(g, g.node("Gemm", [pooled(g, map), weight(g, CHANNELS, CLASSES, 3)])),
  "MatMul, Add, Softmax": (g, map) => scores(g, softmax(g, matMulAdd(g, pooled(g, map)))),
  "MatMul alone": (g, map) => scores(g, g.node("MatMul", [pooled(g, map), weight(g, CHANNELS, CLASSES, 3)])),
  "weight times features, then Transpose": (g, map) => {
    const columns = g.node("Transpose", [pooled(g, map)], { perm: [1, 0] });
    const product = g.node("MatMul", [weight(g, CLASSES, CHANNELS, 3), columns]);
    scores(g, g.node("Transpose", [product], { perm: [1, 0] }));
  },
  "Gemm of weight and features transposed": (g, map) => {
    const product = g.node("Gemm", [weight(g, CLASSES, CHANNELS, 3), pooled(g, map)], { transB: 1 });
    scores(g, g.node("Transpose", [product], { perm: [1, 0] }));
  },
  Einsum: (g, map) =>
    scores(g, g.node("Einsum", [pooled(g, map), weight(g, CLASSES, CHANNELS, 3)], { equation: "nc,kc->nk" })),
  "1x1 Conv, Flatten": (g, map) => scores(g, flatten(g, conv1x1(g, pool(g, map)))),
  "1x1 Conv, Squeeze": (g, map) =>
    scores(g, g.node("Squeeze", [conv1x1(g, pool(g, map)), constant(g, int64([2], [2, 3]))])),
  "1x1 Conv, Reshape, Softmax": (g, map) => scores(g, softmax(g, reshape(g, conv1x1(g, pool(g, map)), [-1, CLASSES]))),
  "ReduceMean, Dropout, Gemm, Sigmoid": (g, map) => {
    const mean = g.node("ReduceMean", [map], { axes: [2, 3], keepdims: 0 });
    scores(g, g.node("Sigmoid", [gemm(g, g.node("Dropout", [mean]))]));
  },
  "Identity and Cast around Gemm": (g, map) => {
    const logits = gemm(g, g.node("Identity", [pooled(g, map)]));
    scores(g, g.node("Identity", [g.node("Cast", [logits], { to: 1 })]));
  },
  "a shape read at run time, Gemm": (g, map) => scores(g, gemm(g, flattenByShape(g, pool(g, map)))),
  "two heads, added and halved": (g, map) => {
    const features = pooled(g, map);
    const sum = g.node("Add", [head(g, features, 3), head(g, features, 4)]);
    scores(g, g.node("Mul", [sum, scaleOf(g, 0.5)]));
  },
  "two heads, averaged by Mean": (g, map) => {
    const features = pooled(g, map);
    scores(g, g.node("Mean", [head(g, features, 3), head(g, features, 4)]));
  },
  "two heads, stacked and averaged": (g, map) => {
    const features = pooled(g, map);
    const axis = constant(g, int64([1], [1]));
    const both = [3, 4].map((seed) => g.node("Unsqueeze", [head(g, features, seed), axis]));
    scores(g, g.node("ReduceMean", [g.node("Concat", both, { axis: 1 })], { axes: [1], keepdims: 0 }));
  },
  "two heads side by side": (g, map) => {
    const features = pooled(g, map);
    scores(g, g.node("Concat", [head(g, features, 3), head(g, features, 4)], { axis: 1 }), ["N", 2 * CLASSES]);
  },
  "a head with its logits scaled by a constant": (g, map) =>
    scores(g, g.node("Div", [gemm(g, pooled(g, map)), scaleOf(g, 0.07)])),
  "scores of some classes (Gather)": (g, map) =>
    scores(g, g.node("Gather", [gemm(g, pooled(g, map)), constant(g, int64([2], [0, 2]))], { axis: 1 }), ["N", 2]),
  "scores without the background (Slice)": (g, map) => {
    const [from, to, axis] = [1, CLASSES, 1].map((each) => constant(g, int64([1], [each])));
    scores(g, g.node("Slice", [gemm(g, pooled(g, map)), from, to, axis]), ["N", CLASSES - 1]);
  },
  "scores between 0 and 1 (Clip)": (g, map) =>
    scores(g, g.node("Clip", [gemm(g, pooled(g, map)), scaleOf(g, 0), scaleOf(g, 1)])),
  "Gemm, HardSigmoid": (g, map) => scores(g, g.node("HardSigmoid", [gemm(g, pooled(g, map))])),
  "softmax written out": (g, map) => {
    const logits = gemm(g, pooled(g, map));
    const shifted = g.node("Sub", [logits, g.node("ReduceMax", [logits], { axes: [1] })]);
    const powers = g.node("Exp", [shifted]);
    scores(g, g.node("Div", [powers, g.node("ReduceSum", [powers, constant(g, int64([1], [1]))])]));
  },
  "sigmoid written out": (g, map) => {
    const power = g.node("Exp", [g.node("Neg", [gemm(g, pooled(g, map))])]);
    scores(g, g.node("Div", [scaleOf(g, 1), g.node("Add", [scaleOf(g, 1), power])]));
  },
  "features and scores as two outputs": (g, map) => {
    g.output("features", pooled(g, map), "float32", ["N", CHANNELS]);
    scores(g, gemm(g, "features"));
  },
};

/** Two steps of 8 bits. */
const ROUNDING = 0.02;

const ROUNDED: Record<string, Tail> = {
  "a network in pairs of QuantizeLinear and DequantizeLinear (QDQ)": (g, map) => {
    const [scale, zeroPoint] = [scaleOf(g, 0.01), zero(g, "int8")];
    const rounded = constant(g, bytes("int8", [CLASSES, CHANNELS], whole(CLASSES * CHANNELS, 3)));
    const matrix = g.node("DequantizeLinear", [rounded, scale, zeroPoint]);
    const features = roundTrip(g, flatten(g, roundTrip(g, pool(g, roundTrip(g, map)))));
    scores(g, roundTrip(g, g.node("Gemm", [features, matrix], { transB: 1 })));
  },
  "a classifier on integers (QOperator: QLinearMatMul)": (g, map) => {
    const [own, small] = [scaleOf(g, 0.005), scaleOf(g, 0.01)];
    const [first, middle] = [zero(g, "uint8"), zero(g, "int8")];
    const features = g.node("QuantizeLinear", [pooled(g, map), own, first]);
    const rounded = constant(g, bytes("int8", [CHANNELS, CLASSES], whole(CLASSES * CHANNELS, 3)));
    const inputs = [features, own, first, rounded, small, middle, own, first];
    scores(g, g.node("DequantizeLinear", [g.node("QLinearMatMul", inputs), own, first]));
  },
  "a classifier quantised at run time (MatMulInteger)": (g, map) => {
    const [data, scale, zeroPoint] = g.nodes("DynamicQuantizeLinear", [pooled(g, map)], ["q", "q_scale", "q_zero"]);
    const rounded = constant(g, bytes("int8", [CHANNELS, CLASSES], whole(CLASSES * CHANNELS, 3)));
    const product = g.node("MatMulInteger", [data, rounded, zeroPoint, zero(g, "int8")]);
    const factor = g.node("Mul", [scale, scaleOf(g, 0.01)]);
    scores(g, g.node("Mul", [g.node("Cast", [product], { to: 1 }), factor]));
  },
};

/** A deeper layer of 12 channels, with a classifier before it that helped in training, which is the first output. */
const deeper = (g: GraphBuilder, map: string) =>
  pooled(
    g,
    g.node("Relu", [g.node("Conv", [map, constant(g, float32([12, CHANNELS, 3, 3], randoms(12 * CHANNELS * 9, 7)))])]),
  );
const withAuxiliary: Tail = (g, map) => {
  g.output("auxiliary", head(g, pooled(g, map), 3), "float32", ["N", CLASSES]);
  const matrix = weight(g, CLASSES, 12, 4);
  scores(g, g.node("Gemm", [deeper(g, map), matrix], { transB: 1 }));
};

/** Two heads on two tokens, as DeiT has them: the features are their mean. */
function twoTokens(g: GraphBuilder, map: string): [string, string] {
  const tokens = g.node("Transpose", [reshape(g, map, [0, CHANNELS, -1])], { perm: [0, 2, 1] });
  const at = (place: number) => g.node("Gather", [tokens, constant(g, int64([], [place]))], { axis: 1 });
  return [at(0), at(1)];
}

/** The classifier as a local function: a matrix product with a bias, and its axis as an attribute. */
function withFunction(nested: boolean): Uint8Array {
  const model = decodeModel(
    network((g, map) => scores(g, gemm(g, pooled(g, map)))),
    "x",
  );
  const { graph } = model;
  const at = graph.node.findIndex(({ opType }) => opType === "Gemm");
  const [features = "", matrix = "", bias = ""] = graph.node[at].input;
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: "", version: 17n })];
  const product = makeNode("Gemm", ["x", "w", "b"], ["y"], { transB: 0 });
  Object.assign(product.attribute[0], { refAttrName: "turned" });
  const linear = create(FunctionProtoSchema, {
    name: "Linear",
    domain: "local",
    input: ["x", "w", "b"],
    output: ["y"],
    attribute: ["turned"],
    node: [product],
    opsetImport,
  });
  const outer = create(FunctionProtoSchema, {
    name: "Classifier",
    domain: "local",
    input: ["features", "w", "b"],
    output: ["scores"],
    node: [
      makeNode("Identity", ["features"], ["y"]),
      create(NodeProtoSchema, { ...makeNode("Linear", ["y", "w", "b"], ["z"], { turned: 1 }), domain: "local" }),
      makeNode("Softmax", ["z"], ["scores"]),
    ],
    opsetImport,
  });
  const call = nested
    ? makeNode("Classifier", [features, matrix, bias], [graph.node[at].output[0]])
    : makeNode("Linear", [features, matrix, bias], [graph.node[at].output[0]], { turned: 1 });
  graph.node[at] = create(NodeProtoSchema, { ...call, domain: "local" });
  model.functions = nested ? [outer, linear] : [linear];
  model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: "local", version: 1n }));
  return encodeModel(model);
}

/** A layer in the middle as a local function, whose attribute the call gives. */
function withLayer(): Uint8Array {
  const tail: Tail = (g, map) =>
    scores(g, gemm(g, pooled(g, g.node("LeakyRelu", [shifted(g, map)], { alpha: { float: 0.3 } }))));
  const model = decodeModel(network(tail), "x");
  const call = model.graph.node.find(({ opType }) => opType === "LeakyRelu");
  const inner = makeNode("LeakyRelu", ["x"], ["y"], { alpha: { float: 0.9 } });
  Object.assign(inner.attribute[0], { refAttrName: "slope" });
  Object.assign(call ?? {}, { opType: "Layer", domain: "local" });
  Object.assign(call?.attribute[0] ?? {}, { name: "slope" });
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: "", version: 17n })];
  const layer = { name: "Layer", domain: "local", input: ["x"], output: ["y"], attribute: ["slope"], node: [inner] };
  model.functions = [create(FunctionProtoSchema, { ...layer, opsetImport })];
  model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: "local", version: 1n }));
  return encodeModel(model);
}

/** Some of the map's values are negative. */
const shifted = (g: GraphBuilder, map: string) => g.node("Sub", [map, scaleOf(g, 0.5)]);

export const HEADS: Kind[] = [
  {
    name: "a classifier for training as the first output (Inception)",
    model: network(withAuxiliary),
    gives: { features: network((g, map) => void g.output("y", deeper(g, map), "float32", ["N", 12])) },
  },
  {
    name: "a projection to embeddings, named as `output` (CLIP)",
    model: network(TAILS["MatMul alone"]),
    options: { normalisation: "unit", output: "scores" },
    gives: {
      features: network((g, map) => {
        const product = g.node("MatMul", [pooled(g, map), weight(g, CHANNELS, CLASSES, 3)]);
        g.output("y", product, "float32", ["N", CLASSES]);
      }),
    },
  },
  ...Object.entries(TAILS).map(([name, tail]): Kind => ({ name, model: network(tail), gives: "pooled" })),
  ...Object.entries(ROUNDED).map(
    ([name, tail]): Kind => ({ name, model: network(tail), gives: "pooled", tolerance: ROUNDING }),
  ),
  {
    name: "1x1 Conv, Relu, pool, Flatten, Softmax (SqueezeNet)",
    model: network((g, map) => scores(g, softmax(g, flatten(g, pool(g, g.node("Relu", [conv1x1(g, map)])))))),
    gives: "pooled",
  },
  {
    name: "two heads on two tokens, averaged (DeiT)",
    model: network((g, map) => {
      const [first, second] = twoTokens(g, map);
      const sum = g.node("Add", [head(g, first, 3), head(g, second, 4)]);
      scores(g, g.node("Mul", [sum, scaleOf(g, 0.5)]));
    }),
    gives: {
      features: network((g, map) => {
        const mean = g.node("Mean", twoTokens(g, map));
        g.output("y", mean, "float32", ["N", CHANNELS]);
      }),
    },
  },
  {
    name: "a token in front, read by Gather, Gemm (ViT)",
    model: network((g, map) => {
      const mean = reshape(g, pool(g, map), [0, CHANNELS, 1]);
      const patches = g.node("Concat", [mean, reshape(g, map, [0, CHANNELS, -1])], { axis: 2 });
      const tokens = g.node("Transpose", [patches], { perm: [0, 2, 1] });
      scores(g, gemm(g, g.node("Gather", [tokens, constant(g, int64([], [0]))], { axis: 1 })));
    }),
    gives: "pooled",
  },
  { name: "the classifier as a local function", model: withFunction(false), gives: "pooled" },
  {
    name: "a layer as a local function with an attribute",
    model: withLayer(),
    gives: {
      features: network((g, map) => {
        const layer = g.node("LeakyRelu", [shifted(g, map)], { alpha: { float: 0.3 } });
        g.output("y", pooled(g, layer), "float32", ["N", CHANNELS]);
      }),
    },
  },
  { name: "a local function that calls another", model: withFunction(true), gives: "pooled" },
];
