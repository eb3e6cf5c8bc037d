import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { describeFile } from "../../src/models/file-model.js";
import { constantTensor, indexGraph } from "../../src/onnx/editing.js";
import { GraphProtoSchema, ValueInfoProtoSchema } from "../../src/onnx/gen/onnx_pb.js";
import { GraphBuilder, makeNode } from "../../src/onnx/graph.js";
import { PIXELS, prepareBackbone } from "../../src/onnx/prepare.js";
import { decodeModel } from "../../src/onnx/proto.js";
import { bool, float32 } from "../../src/onnx/tensor.js";
import { quantise } from "../../src/quantise/quantise.js";
import { inWholeNumbers } from "../../src/quantise/whole.js";
import type { Kind } from "../onnx/kind.js";
import { BATCHES } from "../onnx/kinds-batches.js";
import { maxDifference } from "../onnx/run.js";
import { type Layers, network, noise, SIZE } from "./networks.js";
import { NO_INTEGERS, observe, run } from "./run.js";
import { simulate } from "./simulate.js";

type Build = (layers: Layers, pixels: string) => { value: string; count: number; isMap?: boolean };

/** What is tested lies between two convolutions, so that both what it reads and what it gives are integers. */
const between =
  (middle: (layers: Layers, stem: string) => string, channels = 8): Build =>
  (layers, pixels) => {
    const stem = layers.conv(pixels, 3, 8, { kernel: 3, stride: 2, pad: 1 });
    return { value: layers.conv(middle(layers, stem), channels, 6), count: 6 };
  };

/** The bounds of a Clip. */
function bounds(graph: GraphBuilder, ...values: [low: number, high: number]): string[] {
  return values.map((bound, i) => graph.initializer(`bound${i}`, float32([], [bound])));
}

const CASES: Record<string, { build: Build; operators: string[] }> = {
  "Conv with strides and padding": { build: between((_, stem) => stem), operators: ["QLinearConv", "QLinearConv"] },
  "depthwise Conv without bias": {
    build: between(({ conv }, stem) => conv(stem, 8, 8, { kernel: 3, pad: 1, group: 8, bias: false })),
    operators: ["QLinearConv", "QLinearConv", "QLinearConv"],
  },
  "Conv and Clip": {
    build: between(({ graph }, stem) => {
      return graph.node("Clip", [stem, ...bounds(graph, 0, 0.5)]);
    }),
    operators: ["QLinearConv", "QLinearConv"],
  },
  "Add and Relu": {
    build: between(({ graph, conv }, stem) => graph.node("Relu", [graph.node("Add", [conv(stem, 8, 8), stem])])),
    operators: ["QLinearConv", "QLinearConv", "QLinearAdd", "QLinearConv"],
  },
  "GlobalAveragePool, Sigmoid and Mul (squeeze and excitation)": {
    build: between(({ graph, conv }, stem) => {
      const gate = graph.node("Sigmoid", [conv(graph.node("GlobalAveragePool", [stem]), 8, 8)]);
      return graph.node("Mul", [stem, gate]);
    }),
    operators: "QLinearConv QLinearGlobalAveragePool QLinearConv QLinearSigmoid QLinearMul QLinearConv".split(" "),
  },
  "Concat of different ranges": {
    build: between(({ graph, conv }, stem) => graph.node("Concat", [stem, conv(stem, 8, 4)], { axis: 1 }), 12),
    operators: ["QLinearConv", "QLinearConv", "QLinearConcat", "QLinearConv"],
  },
  MaxPool: {
    build: between(({ graph }, stem) => graph.node("MaxPool", [stem], { kernel_shape: [2, 2], strides: [2, 2] })),
    operators: ["QLinearConv", "NhwcMaxPool", "QLinearConv"],
  },
  AveragePool: {
    build: between(({ graph }, stem) => graph.node("AveragePool", [stem], { kernel_shape: [3, 3], strides: [1, 1] })),
    operators: ["QLinearConv", "QLinearAveragePool", "QLinearConv"],
  },
  LeakyRelu: {
    build: between(({ graph }, stem) => graph.node("LeakyRelu", [stem], { alpha: { float: 0.1 } })),
    operators: ["QLinearConv", "QLinearLeakyRelu", "QLinearConv"],
  },
  "Gemm, Relu, Gemm": {
    build: ({ graph, conv, gemm }, pixels) => {
      const flat = graph.node("Flatten", [conv(pixels, 3, 4, { kernel: 6, stride: 6 })]);
      return { value: gemm(graph.node("Relu", [gemm(flat, 16, 9)]), 9, 5), count: 5, isMap: false };
    },
    operators: ["QLinearConv", "QGemm", "QGemm"],
  },
  "MatMul around what stays float": {
    build: ({ graph, conv, matMul }, pixels) => {
      const flat = graph.node("Flatten", [conv(pixels, 3, 4, { kernel: 6, stride: 6 })]);
      return { value: matMul(graph.node("Softplus", [matMul(flat, 16, 9)]), 9, 5), count: 5, isMap: false };
    },
    operators: ["QLinearConv", "MatMulIntegerToFloat", "MatMulIntegerToFloat"],
  },
};

