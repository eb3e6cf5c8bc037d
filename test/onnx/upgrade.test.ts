/** Networks of old operator sets give in ONNX Runtime what they give in the new one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import ort from "onnxruntime-node";
import { GraphProtoSchema, ValueInfoProtoSchema } from "../../src/onnx/gen/onnx_pb.js";
import { type Attributes, GraphBuilder, makeNode } from "../../src/onnx/graph.js";
import { prepareBackbone } from "../../src/onnx/prepare.js";
import { decodeModel, encodeModel, opsetOf } from "../../src/onnx/proto.js";
import { float32, int64 } from "../../src/onnx/tensor.js";
import { upgradeOpset } from "../../src/onnx/upgrade.js";
import { CHANNELS, type Tail, network as tailed } from "./networks.js";
import { maxDifference, randoms, runModel } from "./run.js";

const DIMS = [2, 3, 4, 6];
const X = new ort.Tensor("float32", randoms(2 * 3 * 4 * 6, 1), DIMS);

type Build = (graph: GraphBuilder, x: string) => string;

const node =
  (op: string, attributes: Attributes = {}, more: (graph: GraphBuilder) => string[] = () => []): Build =>
  (graph, x) =>
    graph.node(op, [x, ...more(graph)], attributes);

const floats = (name: string, values: number[]) => (graph: GraphBuilder) =>
  graph.initializer(name, float32([values.length], values));
const scales =
  (...values: number[]) =>
  (graph: GraphBuilder) => [floats("scales", values)(graph)];
const statistics = (graph: GraphBuilder) => [
  ...["scale", "shift", "mean"].map((name, i) => floats(name, [0.5 + i, 1, -0.5])(graph)),
  floats("variance", [0.5, 1, 2])(graph),
];

const split: Build = (graph, x) => {
  const parts = graph.nodes("Split", [x], ["first", "second"], { axis: 1, split: [1, 2] });
  return graph.node("Concat", [...parts].reverse(), { axis: 1 });
};
const topK: Build = (graph, x) => graph.nodes("TopK", [x], ["values", "places"], { axis: 3, k: 2 })[0];
const squeezed: Build = (graph, x) =>
  graph.node("Squeeze", [graph.node("Unsqueeze", [x], { axes: [0, 3] })], { axes: [0] });
const scatter: Build = (graph, x) => {
  const places = graph.initializer("places", int64([1, 1, 1, 2], [3, 0]));
  return graph.node("Scatter", [x, places, graph.initializer("updates", float32([1, 1, 1, 2], [7, 8]))], { axis: 3 });
};

/** Operator, set, and a network of one that uses it in the form of that set. */
const CASES: [what: string, opset: number, build: Build][] = [
  ["Squeeze and Unsqueeze", 11, squeezed],
  ["ReduceSum along axes", 12, node("ReduceSum", { axes: [1, 3], keepdims: 0 })],
  ["ReduceSum of all", 12, node("ReduceSum")],
  ["Split", 11, split],
  ["Softmax over several axes", 11, node("Softmax")],
  ["Softmax over the last axis", 11, node("Softmax", { axis: 3 })],
  ["Softmax over the last axis, counted from behind", 11, node("Softmax", { axis: -1 })],
  ["LogSoftmax", 9, node("LogSoftmax", { axis: 2 })],
  ["Hardmax", 12, node("Hardmax", { axis: 2 })],
  ["Clip", 7, node("Clip", { min: { float: -0.3 }, max: { float: 0.5 } })],
  ["Clip above", 10, node("Clip", { max: { float: 0.5 } })],
  ["Clip below", 10, node("Clip", { min: { float: 0.1 } })],
  ["Pad", 10, node("Pad", { pads: [0, 0, 1, 2, 0, 0, 3, 0], value: { float: 0.7 } })],
  ["Pad by reflection", 7, node("Pad", { pads: [0, 0, 1, 2, 0, 0, 3, 0], mode: "reflect" })],
  ["Slice", 9, node("Slice", { starts: [1, -4], ends: [3, -1], axes: [2, 3] })],
  ["Slice of the first axes", 9, node("Slice", { starts: [0, 1], ends: [1, 3] })],
  ["TopK", 9, topK],
  ["Dropout", 7, node("Dropout", { ratio: { float: 0.4 } })],
  ["BatchNormalization", 7, node("BatchNormalization", { epsilon: { float: 0.1 }, spatial: 1 }, statistics)],
  ["BatchNormalization without spatial", 12, node("BatchNormalization", {}, statistics)],
  ["Upsample", 7, node("Upsample", { scales: { floats: [1, 1, 2, 1.5] } })],
  ["Upsample by an input, linear", 9, node("Upsample", { mode: "linear" }, scales(1, 1, 2, 3))],
  ["Resize, larger", 10, node("Resize", {}, scales(1, 1, 1.5, 2))],
  ["Resize, smaller", 10, node("Resize", { mode: "nearest" }, scales(1, 1, 0.5, 0.7))],
  ["Resize, linear", 10, node("Resize", { mode: "linear" }, scales(1, 1, 1.5, 0.5))],
  ["Scatter", 9, scatter],
];

