import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { BOX } from "../../src/models/registry.js";
import { TensorProto_DataType as DataType } from "../../src/onnx/gen/onnx_pb.js";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { prepareBackbone } from "../../src/onnx/prepare.js";
import { decodeModel } from "../../src/onnx/proto.js";
import { float32 } from "../../src/onnx/tensor.js";
import { halfBits, inHalves } from "../../src/quantise/half.js";
import { buildBackbone, NETWORKS, SIDE } from "../finetune/networks.js";
import { randoms, runModel } from "../onnx/run.js";
import { network, SIZE } from "./networks.js";

/** The features of tiles of noise. */
async function featuresOf(model: Uint8Array, size: number, count = 4): Promise<Float32Array> {
  const pixels = Uint8Array.from(randoms(count * size * size * 3, 9), (value) => Math.floor((value + 1) * 128));
  const { features } = await runModel(model, { tiles: new ort.Tensor("uint8", pixels, [count, size, size, 3]) });
  return features.data;
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, each, i) => sum + each * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The operators that read a half, by the type of their first input or weight. */
function casts(model: Uint8Array): { toHalf: number; halves: number } {
  const { graph } = decodeModel(model, "halves");
  const toHalf = graph.node.filter(
    ({ opType, attribute }) => opType === "Cast" && Number(attribute[0]?.i) === DataType.FLOAT16,
  );
  const halves = graph.initializer.filter(({ dataType }) => dataType === DataType.FLOAT16);
  return { toHalf: toHalf.length, halves: halves.length };
}

test("halves are rounded as they should be, ties to the even one", () => {
  const bits = [0, -0, 1, -2, 65504, 1 / 3, 2 ** -14, 2 ** -24, 2 ** -25, 3 * 2 ** -25, 2 ** -14 - 2 ** -25];
  assert.deepEqual(
    bits.map(halfBits),
    [0, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x3555, 0x0400, 0x0001, 0x0000, 0x0002, 0x0400],
  );
  assert.deepEqual(
    [2049, 2051, 2047.5, 1.00048828125, 1.0004885].map(halfBits),
    [0x6800, 0x6802, 0x6800, 0x3c00, 0x3c01],
  );
});

for (const [kind, build] of Object.entries(NETWORKS)) {
  test(`a network of the kind ${kind} gives the same features with half precision`, async () => {
    const { bytes: prepared } = buildBackbone(build);
    const halves = inHalves(prepared);
    const [a, b] = [await featuresOf(prepared, SIDE), await featuresOf(halves, SIDE)];
    assert.ok(cosine(a, b) > 0.9999, `${cosine(a, b)}`);
    assert.notDeepEqual(a, b);
    assert.ok(casts(halves).halves >= 2);
  });
}

test("the backbone in the box becomes halves once, before its first layer", async () => {
  const card = JSON.parse(readFileSync(join(BOX, "canopy.json"), "utf8"));
  const prepared = prepareBackbone(readFileSync(join(BOX, card.file)), card, 64);
  const halves = inHalves(prepared);
  assert.equal(casts(halves).toHalf, 1);
  // 52 layers, and the two bounds of Clip.
  assert.equal(casts(halves).halves, 2 * 52 + 2);
  assert.ok(halves.length < 0.6 * 4 * 2.3e6);
  const [a, b] = [await featuresOf(prepared, 64), await featuresOf(halves, 64)];
  assert.ok(cosine(a, b) > 0.9999, `${cosine(a, b)}`);
});

test("a layer whose weights no half can hold stays in 32 bits", async () => {
  const prepared = network(({ conv }, pixels) => {
    const large = conv(pixels, 3, 4, { gains: [1e6, 1e6, 1e6, 1e6] });
    return { value: conv(large, 4, 5, { gains: [1e-6, 1e-6, 1e-6, 1e-6, 1e-6] }), count: 5 };
  });
  const halves = inHalves(prepared);
  const [a, b] = [await featuresOf(prepared, SIZE), await featuresOf(halves, SIZE)];
  assert.ok(b.every(Number.isFinite));
  assert.ok(cosine(a, b) > 0.99);
});

test("features that a layer gives are floats", async () => {
  const prepared = network(({ graph, conv, gemm }, pixels) => {
    const maps = conv(pixels, 3, 4);
    return {
      value: gemm(graph.node("Flatten", [graph.node("GlobalAveragePool", [maps])]), 4, 6),
      count: 6,
      isMap: false,
    };
  });
  const [a, b] = [await featuresOf(prepared, SIZE), await featuresOf(inHalves(prepared), SIZE)];
  assert.ok(b instanceof Float32Array);
  assert.ok(cosine(a, b) > 0.9999);
});

test("a network without layers is refused", () => {
  const graph = new GraphBuilder("none");
  const bytes = graph.node("Cast", [graph.input("tiles", "uint8", ["N", SIZE, SIZE, 3])], { to: 1 });
  const scaled = graph.node("Mul", [bytes, graph.initializer("factor", float32([], [2]))]);
  graph.output("features", graph.node("ReduceMean", [scaled], { axes: [1, 2], keepdims: 0 }), "float32", ["N", 3]);
  assert.throws(() => inHalves(graph.build()), /no layer that could compute with half precision/);
});
