/** Made-up networks: one small convolutional body, and the many ways published classifiers end. */
import { GraphBuilder, type GraphOptions, type Shape } from "../../src/onnx/graph.js";
import { type ElementType, float32, int64, type Tensor } from "../../src/onnx/tensor.js";
import { randoms } from "./run.js";

/** Channels of the body's last feature map. */
export const CHANNELS = 8;
export const CLASSES = 5;

/** Continues from the body's map `[N, 8, H, W]` to the graph's outputs. */
export type Tail = (graph: GraphBuilder, map: string) => void;

interface NetworkOptions extends GraphOptions {
  /** Of the input; integers are pixels, which the network divides by 255 itself. @default "float32" */
  type?: ElementType;
  /** @default by the shape */
  layout?: "NCHW" | "NHWC";
}

/** A model: input `x` of `shape`, Conv and Relu, then `tail`. */
export function network(tail: Tail, shape: Shape = ["N", 3, "H", "W"], options: NetworkOptions = {}): Uint8Array {
  const graph = new GraphBuilder("made-up", options);
  const { type = "float32", layout = shape[3] === 3 ? "NHWC" : "NCHW" } = options;
  const x = toFloats(graph, graph.input("x", type, shape), type);
  const nchw = layout === "NHWC" ? graph.node("Transpose", [x], { perm: [0, 3, 1, 2] }) : x;
  const weight = graph.initializer("body_w", float32([CHANNELS, 3, 3, 3], randoms(CHANNELS * 27)));
  const bias = graph.initializer("body_b", float32([CHANNELS], randoms(CHANNELS, 2)));
  tail(graph, graph.node("Relu", [graph.node("Conv", [nchw, weight, bias], { strides: [2, 2] })]));
  return graph.build();
}

function toFloats(graph: GraphBuilder, x: string, type: ElementType): string {
  if (type === "float32") return x;
  const floats = graph.node("Cast", [x], { to: 1 });
  return type.startsWith("float") ? floats : graph.node("Div", [floats, constant(graph, float32([], [255]))]);
}

const constants = new WeakMap<GraphBuilder, number>();

/** An initializer with a name of its own. */
export function constant(graph: GraphBuilder, tensor: Tensor): string {
  const count = constants.get(graph) ?? 0;
  constants.set(graph, count + 1);
  return graph.initializer(`constant_${count}`, tensor);
}

export const pool = (graph: GraphBuilder, value: string) => graph.node("GlobalAveragePool", [value]);
export const flatten = (graph: GraphBuilder, value: string) => graph.node("Flatten", [value]);

/** `[N, 8]` to `[N, 5]`. */
export function gemm(graph: GraphBuilder, value: string): string {
  const weight = graph.initializer("fc_w", float32([CLASSES, CHANNELS], randoms(CLASSES * CHANNELS, 3)));
  return graph.node("Gemm", [value, weight, graph.initializer("fc_b", float32([CLASSES], randoms(CLASSES, 4)))], {
    transB: 1,
  });
}

export function matMulAdd(graph: GraphBuilder, value: string): string {
  const weight = graph.initializer("fc_w", float32([CHANNELS, CLASSES], randoms(CLASSES * CHANNELS, 3)));
  const bias = graph.initializer("fc_b", float32([CLASSES], randoms(CLASSES, 4)));
  return graph.node("Add", [bias, graph.node("MatMul", [value, weight])]);
}

export function conv1x1(graph: GraphBuilder, value: string): string {
  const weight = graph.initializer("fc_w", float32([CLASSES, CHANNELS, 1, 1], randoms(CLASSES * CHANNELS, 3)));
  return graph.node("Conv", [value, weight]);
}

/** Flattens as PyTorch's `view(x.size(0), -1)` was exported: the batch size is read from the shape at run time. */
export function flattenByShape(graph: GraphBuilder, value: string): string {
  const index = graph.initializer("batch_axis", int64([], [0]));
  const batch = graph.node("Gather", [graph.node("Shape", [value]), index], { axis: 0 });
  const axes = graph.initializer("unsqueeze_axes", int64([1], [0]));
  const rest = graph.initializer("rest", int64([1], [-1]));
  const shape = graph.node("Concat", [graph.node("Unsqueeze", [batch, axes]), rest], { axis: 0 });
  return graph.node("Reshape", [value, shape]);
}

export function reshape(graph: GraphBuilder, value: string, sizes: number[]): string {
  return graph.node("Reshape", [value, constant(graph, int64([sizes.length], sizes))]);
}

/** Declares `value` as the output `scores`. */
export function scores(graph: GraphBuilder, value: string, shape: Shape = ["N", CLASSES]): void {
  graph.output("scores", value, "float32", shape);
}
