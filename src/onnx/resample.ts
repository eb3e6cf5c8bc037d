/**
 * Bilinear resizing as ONNX nodes: two products with weight matrices the graph computes from the picture's size. Unlike ONNX's own
 * Resize it antialiases in every operator set from 11 on, and its weights are those of Pillow and of canopy's decoder: a triangle
 * around `(i + 0.5) * scale`, as wide as the scale when shrinking, normalised to sum 1.
 */
import type { Appender } from "./editing.js";
import { TensorProto_DataType as DataType } from "./gen/onnx_pb.js";
import { float32, int64 } from "./tensor.js";

/** `antialias` as Pillow shrinks, `plain` as tf.image.resize (two neighbours, whatever the scale). */
export type ResizeMode = "antialias" | "plain";

/**
 * Nodes that resize `tiles` (uint8 `[N, H, W, 3]`) to `[N, 3, size, size]` float32 with whole values 0..255, rounded once at the end as
 * canopy's addon does (Pillow rounds between columns and rows too). A tile of that size passes unchanged. Returns the result's name.
 */
export function appendResize(append: Appender, tiles: string, size: number, mode: ResizeMode): string {
  const shape = append.node("Shape", [tiles]);
  const planes = append.node("Cast", [append.node("Transpose", [tiles], { perm: [0, 3, 1, 2] })], {
    to: DataType.FLOAT,
  });
  const columns = weights(append, shape, 2, size, mode);
  const rows = weights(append, shape, 1, size, mode);
  const across = append.node("MatMul", [planes, append.node("Transpose", [columns], { perm: [1, 0] })]);
  const down = append.node("MatMul", [rows, across]);
  return roundToByte(append, down);
}

/** `[size, length]`: row i holds the share of each source pixel in target pixel i; `length` is entry `axis` of `shape`. */
function weights(append: Appender, shape: string, axis: number, size: number, mode: ResizeMode): string {
  const scalar = (wish: string, value: number) => append.constant(wish, float32([], [value]));
  const index = append.constant(`axis${axis}`, int64([], [axis]));
  const length = append.node("Cast", [append.node("Gather", [shape, index])], { to: DataType.FLOAT });
  const scale = append.node("Div", [length, scalar(`size${axis}`, size)]);
  const middles = Float32Array.from({ length: size }, (_, i) => i + 0.5);
  const centers = append.node("Mul", [append.constant(`middles${axis}`, float32([size, 1], middles)), scale]);
  const one = scalar(`one${axis}`, 1);
  const range = append.node("Range", [scalar(`zero${axis}`, 0), length, one]);
  const pixels = append.node("Add", [range, scalar(`half${axis}`, 0.5)]);
  const distances = append.node("Abs", [append.node("Sub", [pixels, centers])]);
  const width = mode === "antialias" ? append.node("Max", [scale, one]) : one;
  const triangle = append.node("Relu", [append.node("Sub", [one, append.node("Div", [distances, width])])]);
  // The sum over source pixels as a product with ones: ReduceSum's axes moved from attribute to input between operator sets.
  const ones = append.node("Add", [append.node("Sub", [pixels, pixels]), one]);
  const column = append.node("Reshape", [ones, append.constant(`column${axis}`, int64([2], [-1, 1]))]);
  return append.node("Div", [triangle, append.node("MatMul", [triangle, column])]);
}

/** Halves go up; ONNX's Round would send them to the even neighbour. */
function roundToByte(append: Appender, value: string): string {
  const half = append.constant("half", float32([], [0.5]));
  const low = append.constant("low", float32([], [0]));
  const high = append.constant("high", float32([], [255]));
  return append.node("Clip", [append.node("Floor", [append.node("Add", [value, half])]), low, high]);
}
