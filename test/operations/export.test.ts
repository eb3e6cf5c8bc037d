import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { resizeRgb } from "../../src/decode/resize.js";
import { InputError, ModelError } from "../../src/errors.js";
import type { Checkpoint } from "../../src/head/checkpoint.js";
import { resolveBackbone } from "../../src/models/registry.js";
import { decodeModel } from "../../src/onnx/proto.js";
import { exportModel } from "../../src/operations/export.js";
import { temporaryFolder } from "../helpers.js";
import { CHANNELS, flatten, gemm, network, pool, scores } from "../onnx/networks.js";
import { maxDifference, randoms, runModel } from "../onnx/run.js";

const SIZE = 16;
const TAGS = ["clear", "slash_burn", "vapeur d'été"];

/** A model trained on nothing, over a small network in `folder`. */
async function makeCheckpoint(folder: string, tta: "none" | "d4" = "none"): Promise<Checkpoint> {
  const path = join(folder, "net.onnx");
  writeFileSync(
    path,
    network((g, map) => scores(g, gemm(g, flatten(g, pool(g, map))))),
  );
  const { card } = await resolveBackbone(path, { normalisation: "unit" });
  const head = { weight: randoms(CHANNELS * 3, 5), bias: randoms(3, 6), numFeatures: CHANNELS, numTags: 3 };
  return {
    version: 1,
    createdBy: "canopy 0.1.0",
    tags: TAGS,
    thresholds: Float32Array.of(0.5, 0.25, 0.75),
    head,
    card,
    backboneSha256: card.sha256,
    preprocessing: { size: SIZE, colorspace: "auto", antialias: true, tta },
    training: {},
    metrics: {},
    history: [],
  } as unknown as Checkpoint;
}

test("an exported model holds everything: it runs alone and says its tags and thresholds", async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, "deep", "model.onnx");
  const checkpoint = await makeCheckpoint(folder);
  const summary = await exportModel({ checkpoint, out });
  assert.ok(summary.difference < 1e-5);
  assert.equal(summary.bytes, readFileSync(out).length);
  const metadata = Object.fromEntries(
    decodeModel(readFileSync(out), out).metadataProps.map(({ key, value }) => [key, value]),
  );
  assert.deepEqual(JSON.parse(metadata["canopy.tags"] ?? ""), TAGS);
  assert.deepEqual(JSON.parse(metadata["canopy.thresholds"] ?? ""), [0.5, 0.25, 0.75]);
  assert.equal(JSON.parse(metadata["canopy.card"] ?? "").sha256, checkpoint.backboneSha256);
  const tiles = new ort.Tensor("uint8", new Uint8Array(2 * 20 * 30 * 3), [2, 20, 30, 3]);
  const result = await runModel(readFileSync(out), { tiles });
  assert.deepEqual(Object.keys(result), ["probabilities", "tags", "thresholds"]);
  assert.deepEqual(result["probabilities"]?.dims, [2, 3]);
  assert.deepEqual(result["tags"]?.data, TAGS);
  assert.deepEqual(result["thresholds"]?.data, checkpoint.thresholds);
});

test("a tile of another size gets the probabilities it gets when canopy resizes it", async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, "model.onnx");
  await exportModel({ checkpoint: await makeCheckpoint(folder), out });
  const large = Uint8Array.from(randoms(40 * 40 * 3), (value) => Math.floor((value + 1) * 128));
  const small = new Uint8Array(SIZE * SIZE * 3);
  resizeRgb(large, 40, 40, small, SIZE, true);
  const probabilities = async (pixels: Uint8Array, size: number) => {
    const tiles = new ort.Tensor("uint8", pixels, [1, size, size, 3]);
    return (await runModel(readFileSync(out), { tiles }))["probabilities"]!.data;
  };
  assert.ok(maxDifference(await probabilities(large, 40), await probabilities(small, SIZE)) < 1e-3);
});

test("test-time augmentation is part of the exported model", async (t) => {
  const folder = temporaryFolder(t);
  const summary = await exportModel({ checkpoint: await makeCheckpoint(folder, "d4"), out: join(folder, "d4.onnx") });
  assert.ok(summary.difference < 1e-5);
});

test("an existing file, a lost backbone and another backbone are refused", async (t) => {
  const folder = temporaryFolder(t);
  const checkpoint = await makeCheckpoint(folder);
  const out = join(folder, "model.onnx");
  await exportModel({ checkpoint, out });
  await assert.rejects(exportModel({ checkpoint, out }), InputError);
  await exportModel({ checkpoint, out, overwrite: true });
  const lost = { ...checkpoint, card: { ...checkpoint.card, file: join(folder, "gone.onnx") } };
  const other = join(folder, "other.onnx");
  await assert.rejects(exportModel({ checkpoint: lost, out: other }), /gone.onnx cannot be read/);
  await assert.rejects(exportModel({ checkpoint: lost, out: other, backbone: out }), ModelError);
  assert.ok(!existsSync(other));
  await exportModel({ checkpoint: lost, out: other, backbone: join(folder, "net.onnx") });
});