/** Operators on integers, in the order of the graph. */
function integerOperators(operators: readonly string[]): string[] {
  return operators.filter((name) => /^(Q(Linear|Gemm)|MatMulInteger|NhwcMaxPool)/.test(name));
}

/** The share of the largest feature by which two results differ at most. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  const largest = Math.max(...Array.from(b, Math.abs));
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]))) / largest;
}

for (const [name, { build, operators }] of Object.entries(CASES)) {
  test(`${name}: integer kernels give what the scales say`, { skip: NO_INTEGERS }, async (t) => {
    const prepared = network(build);
    const tiles = noise(4);
    const { model } = quantise(prepared, await observe(prepared, tiles));
    const { features, operators: ran } = await run(model, tiles, "integer", t);
    assert.deepEqual(integerOperators(ran), operators);
    // A value on the border of two integers may be rounded either way.
    assert.ok(difference(features, simulate(model, tiles, SIZE).data) < 0.004);
  });

  test(`${name}: the same in floats, and near the float network`, async (t) => {
    const prepared = network(build);
    const tiles = noise(4);
    const { model } = quantise(prepared, await observe(prepared, tiles));
    const { features, operators: ran } = await run(model, tiles, "simulated", t);
    assert.deepEqual(integerOperators(ran), []);
    assert.ok(difference(features, simulate(model, tiles, SIZE).data) < 0.004);
    assert.ok(difference(features, simulate(prepared, tiles, SIZE).data) < 0.05);
  });
}

for (const [name, { build }] of Object.entries(CASES)) {
  test(`${name}: whole numbers in floats give what integer kernels give`, { skip: NO_INTEGERS }, async (t) => {
    const prepared = network(build);
    const tiles = noise(40);
    const { model } = quantise(prepared, await observe(prepared, noise(4)));
    const whole = inWholeNumbers(model);
    const { features, operators } = await run(whole, tiles, "simulated", t);
    assert.deepEqual(integerOperators(operators), []);
    const { features: expected } = await run(model, tiles, "integer", t);
    // ARM's kernels for sums and products of maps round otherwise.
    if (process.arch === "x64") assert.deepEqual(features, expected);
    else assert.ok(difference(features, expected) < 0.004);
  });
}

test("products of maps are rounded as the integer kernel rounds them, halves too", { skip: NO_INTEGERS }, async (t) => {
  const prepared = network(({ graph, conv }, pixels) => {
    const [a, b] = [0, 1].map(() => conv(pixels, 3, 8));
    const values = [graph.node("Relu", [a], {}, "a"), graph.node("Clip", [b, ...bounds(graph, -99, 99)], {}, "b")];
    return { value: conv(graph.node("Mul", values, {}, "product"), 8, 6), count: 6 };
  });
  const tiles = noise(8);
  const observed = await observe(prepared, tiles);
  // Odd products are half a step away from integers, and the zero point is odd.
  const range = (step: number, below: number): [number, number] => [-below * step, (255 - below) * step];
  const ranges = { ...observed, a: range(2 ** -4, 0), b: range(2 ** -4, 128), product: range(2 ** -7, 127) };
  const { model } = quantise(prepared, ranges);
  const { features } = await run(inWholeNumbers(model), tiles, "simulated", t);
  const { features: expected } = await run(model, tiles, "integer", t);
  if (process.arch === "x64") assert.deepEqual(features, expected);
  else assert.ok(difference(features, expected) < 0.05);
});

test("ranges are the least and greatest value of each tensor over all tiles, with 0", async () => {
  const prepared = network(between(({ graph }, stem) => graph.node("Relu", [stem], {}, "middle")));
  const tiles = noise(3);
  const ranges = await observe(prepared, tiles);
  assert.deepEqual(Object.keys(ranges).sort(), ["Conv_6", "middle"].sort());
  for (const [name, [low, high]] of Object.entries(ranges)) {
    const { data } = simulate(prepared, tiles, SIZE, name);
    assert.ok(Math.abs(low - Math.min(0, ...data)) < 1e-5 && Math.abs(high - Math.max(0, ...data)) < 1e-5, name);
  }
});

/** A constant of the quantised file. */
function constant(model: Uint8Array, name: string) {
  const found = constantTensor(indexGraph(decodeModel(model, "model").graph), name);
  assert.ok(found, name);
  return found;
}

