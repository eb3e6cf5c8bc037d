import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { compactWeights, weightRounder } from "../../src/onnx/compact-weights.js";
import { exposeWeights, foldGraph } from "../../src/onnx/fold.js";
import { GraphProtoSchema, ValueInfoProtoSchema } from "../../src/onnx/gen/onnx_pb.js";
import { GraphBuilder, makeNode } from "../../src/onnx/graph.js";
import { weightBlocks } from "../../src/onnx/learnable.js";
import { decodeModel, encodeModel, fromTensorProto } from "../../src/onnx/proto.js";
import { bool, float32, type Tensor } from "../../src/onnx/tensor.js";
import { maxDifference, randoms, runModel } from "./run.js";

const tensor = (dims: number[], seed: number) =>
  float32(
    dims,
    randoms(
      dims.reduce((a, b) => a * b, 1),
      seed,
    ),
  );

/** Two convolutions, the first with batch normalisation and weights as int8, a residual block and a matrix product. */
function network(): Uint8Array {
  const graph = new GraphBuilder("network");
  const add = (name: string, value: Tensor) => graph.initializer(name, value);
  const input = graph.input("input", "float32", ["N", 3, 8, 8]);
  const integers = Int8Array.from(randoms(16 * 27, 1), (value) => Math.round(value * 100));
  add("w8", { type: "int8", dims: [16, 3, 3, 3], data: integers });
  add(
    "scale",
    float32(
      [16, 1, 1, 1],
      randoms(16, 2).map((value) => 0.01 + Math.abs(value) / 50),
    ),
  );
  const w = graph.node("Mul", [graph.node("Cast", ["w8"], { to: 1 }), "scale"], {}, "stem.weight");
  const stem = graph.node("Conv", [input, w], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const norms = ["gamma", "beta", "mean"].map((name, i) => add(name, tensor([16], 3 + i)));
  const variance = add(
    "variance",
    float32(
      [16],
      randoms(16, 7).map((value) => 0.5 + Math.abs(value)),
    ),
  );
  const normal = graph.node("BatchNormalization", [stem, ...norms, variance], { epsilon: { float: 1e-3 } });
  const start = graph.node("Relu", [normal]);
  const inner = graph.node("Conv", [start, add("a", tensor([16, 16, 1, 1], 8)), add("a.bias", tensor([16], 9))]);
  const outer = graph.node("Conv", [graph.node("Relu", [inner]), add("b", tensor([16, 16, 1, 1], 10))]);
  const sum = graph.node("Add", [start, outer]);
  const flat = graph.node("Flatten", [graph.node("GlobalAveragePool", [sum])]);
  graph.output("features", graph.node("MatMul", [flat, add("last", tensor([16, 20], 11))]), "float32", ["N", 20]);
  return graph.build();
}

const FEEDS = { input: { dims: [2, 3, 8, 8], data: randoms(2 * 3 * 64, 12) } };

async function featuresOf(model: Uint8Array): Promise<Float32Array> {
  const { Tensor: OrtTensor } = await import("onnxruntime-node");
  const { dims, data } = FEEDS.input;
  const outputs = await runModel(model, { input: new OrtTensor("float32", data, dims) });
  return outputs["features"].data as Float32Array;
}

test("exposed weights are float32, without batch normalisation, and the network computes the same", async () => {
  const original = network();
  const model = decodeModel(original, "network");
  exposeWeights(model);
  const operators = model.graph.node.map(({ opType }) => opType);
  assert.ok(!operators.includes("BatchNormalization") && !operators.includes("Cast") && !operators.includes("Mul"));
  for (const each of model.graph.initializer) assert.equal(fromTensorProto(each).type, "float32", each.name);
  assert.ok(maxDifference(await featuresOf(encodeModel(model)), await featuresOf(original)) < 1e-4);
});

test("weights of another layer that have the name of folded ones stay what they are", async () => {
  const graph = new GraphBuilder("network");
  const add = (name: string, value: Tensor) => graph.initializer(name, value);
  const input = graph.input("input", "float32", ["N", 3, 8, 8]);
  const first = graph.node("Conv", [input, add("first", tensor([3, 3, 1, 1], 1))]);
  const statistics = ["gamma", "beta", "mean"].map((name, i) => add(name, tensor([3], 2 + i)));
  const inputs = [first, ...statistics, add("variance", float32([3], [1, 2, 3]))];
  const norm = graph.node("BatchNormalization", inputs, {}, "norm");
  const second = graph.node("Conv", [norm, add("norm_weight", tensor([4, 3, 1, 1], 6))]);
  graph.output("features", graph.node("GlobalAveragePool", [second]), "float32", ["N", 4, 1, 1]);
  const bytes = graph.build();
  const model = decodeModel(bytes, "The network");
  exposeWeights(model);
  const { initializer, node } = model.graph;
  assert.ok(!node.some(({ opType }) => opType === "BatchNormalization"));
  assert.equal(new Set(initializer.map(({ name }) => name)).size, initializer.length);
  assert.ok(maxDifference(await featuresOf(encodeModel(model)), await featuresOf(bytes)) < 1e-5);
});

test("numbers of Constant nodes are constants in every form", () => {
  const graph = new GraphBuilder("constants");
  const x = graph.input("x", "float32", ["N", 2]);
  const list = graph.node("Constant", [], { value_floats: { floats: [3, 4] } });
  const half = graph.node("Constant", [], { value_float: { float: 0.5 } });
  const shape = graph.node("Constant", [], { value_ints: [1, 2] });
  const row = graph.node("Reshape", [graph.node("Mul", [list, half]), shape], {}, "row");
  graph.output("y", graph.node("Add", [x, row]), "float32", ["N", 2]);
  const model = decodeModel(graph.build(), "The network");
  exposeWeights(model);
  const [proto, ...others] = model.graph.initializer.map(fromTensorProto);
  assert.deepEqual([proto.dims, [...proto.data], others.length], [[1, 2], [1.5, 2], 0]);
});

test("compact weights are a quarter of the bytes, and stand for what the rounder says, to the last bit", async () => {
  const model = decodeModel(network(), "network");
  exposeWeights(model);
  const round = weightRounder(model.graph);
  const expected = new Map(
    model.graph.initializer.map((each) => [each.name, round(each.name, fromTensorProto(each).data as Float32Array)]),
  );
  compactWeights(model);
  const types = model.graph.initializer.map((each) => fromTensorProto(each).type);
  assert.equal(types.filter((type) => type === "int8").length, 4);
  const compact = encodeModel(model);
  exposeWeights(model);
  for (const each of model.graph.initializer) {
    assert.deepEqual(fromTensorProto(each).data, expected.get(each.name), each.name);
  }
  assert.deepEqual(await featuresOf(compact), await featuresOf(encodeModel(model)));
  // One scale for each output channel: a step is its largest weight / 127.
  const weights = fromTensorProto(decodeModel(network(), "").graph.initializer.find(({ name }) => name === "last")!);
  const rounded = expected.get("last") as Float32Array;
  for (let column = 0; column < 20; column++) {
    const own = (data: ArrayLike<number>) => Array.from({ length: 16 }, (_, row) => data[row * 20 + column]);
    const largest = Math.max(...own(weights.data as Float32Array).map(Math.abs));
    const error = own(weights.data as Float32Array).map((value, row) => Math.abs(value - own(rounded)[row]));
    assert.ok(Math.max(...error) <= (largest / 127) * 0.5001);
  }
});

test("blocks are residual blocks and the layers between them, with all their weights", () => {
  const model = decodeModel(network(), "network");
  exposeWeights(model);
  const blocks = weightBlocks(model.graph);
  assert.equal(blocks.length, 3);
  assert.equal(blocks[0].length, 2);
  assert.deepEqual(blocks.slice(1), [["a", "a.bias", "b"], ["last"]]);
});

test("weights that an exporter left turned around are weights of their layer", async () => {
  const graph = new GraphBuilder("turned");
  const input = graph.input("input", "float32", ["N", 3, 8, 8]);
  const flat = graph.node("Flatten", [graph.node("GlobalAveragePool", [input])]);
  const turned = graph.node("Transpose", [graph.initializer("kept", tensor([5, 3], 1))], { perm: [1, 0] });
  const weight = graph.node("Identity", [turned], {}, "dense.weight");
  graph.output("features", graph.node("MatMul", [flat, weight]), "float32", ["N", 5]);
  const original = graph.build();
  const model = decodeModel(original, "turned");
  exposeWeights(model);
  assert.deepEqual(weightBlocks(model.graph), [["dense.weight"]]);
  assert.deepEqual(
    model.graph.initializer.map(({ name }) => name),
    ["dense.weight"],
  );
  assert.deepEqual(await featuresOf(encodeModel(model)), await featuresOf(original));
});

test("what only a graph within the graph reads keeps its name and its meaning", async () => {
  const graph = new GraphBuilder("captured");
  const add = (name: string, value: Tensor) => graph.initializer(name, value);
  const input = graph.input("input", "float32", ["N", 3, 8, 8]);
  const plain = graph.node("Conv", [input, add("weight", tensor([4, 3, 1, 1], 1))], {}, "plain");
  const statistics = ["gamma", "beta", "mean"].map((name, i) => add(name, tensor([4], 2 + i)));
  const norm = graph.node("BatchNormalization", [plain, ...statistics, add("variance", float32([4], [1, 2, 3, 4]))]);
  const idle = graph.node("Identity", [graph.node("Relu", [norm], {}, "relu")], {}, "idle");
  const branch = (...names: string[]) =>
    create(GraphProtoSchema, {
      name: "branch",
      node: [makeNode("Add", names, [`sum_${names[0]}`])],
      output: [create(ValueInfoProtoSchema, { name: `sum_${names[0]}` })],
    });
  const branches = { then_branch: branch("plain", "relu"), else_branch: branch("relu", "idle") };
  const chosen = graph.node("If", [graph.initializer("condition", bool(true))], branches);
  const sum = graph.node("Add", [chosen, idle]);
  graph.output("features", graph.node("GlobalAveragePool", [sum]), "float32", ["N", 4, 1, 1]);
  const bytes = graph.build();
  const model = decodeModel(bytes, "The network");
  foldGraph(model.graph);
  assert.ok(!model.graph.node.some(({ opType }) => opType === "Identity"));
  assert.ok(maxDifference(await featuresOf(encodeModel(model)), await featuresOf(bytes)) < 1e-6);
});

test("what changes nothing goes, also behind an input, a weight or an output, and these keep their names", async () => {
  const graph = new GraphBuilder("idle");
  const idle = (value: string) => graph.node("Identity", [value]);
  const weight = graph.initializer("weight", tensor([16, 3, 1, 1], 1));
  const maps = graph.node("Conv", [idle(graph.input("input", "float32", ["N", 3, 8, 8])), idle(weight)]);
  graph.output("maps", idle(idle(maps)), "float32", ["N", 16, 8, 8]);
  const features = graph.node("Flatten", [graph.node("GlobalAveragePool", [idle("maps")])]);
  graph.output("features", features, "float32", ["N", 16]);
  const before = graph.build();
  const model = decodeModel(before, "idle");
  foldGraph(model.graph);
  assert.deepEqual(
    [model.graph.input, model.graph.output].flat().map(({ name }) => name),
    ["input", "maps", "features"],
  );
  assert.ok(model.graph.node.every(({ opType }) => opType !== "Identity"));
  const difference = maxDifference(await featuresOf(encodeModel(model)), await featuresOf(before));
  assert.ok(difference < 1e-5, `${difference}`);
});
