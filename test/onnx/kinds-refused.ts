/** Networks that cannot serve, and some that look as if they could not. */
import { create } from "@bufbuild/protobuf";
import { FunctionProtoSchema, OperatorSetIdProtoSchema } from "../../src/onnx/gen/onnx_pb.js";
import { GraphBuilder, makeNode, valueInfo } from "../../src/onnx/graph.js";
import { decodeModel, encodeModel, type Model, toTensorProto } from "../../src/onnx/proto.js";
import { bool, float32, int64 } from "../../src/onnx/tensor.js";
import type { Kind } from "./kind.js";
import { CHANNELS, CLASSES, constant, flatten, gemm, network, pool, scores, type Tail } from "./networks.js";
import { randoms } from "./run.js";

const resnet: Tail = (g, map) => scores(g, gemm(g, flatten(g, pool(g, map))));
const features = (g: GraphBuilder, value: string) => void g.output("y", value, "float32", ["N", CHANNELS]);
const pooled = (g: GraphBuilder, map: string) => flatten(g, pool(g, map));
const some = (g: GraphBuilder, fill: number) => constant(g, float32([CHANNELS], new Float32Array(CHANNELS).fill(fill)));

/** The plain classifier, changed. */
function edited(edit: (model: Model) => void): Uint8Array {
  const model = decodeModel(network(resnet), "plain");
  edit(model);
  return encodeModel(model);
}

const weights = (value: number) =>
  edited(({ graph }) => {
    const data = randoms(CHANNELS * 27);
    data[5] = value;
    const at = graph.initializer.findIndex(({ name }) => name === "body_w");
    graph.initializer[at] = toTensorProto("body_w", float32([CHANNELS, 3, 3, 3], data));
  });

const trainingMode: Tail = (g, map) => {
  const statistics = [some(g, 1), some(g, 0), some(g, 0), some(g, 1)];
  const [value = ""] = g.nodes("BatchNormalization", [map, ...statistics], ["bn", "mean", "variance"], {
    training_mode: 1,
  });
  resnet(g, value);
};

/** Adds one for ever: the trip count is as large as can be. */
function endless(): Uint8Array {
  return network((g, map) => {
    const trips = constant(g, int64([], [Number.MAX_SAFE_INTEGER]));
    const body = new GraphBuilder("body");
    body.input("i", "int64", []);
    const more = body.input("more", "bool", []);
    const sum = body.input("sum", "float32", ["N", CHANNELS, "h", "w"]);
    body.output("more_out", body.node("Identity", [more]), "bool", []);
    body.output("sum_out", body.node("Add", [sum, body.initializer("one", float32([], [1]))]), "float32", [
      "N",
      CHANNELS,
      "h",
      "w",
    ]);
    const { graph } = decodeModel(body.build(), "body");
    resnet(g, g.node("Loop", [trips, constant(g, bool(true)), map], { body: graph }));
  });
}

/** Functions each of which calls the next `calls` times. */
function functions(depth: number, calls: number, last: string): Uint8Array {
  return edited((model) => {
    const opsetImport = [create(OperatorSetIdProtoSchema, { domain: "", version: 17n })];
    model.functions = Array.from({ length: depth }, (_, level) => {
      const inner = level === depth - 1 ? last : `f${level + 1}`;
      const values = Array.from({ length: calls + 1 }, (_, i) => (i === calls ? "y" : `v${i}`));
      const node = values.slice(1).map((output, i) => {
        return Object.assign(makeNode(inner, [i === 0 ? "x" : values[i]], [output]), {
          domain: inner === "Relu" ? "" : "local",
        });
      });
      return create(FunctionProtoSchema, {
        name: `f${level}`,
        domain: "local",
        input: ["x"],
        output: ["y"],
        node,
        opsetImport,
      });
    });
    model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: "local", version: 1n }));
    const relu = model.graph.node.find(({ opType }) => opType === "Relu");
    if (relu !== undefined) Object.assign(relu, { opType: "f0", domain: "local" });
  });
}

