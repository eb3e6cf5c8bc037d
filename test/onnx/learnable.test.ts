import assert from "node:assert/strict";
import { test } from "node:test";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { weightBlocks } from "../../src/onnx/learnable.js";
import { decodeModel } from "../../src/onnx/proto.js";
import { float32, int64 } from "../../src/onnx/tensor.js";

/** A stem, a residual block of two layers, and a last layer; the batch's size is read from the input, and used at the end. */
function network(): Uint8Array {
  const graph = new GraphBuilder("blocks");
  const x = graph.input("x", "float32", ["N", 2, 4, 4]);
  const batch = graph.node("Slice", [graph.node("Shape", [x]), ...[0, 1].map((at) => list(graph, at))]);
  const conv = (name: string, value: string) =>
    graph.node("Conv", [value, graph.initializer(name, float32([2, 2, 1, 1], [1, 2, 3, 4]))]);
  const scaled = graph.node("Mul", [x, graph.initializer("std", float32([2, 1, 1], [2, 3]))]);
  const stem = graph.node("Relu", [conv("stem", scaled)]);
  const sum = graph.node("Add", [stem, conv("second", graph.node("Relu", [conv("first", stem)]))]);
  const last = graph.node("GlobalAveragePool", [conv("last", sum)]);
  const shape = graph.node("Concat", [batch, list(graph, 2)], { axis: 0 });
  graph.output("features", graph.node("Reshape", [last, shape]), "float32", ["N", 2]);
  return graph.build();
}

function list(graph: GraphBuilder, value: number): string {
  return graph.initializer(`list${value}`, int64([1], [value]));
}

test("blocks end where everything passes through one value, whatever reads sizes", () => {
  const { graph } = decodeModel(network(), "The network");
  assert.deepEqual(weightBlocks(graph), [["stem"], ["first", "second"], ["last"]]);
});
