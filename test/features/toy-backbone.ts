/** A backbone small enough for tests, sensitive to where in the tile a colour is: one convolution as large as the tile. */
import { GraphBuilder } from "../../src/onnx/graph.js";
import { float32, int64 } from "../../src/onnx/tensor.js";

export const TOY_FEATURES = 4;

/** `tiles` uint8 [N, size, size, 3] to `features` float32 [N, 4], all of them `bias` for a black tile. */
export function toyBackbone(size: number, bias = 0): Uint8Array {
  const graph = new GraphBuilder("toy");
  const tiles = graph.input("tiles", "uint8", ["N", size, size, 3]);
  const pixels = graph.node("Transpose", [graph.node("Cast", [tiles], { to: 1 })], { perm: [0, 3, 1, 2] });
  const count = TOY_FEATURES * 3 * size * size;
  const weight = Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.37) / (size * size));
  const kernel = graph.initializer("kernel", float32([TOY_FEATURES, 3, size, size], weight));
  const biases = graph.initializer("biases", float32([TOY_FEATURES], new Float32Array(TOY_FEATURES).fill(bias)));
  const map = graph.node("Conv", [pixels, kernel, biases]);
  const shape = graph.initializer("shape", int64([2], [-1, TOY_FEATURES]));
  graph.output("features", graph.node("Reshape", [map, shape], {}, "features"), "float32", ["N", TOY_FEATURES]);
  return graph.build();
}

/** A backbone whose feature is a tile's mean, and that ONNX Runtime cannot run on a tile brighter than `limit`: an index is then out of range. */
export function fussyBackbone(size: number, limit: number): Uint8Array {
  const graph = new GraphBuilder("fussy");
  const tiles = graph.input("tiles", "uint8", ["N", size, size, 3]);
  const mean = graph.node("ReduceMean", [graph.node("Cast", [tiles], { to: 1 })], { axes: [1, 2, 3], keepdims: 0 });
  const table = graph.initializer("table", float32([limit + 1], new Float32Array(limit + 1)));
  const zero = graph.node("Gather", [table, graph.node("Cast", [mean], { to: 7 })]);
  const shape = graph.initializer("shape", int64([2], [-1, 1]));
  const sum = graph.node("Add", [mean, zero]);
  graph.output("features", graph.node("Reshape", [sum, shape], {}, "features"), "float32", ["N", 1]);
  return graph.build();
}

/** A backbone whose feature is the logarithm of a tile's mean: of a black tile it is no finite number. */
export function logBackbone(size: number): Uint8Array {
  const graph = new GraphBuilder("log");
  const tiles = graph.input("tiles", "uint8", ["N", size, size, 3]);
  const mean = graph.node("ReduceMean", [graph.node("Cast", [tiles], { to: 1 })], { axes: [1, 2, 3], keepdims: 0 });
  const shape = graph.initializer("shape", int64([2], [-1, 1]));
  const log = graph.node("Log", [mean]);
  graph.output("features", graph.node("Reshape", [log, shape], {}, "features"), "float32", ["N", 1]);
  return graph.build();
}