export const REFUSED: Kind[] = [
  {
    name: "scores and features side by side",
    model: network((g, map) => {
      const value = pooled(g, map);
      g.output("y", g.node("Concat", [gemm(g, value), value], { axis: 1 }), "float32", ["N", CLASSES + CHANNELS]);
    }),
    gives: { refusal: /has no place canopy knows as its features; name them as `output`/ },
  },
  {
    name: "a classifier of 1x1 convolutions in groups",
    model: network((g, map) => {
      const kernel = constant(g, float32([CHANNELS, CHANNELS / 2, 1, 1], randoms(CHANNELS ** 2 / 2, 5)));
      scores(g, flatten(g, g.node("Conv", [pool(g, map), kernel], { group: 2 })), ["N", CHANNELS]);
    }),
    gives: { refusal: /has no place canopy knows as its features; name them as `output`/ },
  },
  {
    name: "BatchNormalization in training mode",
    model: network(trainingMode),
    gives: { refusal: /was exported in training mode \(BatchNormalization "bn"\).*export it in evaluation mode/ },
  },
  {
    name: "Dropout in training mode",
    model: network((g, map) => {
      const dropped = g.node("Dropout", [pooled(g, map), constant(g, float32([], [0.5])), constant(g, bool(true))]);
      features(g, g.node("Relu", [g.node("Add", [dropped, some(g, 0)])]));
    }),
    gives: { refusal: /was exported in training mode \(Dropout/ },
  },
  {
    name: "random numbers among its layers",
    model: network((g, map) => resnet(g, g.node("Add", [map, g.node("RandomNormalLike", [map])]))),
    gives: { refusal: /gives the same tile other features each time/ },
  },
  {
    name: "the mean over the batch taken off",
    model: network((g, map) => {
      const mean = g.node("ReduceMean", [map], { axes: [0], keepdims: 1 });
      resnet(g, g.node("Sub", [map, mean]));
    }),
    gives: { refusal: /other features in a batch than alone, so that tags would depend on a tile's neighbours/ },
  },
  {
    name: "layers quantised by the range of the batch (dynamic quantisation)",
    model: network((g, map) => {
      const [data, scale, zeroPoint] = g.nodes("DynamicQuantizeLinear", [map], ["q", "q_scale", "q_zero"]);
      resnet(g, g.node("Relu", [g.node("DequantizeLinear", [data, scale, zeroPoint])]));
    }),
    gives: { refusal: /is quantised by the range of values in each batch \(DynamicQuantizeLinear "q"\)/ },
  },
  {
    name: "a weight that is no number",
    model: weights(Number.NaN),
    gives: { refusal: /its weights "body_w" hold NaN/ },
  },
  {
    name: "an infinite weight",
    model: weights(Number.POSITIVE_INFINITY),
    gives: { refusal: /its weights "body_w" hold Infinity/ },
  },
  {
    name: "an infinite mask, which is no weight",
    model: network((g, map) => resnet(g, g.node("Max", [map, constant(g, float32([], [Number.NEGATIVE_INFINITY]))]))),
    gives: "pooled",
  },
  {
    name: "features that are no numbers",
    model: network((g, map) => features(g, g.node("Sqrt", [g.node("Sub", [pooled(g, map), some(g, 1e6)])]))),
    gives: { refusal: /gives features that are no finite numbers/ },
  },
  {
    name: "a loop without end",
    model: endless(),
    timeLimit: 3000,
    gives: { refusal: /takes more than 3 s for a few tiles of 16 pixels/ },
  },
  {
    name: "an operator nobody knows",
    model: network((g, map) => resnet(g, g.node("NoSuchOperator", [map]))),
    gives: { refusal: /does not run on tiles of 16 pixels in ONNX Runtime: .*NoSuchOperator/ },
  },
  {
    name: "scores by a classifier of unknown make",
    model: network((g, map) => {
      const batch = g.node("Softmax", [g.node("NoSuchClassifier", [pooled(g, map)])]);
      scores(g, batch);
    }),
    gives: { refusal: /has no place canopy knows as its features; name them as `output` of an import: "Flatten_\d+"/ },
  },
  {
    name: "a size its input does not say",
    model: network((g, map) => {
      const flat = g.node("Reshape", [map, constant(g, int64([2], [-1, CHANNELS * 81]))]);
      features(
        g,
        g.node("Relu", [
          g.node("MatMul", [flat, constant(g, float32([CHANNELS * 81, CHANNELS], randoms(CHANNELS * 81 * CHANNELS)))]),
        ]),
      );
    }),
    gives: { refusal: /does not run on tiles of 16 pixels/ },
  },
  {
    name: "operator set 6",
    model: network(resnet, undefined, { opset: 6 }),
    gives: { refusal: /uses ONNX operator set 6; canopy needs 7 or later/ },
  },
  { name: "operator set 7", model: network(resnet, undefined, { opset: 7 }), gives: "pooled" },
  { name: "operator set 21", model: network(resnet, undefined, { opset: 21 }), gives: "pooled" },
  {
    name: "operator set 99",
    model: network(resnet, undefined, { opset: 99 }),
    gives: { refusal: /does not run .*in ONNX Runtime/ },
  },
  {
    name: "IR version 99",
    model: edited((model) => Object.assign(model, { irVersion: 99n })),
    gives: { refusal: /does not run .*in ONNX Runtime/ },
  },
  {
    name: "IR version 3, weights among the inputs",
    model: edited((model) => {
      model.irVersion = 3n;
      const { graph } = model;
      for (const { name, dims } of graph.initializer) graph.input.push(valueInfo(name, "float32", dims.map(Number)));
    }),
    gives: "pooled",
  },
  {
    name: "weights in other files (external data)",
    model: edited(({ graph }) => {
      Object.assign(graph.initializer[0], { rawData: new Uint8Array(), dataLocation: 1 });
    }),
    gives: { refusal: /keeps its weights in other files \(external data, first in tensor "body_w"\)/ },
  },
  {
    name: "a constant in another file",
    model: edited(({ graph }) => {
      const bias = Object.assign(toTensorProto("out", float32([1], [0])), {
        rawData: new Uint8Array(),
        dataLocation: 1,
      });
      graph.node.unshift(Object.assign(makeNode("Constant", [], ["c"], { value: float32([1], [0]) })));
      graph.node[0].attribute[0].t = bias;
    }),
    gives: { refusal: /keeps its weights in other files \(external data, first in tensor "out"\)/ },
  },
  {
    name: "half a file",
    model: network(resnet).subarray(0, 300),
    gives: { refusal: /is not an ONNX model, or it is truncated/ },
  },
  {
    name: "no ONNX at all",
    model: new TextEncoder().encode("version https://git-lfs"),
    gives: { refusal: /is not an ONNX model/ },
  },
  { name: "local functions eight deep", model: functions(8, 1, "Relu"), gives: "pooled" },
  {
    name: "a local function that calls itself",
    model: functions(1, 1, "f0"),
    gives: { refusal: /call one another without end/ },
  },
  {
    name: "local functions that unfold to billions of nodes",
    model: functions(32, 2, "Relu"),
    gives: { refusal: /unfold to more than 200000 nodes/ },
  },
  {
    name: "class scores as features, named as `output`",
    model: network(resnet),
    options: { normalisation: "unit", output: "scores" },
    gives: { features: network((g, map) => g.output("y", gemm(g, pooled(g, map)), "float32", ["N", CLASSES])) },
  },
];
