/** Networks by how they take their pixels: types, orders, sizes, channels. */
import { TensorProto_DataType } from "../../src/onnx/gen/onnx_pb.js";
import { GraphBuilder, type Shape } from "../../src/onnx/graph.js";
import { decodeModel, encodeModel } from "../../src/onnx/proto.js";
import { float32 } from "../../src/onnx/tensor.js";
import type { Kind } from "./kind.js";
import { CHANNELS, constant, flatten, gemm, network, pool, scores, type Tail } from "./networks.js";
import { randoms } from "./run.js";

const resnet: Tail = (g, map) => scores(g, gemm(g, flatten(g, pool(g, map))));
const model = (shape: Shape, options: Parameters<typeof network>[2] = {}) => network(resnet, shape, options);
const free: Shape = ["N", 3, "H", "W"];

/** A network over inputs of its own, each of them `[N, channels, H, W]` and read by one convolution. */
function withInputs(channels: readonly number[], declared: readonly (number | string)[] = channels): Uint8Array {
  const graph = new GraphBuilder("inputs");
  const maps = channels.map((count, i) => {
    const x = graph.input(`input_${i}`, "float32", ["N", declared[i], "H", "W"]);
    const kernel = constant(graph, float32([CHANNELS, count, 3, 3], randoms(CHANNELS * count * 9, 1 + i)));
    return graph.node("Conv", [x, kernel]);
  });
  resnet(graph, maps.length === 1 ? maps[0] : graph.node("Add", maps));
  return graph.build();
}

function withoutInput(): Uint8Array {
  const graph = new GraphBuilder("constant");
  graph.output("y", constant(graph, float32([1, 4], [1, 2, 3, 4])), "float32", [1, 4]);
  graph.input("x", "float32", free);
  return graph.build();
}

/** Of a type that canopy cannot build. */
function withInputType(type: TensorProto_DataType): Uint8Array {
  const made = decodeModel(model(free, { type: "int32" }), "made-up");
  const declared = made.graph.input[0].type?.tensorType;
  if (declared !== undefined) declared.elemType = type;
  return encodeModel(made);
}

function ofRank(shape: Shape): Uint8Array {
  const graph = new GraphBuilder("rank");
  const x = graph.input("x", "float32", shape);
  graph.output("y", graph.node("Flatten", [x]), "float32", ["N", 48]);
  return graph.build();
}

export const PIXELS: Kind[] = [
  { name: "uint8 input `[N, 3, H, W]`", model: model(free, { type: "uint8" }), options: {}, gives: "pooled" },
  {
    name: "uint8 input `[N, H, W, 3]`",
    model: model(["N", "H", "W", 3], { type: "uint8" }),
    options: {},
    gives: "pooled",
  },
  { name: "int32 input", model: model(free, { type: "int32" }), options: {}, gives: "pooled" },
  {
    name: "uint8 input, `normalisation` imagenet",
    model: model(free, { type: "uint8" }),
    options: { normalisation: "imagenet" },
    gives: { refusal: /takes pixels as uint8, 0 to 255, and nothing else: its normalisation is raw/ },
  },
  {
    name: "int8 input",
    model: model(free, { type: "int8" }),
    options: {},
    gives: { refusal: /takes its input as int8, which cannot hold pixels/ },
  },
  {
    name: "uint16 input",
    model: withInputType(TensorProto_DataType.UINT16),
    options: {},
    gives: { refusal: /"x" has the element type uint16, which canopy does not handle/ },
  },
  { name: "float16 input", model: model(free, { type: "float16" }), gives: "pooled", tolerance: 5e-3 },
  { name: "float64 input", model: model(free, { type: "float64" }), gives: "pooled" },
  { name: "float32 input `[N, H, W, 3]`", model: model(["N", "H", "W", 3]), gives: "pooled" },
  {
    name: "no sizes declared, turned to channels first by the network",
    model: model(["N", "H", "W", "C"], { layout: "NHWC" }),
    gives: "pooled",
  },
  {
    name: "no sizes declared, `layout` NCHW",
    model: model(["N", "C", "H", "W"]),
    options: { layout: "NCHW", normalisation: "unit" },
    gives: "pooled",
  },
  { name: "a fixed size of 37", model: model(["N", 3, 37, 37]), size: 37, gives: "pooled" },
  { name: "a fixed size of 32x48", model: model(["N", 3, 48, 32]), gives: { refusal: /takes pictures of 32x48 only/ } },
  {
    name: "1 channel",
    model: withInputs([1]),
    gives: { refusal: /takes pictures of 1 channel; canopy's tiles have 3/ },
  },
  { name: "4 channels", model: withInputs([4]), gives: { refusal: /takes pictures of 4 channels/ } },
  {
    name: "13 channels, said by its first layer alone",
    model: withInputs([13], ["C"]),
    gives: { refusal: /takes pictures of 13 channels/ },
  },
  {
    name: "4 channels, turned to channels first by the network",
    model: network((g) => {
      const kernel = constant(g, float32([CHANNELS, 4, 3, 3], randoms(CHANNELS * 36)));
      const turned = g.node("Transpose", [g.input("picture", "float32", ["N", "H", "W", "C"])], { perm: [0, 3, 1, 2] });
      scores(g, gemm(g, flatten(g, pool(g, g.node("Conv", [turned, kernel])))));
    }),
    gives: { refusal: /takes pictures of 4 channels/ },
  },
  {
    name: "two pictures as inputs",
    model: withInputs([3, 3]),
    gives: { refusal: /depend on several inputs \(input_0, input_1\): it is no image network/ },
  },
  {
    name: "features that depend on no input",
    model: withoutInput(),
    gives: { refusal: /has no place canopy knows as its features; and none of its values can serve/ },
  },
  {
    name: "an input without a batch, `[3, H, W]`",
    model: ofRank([3, 4, 4]),
    gives: { refusal: /Input "x" of .* has 3 dimensions; images have 4/ },
  },
];
