import assert from "node:assert/strict";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { buildMobileNetV2, untrainedWeights, type Weights } from "../../src/models/mobilenetv2.js";
import { compactWeights } from "../../src/onnx/compact-weights.js";
import { decodeModel, encodeModel } from "../../src/onnx/proto.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/onnx/safetensors.js";
import { maxDifference, randoms, runModel } from "../onnx/run.js";

const picture = (size: number) => new ort.Tensor("float32", randoms(2 * 3 * size * size), [2, 3, size, size]);

async function features(weights: Weights, size: number, options = {}): Promise<Float32Array> {
  const { features } = await runModel(buildMobileNetV2(weights, options), { input: picture(size) });
  assert.deepEqual(features?.dims, [2, 1280]);
  return features.data;
}

test("an untrained network runs at any size, and its features are alive and finite", async () => {
  for (const size of [32, 65]) {
    const data = await features(untrainedWeights(1, 0.5), size, { width: 0.5 });
    assert.ok(data.every((value) => Number.isFinite(value) && value >= 0 && value <= 6));
    assert.ok(new Set(data).size > 1000, "features differ");
  }
});

test("a seed gives one network, another seed another", () => {
  const weight = (seed: number) => untrainedWeights(seed, 0.5).get("conv3.weight")?.data;
  assert.deepEqual(weight(1), weight(1));
  assert.notDeepEqual(weight(1), weight(2));
});

test("weights come through safetensors, and compact ones are a quarter of the bytes", () => {
  const { tensors } = decodeSafetensors(encodeSafetensors(untrainedWeights(3)), "weights.safetensors");
  const network = buildMobileNetV2(tensors);
  assert.deepEqual(network, buildMobileNetV2(untrainedWeights(3)));
  const model = decodeModel(network, "The network");
  compactWeights(model);
  assert.ok(encodeModel(model).byteLength < 2_500_000);
});

test("the two paddings differ on even sizes and agree on odd ones", async () => {
  const weights = untrainedWeights(1, 0.35);
  const difference = async (size: number) =>
    maxDifference(
      await features(weights, size, { width: 0.35, padding: "same-upper" }),
      await features(weights, size, { width: 0.35 }),
    );
  assert.ok((await difference(64)) > 1e-4);
  assert.ok((await difference(65)) < 1e-6);
});

test("a missing or misshapen tensor is named", () => {
  const weights = untrainedWeights(1, 0.35);
  assert.throws(() => buildMobileNetV2(weights), /needs "conv0.weight" as float32 \[32, 3, 3, 3\]/);
  weights.delete("conv51.bias");
  assert.throws(() => buildMobileNetV2(weights, { width: 0.35 }), /"conv51.bias".*missing/);
});
