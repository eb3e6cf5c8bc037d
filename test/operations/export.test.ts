import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { resizeRgb } from "../../src/decode/resize.js";
import { InputError, ModelError } from "../../src/errors.js";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "../../src/head/checkpoint.js";
import { CHECKPOINT_VERSION } from "../../src/head/checkpoint-json.js";
import { resolveHeadConfig } from "../../src/head/config.js";
import { resolveBackbone } from "../../src/models/registry.js";
import { decodeModel } from "../../src/onnx/proto.js";
import { exportModel } from "../../src/operations/export.js";
import { temporaryFolder } from "../helpers.js";
import { CHANNELS, flatten, gemm, network, pool, scores } from "../onnx/networks.js";
import { maxDifference, randoms, runModel } from "../onnx/run.js";

const SIZE = 16;
const TAGS = ["clear", "slash_burn", "vapeur d'été"];

/** The folder of a model trained on nothing, over a small network in `folder`. */
async function makeModel(folder: string, changes: Partial<Checkpoint> = {}): Promise<string> {
  const path = join(folder, "net.onnx");
  writeFileSync(
    path,
    network((g, map) => scores(g, gemm(g, flatten(g, pool(g, map))))),
  );
  const { card } = await resolveBackbone(path, { normalisation: "unit" });
  const head = { weight: randoms(CHANNELS * 3, 5), bias: randoms(3, 6), numFeatures: CHANNELS, numTags: 3 };
  const training = { head: resolveHeadConfig({ optimizer: "rmsprop" }), tiles: 10, heldOut: 2, settings: {} };
  const checkpoint: Checkpoint = {
    version: CHECKPOINT_VERSION,
    createdBy: "canopy 0.1.0",
    tags: TAGS,
    thresholds: Float32Array.of(0.5, 0.25, 0.75),
    head,
    card,
    backboneSha256: card.sha256,
    preprocessing: { size: SIZE, colorspace: "auto", antialias: true, tta: "none" },
    training,
    metrics: {},
    history: [],
    ...changes,
  };
  const model = join(folder, "model");
  await saveCheckpoint(model, checkpoint);
  return model;
}

test("an exported model holds everything: it runs alone and says its tags and thresholds", async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, "deep", "model.onnx");
  const model = await makeModel(folder);
  const summary = await exportModel({ model, out });
  assert.ok(summary.difference < 1e-5);
  assert.equal(summary.bytes, readFileSync(out).length);
  const { metadataProps } = decodeModel(readFileSync(out), out);
  const metadata = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]));
  assert.deepEqual(JSON.parse(metadata["canopy.tags"] ?? ""), TAGS);
  assert.deepEqual(JSON.parse(metadata["canopy.thresholds"] ?? ""), [0.5, 0.25, 0.75]);
  assert.deepEqual(JSON.parse(metadata["canopy.card"] ?? ""), (await loadCheckpoint(model)).card);
  const tiles = new ort.Tensor("uint8", new Uint8Array(2 * 20 * 30 * 3), [2, 20, 30, 3]);
  const result = await runModel(readFileSync(out), { tiles });
  assert.deepEqual(Object.keys(result), ["probabilities", "tags", "thresholds"]);
  assert.deepEqual(result["probabilities"]?.dims, [2, 3]);
  assert.deepEqual(result["tags"]?.data, TAGS);
  assert.deepEqual(result["thresholds"]?.data, Float32Array.of(0.5, 0.25, 0.75));
});

test("a tile of another size gets the probabilities it gets when canopy resizes it", async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, "model.onnx");
  await exportModel({ model: await makeModel(folder), out });
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
  const preprocessing = { size: SIZE, colorspace: "auto", antialias: false, tta: "d4" } as const;
  const summary = await exportModel({
    model: await makeModel(folder, { preprocessing }),
    out: join(folder, "d4.onnx"),
  });
  assert.ok(summary.difference < 1e-5);
});

test("exclusive tags share out their probabilities in the exported model too", async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, "exclusive.onnx");
  const model = await makeModel(folder, { exclusive: [["clear", "vapeur d'été"]] });
  assert.ok((await exportModel({ model, out })).difference < 1e-5);
  const tiles = new ort.Tensor("uint8", new Uint8Array(2 * SIZE * SIZE * 3).fill(90), [2, SIZE, SIZE, 3]);
  const [clear, slashBurn, steam] = (await runModel(readFileSync(out), { tiles }))["probabilities"]!
    .data as Float32Array;
  assert.ok(Math.abs(clear! + steam! - 1) < 1e-6);
  assert.ok(slashBurn! > 0 && Math.abs(clear! + slashBurn! + steam! - 1) > 1e-3);
});

test("an existing file, a lost backbone, another backbone and a folder without a model are refused", async (t) => {
  const folder = temporaryFolder(t);
  const model = await makeModel(folder);
  const [out, other] = [join(folder, "model.onnx"), join(folder, "other.onnx")];
  await exportModel({ model, out });
  await assert.rejects(exportModel({ model, out }), InputError);
  await exportModel({ model, out, overwrite: true });
  renameSync(join(folder, "net.onnx"), join(folder, "moved.onnx"));
  await assert.rejects(exportModel({ model, out: other }), /net.onnx cannot be read/);
  await assert.rejects(exportModel({ model, out: other, backbone: out }), ModelError);
  await assert.rejects(exportModel({ model: join(folder, "none"), out: other }), InputError);
  assert.ok(!existsSync(other));
  await exportModel({ model, out: other, backbone: join(folder, "moved.onnx") });
});