test("weights are int8 with a scale for each output channel, biases int32 in the scale of the sums", async () => {
  const gains = [1, 0.001, 0, 100];
  const prepared = network(({ conv, graph }, pixels) => {
    const stem = graph.node("Relu", [conv(pixels, 3, 4, { gains })], {}, "stem");
    return { value: conv(stem, 4, 6), count: 6 };
  });
  const { model } = quantise(prepared, await observe(prepared, noise(2)));
  const [weights, scales, bias] = ["integer", "scale", "x"].map((kind) =>
    kind === "x" ? constant(model, "Conv_4_bias_integer") : constant(model, `Conv_4_weight_${kind}`),
  );
  const given = constant(prepared, "weights_1").data as Float32Array;
  const givenBias = constant(prepared, "weights_2").data as Float32Array;
  const inputScale = 1 / 127.5;
  for (let channel = 0; channel < 4; channel++) {
    const scale = Number(scales.data[channel]);
    const [own, integers] = [given, weights.data].map((all) =>
      Array.from(all, Number).slice(channel * 3, channel * 3 + 3),
    );
    const largest = Math.max(...own.map(Math.abs));
    if (gains[channel] !== 0) assert.ok(Math.abs(scale - largest / 127) < 1e-6 * largest);
    for (const [i, integer] of integers.entries()) assert.ok(Math.abs(integer * scale - own[i]) <= scale * 0.5001);
    // A zero point is whole, 127.5 is not: the rest of the offset is in the bias.
    const rest = Number(constant(model, `${PIXELS}_zero`).data[0]) - 127.5;
    const moved = givenBias[channel] + rest * inputScale * own.reduce((a, b) => a + b, 0);
    const step = scale * inputScale;
    assert.ok(Math.abs(Number(bias.data[channel]) * step - moved) < 0.51 * step + 1e-6, `bias ${channel}`);
  }
});

test("pixels that are scaled alike stay bytes; others are rounded like any value", async (t) => {
  const alike = network(between((_, stem) => stem));
  const ranges = await observe(alike, noise(2));
  assert.ok(!(PIXELS in ranges));
  const { graph } = decodeModel(quantise(alike, ranges).model, "alike");
  assert.deepEqual(
    graph.node.slice(0, 2).map((node) => node.opType),
    ["Transpose", "DequantizeLinear"],
  );

  const graphOfThree = new GraphBuilder("three");
  const tiles = graphOfThree.input("tiles", "uint8", ["N", SIZE, SIZE, 3]);
  const floats = graphOfThree.node("Cast", [graphOfThree.node("Transpose", [tiles], { perm: [0, 3, 1, 2] })], {
    to: 1,
  });
  const factor = graphOfThree.initializer("factor", float32([3, 1, 1], [0.01, 0.02, 0.03]));
  const pixels = graphOfThree.node("Mul", [floats, factor], {}, PIXELS);
  const weight = graphOfThree.initializer("weight", float32([2, 3, 1, 1], [1, -1, 0.5, 0.2, 0.3, -0.4]));
  const map = graphOfThree.node("Conv", [pixels, weight]);
  const pooled = graphOfThree.node("Flatten", [graphOfThree.node("GlobalAveragePool", [map])]);
  graphOfThree.output("features", pooled, "float32", ["N", 2]);
  const three = graphOfThree.build();
  const found = await observe(three, noise(2));
  assert.ok(Math.abs(found[PIXELS][1] - 255 * 0.03) < 1e-5);
  const { features } = await run(quantise(three, found).model, noise(2), "simulated", t);
  assert.ok(difference(features, simulate(three, noise(2), SIZE).data) < 0.02);
});