function network(opset: number, build: Build): Uint8Array {
  const graph = new GraphBuilder("old", { opset });
  const y = build(graph, graph.input("x", "float32", DIMS));
  graph.output("y", graph.node("Identity", [y]), "float32", []);
  const model = decodeModel(graph.build(), "old");
  // Of any shape.
  for (const { type } of model.graph.output) delete type?.tensorType?.shape;
  return encodeModel(model);
}

function upgraded(bytes: Uint8Array): Uint8Array {
  const model = decodeModel(bytes, "old");
  upgradeOpset(model, "old");
  assert.equal(opsetOf(model), 13);
  return encodeModel(model);
}

describe("an upgraded network gives the same", () => {
  for (const [what, opset, build] of CASES) {
    test(`${what}, from set ${opset}`, async () => {
      const bytes = network(opset, build);
      const [before, after] = [await runModel(bytes, { x: X }), await runModel(upgraded(bytes), { x: X })];
      assert.deepEqual(after["y"].dims, before["y"].dims);
      assert.ok(before["y"].data.length > 1 || what.endsWith("all"));
      assert.ok(maxDifference(after["y"].data, before["y"].data) < 1e-6);
    });
  }
});

test("nodes of a subgraph are upgraded, too", async () => {
  const graph = new GraphBuilder("old", { opset: 11 });
  const x = graph.input("x", "float32", DIMS);
  const condition = graph.initializer("condition", { type: "bool", dims: [], data: Uint8Array.of(1) });
  const branch = (name: string, op: string) =>
    create(GraphProtoSchema, {
      name,
      node: [makeNode(op, [x], [name], { axes: [0] })],
      output: [create(ValueInfoProtoSchema, { name })],
    });
  const y = graph.node("If", [condition], {
    then_branch: branch("then", "Unsqueeze"),
    else_branch: branch("else", "Unsqueeze"),
  });
  graph.output("y", graph.node("Identity", [y]), "float32", [1, ...DIMS]);
  const [before, after] = [graph.build(), upgraded(graph.build())];
  const results = [await runModel(before, { x: X }), await runModel(after, { x: X })];
  assert.deepEqual(results[1], results[0]);
});

test("what has no equal in the newer set is refused by name", () => {
  const refuse = (opset: number, build: Build, message: RegExp) =>
    assert.throws(() => upgraded(network(opset, build)), { name: "ModelError", message });
  const each = node("BatchNormalization", { spatial: 0 }, statistics);
  refuse(
    7,
    each,
    /^old uses ONNX operator set 7: node ".*" \(BatchNormalization\) normalises each place by itself\. Export/,
  );
  refuse(10, node("Resize", {}, scales(1, 1, 2, 0.5)), /enlarges and shrinks by the nearest pixel/);
});

test("a prepared backbone has the newer set, whatever the size of its tiles and their views", () => {
  const pool: Tail = (graph, map) => {
    const features = graph.node("Flatten", [graph.node("GlobalAveragePool", [map])]);
    graph.output("features", features, "float32", ["N", CHANNELS]);
  };
  const input = { name: "x", layout: "NCHW", channels: "RGB", scale: 255, fixedSize: null } as const;
  const card = {
    name: "old",
    input: { ...input, mean: [0, 0, 0], std: [1, 1, 1] } as const,
    features: { output: null, count: CHANNELS },
  };
  for (const options of [{}, { resize: "plain" as const }, { allViews: true }]) {
    const prepared = prepareBackbone(tailed(pool, undefined, { opset: 7 }), card, 8, options);
    assert.equal(opsetOf(decodeModel(prepared, "prepared")), 13);
  }
});

test("a newer set stays as it is", () => {
  const bytes = network(17, node("Softmax", { axis: 1 }));
  const model = decodeModel(bytes, "new");
  upgradeOpset(model, "new");
  assert.deepEqual(encodeModel(model), bytes);
});
