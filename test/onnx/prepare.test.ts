import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { resolveBackbone } from "../../src/models/registry.js";
import { fuseHead } from "../../src/onnx/fuse.js";
import { prepareBackbone } from "../../src/onnx/prepare.js";
import { needsShared, SHARED } from "../helpers.js";
import { maxDifference, randoms, runModel } from "./run.js";

const weights = (name: string) => readFileSync(join(SHARED, "weights", `mobilenetv2-imagenet-${name}.onnx`));

const card = {
  name: "mobilenetv2-tf",
  input: {
    name: "input",
    layout: "NCHW",
    channels: "RGB",
    scale: 127.5,
    mean: [1, 1, 1],
    std: [1, 1, 1],
    fixedSize: null,
  },
  features: { output: "features", count: 1280 },
} as const;

/** `count` tiles of random bytes, `[count, size, size, 3]`. */
function tiles(count: number, size: number): ort.Tensor {
  const data = Uint8Array.from(randoms(count * size * size * 3), (value) => Math.floor((value + 1) * 128));
  return new ort.Tensor("uint8", data, [count, size, size, 3]);
}

/** What the network itself is fed: NCHW float32 in [-1, 1]. */
function planes(pixels: ort.Tensor): ort.Tensor {
  const [count, size] = pixels.dims as [number, number];
  const data = new Float32Array(pixels.data.length);
  for (let i = 0; i < data.length; i++) {
    const [tile, channel, place] = [
      Math.floor(i / (3 * size * size)),
      Math.floor(i / (size * size)) % 3,
      i % (size * size),
    ];
    data[i] = (pixels.data as Uint8Array)[(tile * size * size + place) * 3 + channel] / 127.5 - 1;
  }
  return new ort.Tensor("float32", data, [count, 3, size, size]);
}

test("a prepared network takes tiles and gives what the network itself gives for normalised planes", async () => {
  const { card, bytes } = await resolveBackbone("canopy");
  const pixels = tiles(2, 64);
  const prepared = await runModel(prepareBackbone(bytes, card, 64), { tiles: pixels });
  assert.deepEqual(prepared?.["features"]?.dims, [2, 1280]);
  const plain = await runModel(bytes, { input: planes(pixels) });
  assert.ok(maxDifference(prepared["features"].data, plain["features"].data) < 1e-4);
});

test(
  "features from the feature extractor and from the classifier cut by canopy agree",
  needsShared("weights"),
  async () => {
    const pixels = tiles(2, 64);
    const [own, cut] = await Promise.all(
      ["features", "classifier"].map((name) => runModel(prepareBackbone(weights(name), card, 64), { tiles: pixels })),
    );
    assert.deepEqual(own?.["features"]?.dims, [2, 1280]);
    assert.ok(maxDifference(own["features"].data, cut["features"].data) < 1e-5);
  },
);

test("a fused head gives the probabilities of the tags", async () => {
  const { card, bytes } = await resolveBackbone("canopy");
  const prepared = prepareBackbone(bytes, card, 64);
  const head = { weight: randoms(1280 * 3), bias: randoms(3) };
  const pixels = tiles(2, 64);
  const { features } = await runModel(prepared, { tiles: pixels });
  const { probabilities } = await runModel(fuseHead(prepared, head, { tags: "a b c" }), { tiles: pixels });
  const expected = Float32Array.from({ length: 6 }, (_, i) => {
    let logit = head.bias[i % 3];
    for (let f = 0; f < 1280; f++) logit += features.data[Math.floor(i / 3) * 1280 + f] * head.weight[f * 3 + (i % 3)];
    return 1 / (1 + Math.exp(-logit));
  });
  assert.deepEqual(probabilities?.dims, [2, 3]);
  assert.ok(maxDifference(probabilities.data, expected) < 1e-5);
});
