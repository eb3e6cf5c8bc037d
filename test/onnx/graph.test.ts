import assert from "node:assert/strict";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { float32, int64 } from "../../src/onnx/tensor.js";
import { runModel } from "./run.js";

test("a built graph computes what its nodes say in ONNX Runtime", async () => {
  const graph = new GraphBuilder("head", { metadata: { tags: "clear haze" } });
  const x = graph.input("x", "float32", ["N", 3]);
  const w = graph.initializer("w", float32([3, 2], [1, 2, 3, 4, 5, 6]));
  const b = graph.initializer("b", float32([2], [0.5, -0.5]));
  const sum = graph.node("Gemm", [x, w, b], { alpha: { float: 2 } });
  graph.output("y", graph.node("Reshape", [sum, graph.initializer("shape", int64([2], [-1, 1]))]), "float32", ["M", 1]);
  const { y } = await runModel(graph.build(), {
    x: new ort.Tensor("float32", Float32Array.of(1, 1, 1, 0, 1, 0), [2, 3]),
  });
  assert.deepEqual(y, { dims: [4, 1], data: Float32Array.of(18.5, 23.5, 6.5, 7.5) });
});

test("integer, int8 and uint8 initializers keep their values", async () => {
  const graph = new GraphBuilder("types");
  const x = graph.input("x", "float32", [2]);
  const parts = (["int8", "uint8", "int32"] as const).map((type) => {
    const data = { int8: Int8Array.of(-128, 127), uint8: Uint8Array.of(0, 255), int32: Int32Array.of(-70000, 70000) };
    return graph.node("Cast", [graph.initializer(type, { type, dims: [2], data: data[type] })], { to: 1 });
  });
  graph.output("y", graph.node("Concat", [x, ...parts], { axis: 0 }), "float32", [8]);
  const { y } = await runModel(graph.build(), { x: new ort.Tensor("float32", Float32Array.of(1, 2), [2]) });
  assert.deepEqual(y?.data, Float32Array.of(1, 2, -128, 127, 0, 255, -70000, 70000));
});

test("two values of one name, an unknown input and a fractional int are refused where they are made", () => {
  const graph = new GraphBuilder("wrong");
  const x = graph.input("x", "float32", ["N"]);
  assert.throws(() => graph.input("x", "float32", ["N"]), /new, non-empty name in graph "wrong", got "x"/);
  assert.throws(() => graph.node("Relu", ["y"]), /inputs of Relu to be values of graph "wrong", got "y"/);
  assert.throws(() => graph.node("Softmax", [x], { axis: 0.5 }), /`axis` to be an integer/);
  assert.throws(() => graph.initializer("w", float32([2, 2], [1])), /hold 4 values, got 1/);
});