test("it says which nodes stay float, and why", async () => {
  const prepared = network(({ graph, conv, matMul }, pixels) => {
    const stem = conv(pixels, 3, 4, { kernel: 6, stride: 6 });
    const swish = graph.node("Mul", [stem, graph.node("Softplus", [stem], {}, "soft")], {}, "gated");
    const last = graph.node("Relu", [graph.node("Add", [conv(swish, 4, 4), swish], {}, "sum")], {}, "last");
    const rows = graph.node("Flatten", [last], {}, "rows");
    const own = graph.node("MatMul", [rows, graph.node("Transpose", [rows], { perm: [1, 0] })], {}, "own");
    return { value: matMul(graph.node("Add", [rows, graph.node("ReduceMean", [own])]), 16, 3), count: 3, isMap: false };
  });
  const { float } = quantise(prepared, await observe(prepared, noise(2)));
  const reasons = Object.fromEntries(float.map(({ name, reason }) => [name, reason]));
  assert.equal(reasons["soft"], "ONNX Runtime has no integer kernel for it");
  assert.equal(reasons["own"], "its weights are no constants");
  assert.equal(reasons["gated"], undefined);
});

test("a network without layers, one that is quantised already, and ranges of another are refused", async () => {
  const plain = network(({ graph }, pixels) => ({ value: graph.node("Relu", [pixels]), count: 3 }));
  await assert.rejects(async () => quantise(plain, {}), /Nothing in the backbone can be quantised/);
  await assert.rejects(observe(plain, noise(1)), /Nothing in the backbone can be quantised/);
  const prepared = network(between((_, stem) => stem));
  const ranges = await observe(prepared, noise(1));
  const { model } = quantise(prepared, ranges);
  assert.throws(() => quantise(model, ranges), /quantised already/);
  assert.throws(() => quantise(prepared, { other: [0, 1] }), /no range for "Conv_4".*another network/);
});

test("a network that runs tile by tile is told how it need not", () => {
  const { model } = BATCHES.find(({ oneByOne }) => oneByOne) as Kind;
  const { input, ...card } = describeFile(model, "net.onnx", { normalisation: "unit" });
  const prepared = prepareBackbone(model, { ...card, input: { ...input, oneByOne: true } }, 16);
  assert.throws(
    () => quantise(prepared, {}),
    /runs tile by tile inside its graph; export it with a free batch dimension/,
  );
});

test("what a graph within the graph reads is there as floats", async (t) => {
  const build = between(({ graph, conv }, stem) => {
    const clip = graph.node("Relu", [conv(stem, 8, 8)], {}, "clip");
    const pass = (name: string) =>
      create(GraphProtoSchema, {
        name: `pass_${name}`,
        node: [makeNode("Neg", [name], [`negative_${name}`])],
        output: [create(ValueInfoProtoSchema, { name: `negative_${name}` })],
      });
    const condition = graph.initializer("condition", bool(false));
    const chosen = graph.node("If", [condition], { then_branch: pass(stem), else_branch: pass("clip") });
    return graph.node("Add", [graph.node("Mul", [clip, stem]), conv(chosen, 8, 8)]);
  });
  const prepared = network(build);
  const tiles = noise(20);
  const { model } = quantise(prepared, await observe(prepared, tiles));
  const { features } = await run(prepared, tiles, "simulated", t);
  for (const each of [model, inWholeNumbers(model)]) {
    const error = maxDifference((await run(each, tiles, "simulated", t)).features, features);
    assert.ok(error < 0.05, `${error}`);
  }
});

test("whole numbers of the oldest set that is quantised, and what is far beyond the ranges", {
  skip: NO_INTEGERS,
}, async (t) => {
  const old = network(
    between((_, stem) => stem),
    13,
  );
  const ranges = await observe(old, noise(2));
  for (const range of Object.values(ranges)) range[1] *= 0.1;
  const { model } = quantise(old, ranges);
  const whole = await run(inWholeNumbers(model), noise(20), "simulated", t);
  assert.deepEqual(whole.features, (await run(model, noise(20), "integer", t)).features);
});
