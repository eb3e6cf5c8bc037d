import assert from "node:assert/strict";
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ort from "onnxruntime-node";
import sharp from "sharp";
import { isFailure } from "../../src/decode/decoder.js";
import { readFullTile } from "../../src/decode/full.js";
import { InputError, InterruptedError, ModelError } from "../../src/errors.js";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "../../src/head/checkpoint.js";
import { resolveHeadConfig } from "../../src/head/config.js";
import { decide } from "../../src/head/metrics.js";
import { resolveBackbone } from "../../src/models/registry.js";
import { decodeModel } from "../../src/onnx/proto.js";
import { exportModel } from "../../src/operations/export.js";
import { predict } from "../../src/operations/predict.js";
import { needsShared, SHARED, temporaryFolder } from "../helpers.js";
import { CHANNELS, flatten, gemm, network, pool, scores } from "../onnx/networks.js";
import { maxDifference, randoms, runModel } from "../onnx/run.js";

const SIZE = 16;
const TAGS = ["clear", "slash_burn", "vapeur d'été"];

/** The folder of a model trained on nothing, over a small network in `folder`. */
async function makeModel(folder: string, changes: Partial<Checkpoint> = {}, std?: number): Promise<string> {
  const path = join(folder, "net.onnx");
  writeFileSync(
    path,
    network((g, map) => scores(g, gemm(g, flatten(g, pool(g, map))))),
  );
  const { card } = await resolveBackbone(path, { normalisation: "unit" });
  const head = { weight: randoms(CHANNELS * 3, 5), bias: randoms(3, 6), numFeatures: CHANNELS, numTags: 3 };
  const training = { head: resolveHeadConfig({ optimizer: "rmsprop" }), tiles: 10, heldOut: 2, settings: {} };
  const checkpoint: Checkpoint = {
    createdBy: "canopy 0.1.0",
    tags: TAGS,
    thresholds: Float32Array.of(0.5, 0.25, 0.75),
    head,
    card: { ...card, file: "net.onnx", input: { ...card.input, ...(std && { std: [std, std, std] }) } },
    backboneSha256: card.sha256,
    preprocessing: { size: SIZE, colorspace: "auto", antialias: true, tta: "none" },
    training,
    metrics: {},
    history: [],
    ...changes,
  };
  const model = join(folder, "model");
  await saveCheckpoint(model, checkpoint);
  copyFileSync(path, join(model, "net.onnx"));
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

/** Writes a random picture of each size as a PNG and returns the paths. */
async function writePictures(folder: string, sizes: readonly (readonly [number, number])[]): Promise<string[]> {
  return Promise.all(
    sizes.map(async ([width, height], i) => {
      const pixels = Uint8Array.from(randoms(width * height * 3, i + 1), (value) => Math.floor((value + 1) * 128));
      const path = join(folder, `${width}x${height}.png`);
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .png({ compressionLevel: 1 })
        .toFile(path);
      return path;
    }),
  );
}

/** Exports `model`, runs the file on the pixels of `tiles` and holds it to what `predict` says of the same files. */
async function compareWithPredict(folder: string, model: string, tiles: string[]): Promise<void> {
  const [file, out] = [join(folder, "exported.onnx"), join(folder, "predictions.jsonl")];
  await exportModel({ model, out: file, overwrite: true });
  await predict({ inputs: tiles, model, out, probabilities: true, overwrite: true });
  const rows = readFileSync(out, "utf8").trim().split("\n");
  assert.equal(rows.length, tiles.length);
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3 });
  for (const row of rows) {
    const { path, tags, probabilities } = JSON.parse(row) as PredictionRow;
    const image = await readFullTile({ path }, { colorspace: "auto", maxPixels: 1e7, onTruncated: "reject" });
    assert.ok(!isFailure(image));
    const dims = [1, image.height, image.width, 3];
    const result = await session.run({ tiles: new ort.Tensor("uint8", Uint8Array.from(image.pixels), dims) });
    const [names, own, thresholds] = ["tags", "probabilities", "thresholds"].map((name) => result[name]?.data);
    const expected = (names as unknown as string[]).map((tag) => probabilities[tag] as number);
    assert.ok(maxDifference(own as Float32Array, Float32Array.from(expected)) < 1e-5, path);
    const given = (names as unknown as string[]).filter((_, i) => Number(own?.[i]) >= Number(thresholds?.[i]));
    assert.deepEqual(given, tags, path);
  }
  await session.release();
}

interface PredictionRow {
  path: string;
  tags: string[];
  probabilities: Record<string, number>;
}

/** The folder of a model over the backbone in the box, with a head of no worth that is sure of nothing. */
async function makeBoxModel(folder: string, size: number, tta: "none" | "d4", antialias = true): Promise<string> {
  const { card } = await resolveBackbone("canopy");
  const numFeatures = card.features.count;
  const head = {
    weight: randoms(numFeatures * 3, 5).map((each) => each / 30),
    bias: randoms(3, 6),
    numFeatures,
    numTags: 3,
  };
  const preprocessing = { size, colorspace: "auto", antialias, tta } as const;
  return makeModel(folder, { card, backboneSha256: card.sha256, head, preprocessing });
}

test("the exported file gives predict's probabilities for tiles of every size", async (t) => {
  const folder = temporaryFolder(t);
  const tiles = await writePictures(folder, [
    [128, 128],
    [256, 256],
    [224, 224],
    [255, 255],
    [300, 200],
    [64, 64],
    [500, 500],
    [1024, 1024],
    [90, 1400],
    [1, 1],
  ]);
  await compareWithPredict(folder, await makeBoxModel(folder, 128, "none"), tiles);
  await compareWithPredict(folder, await makeBoxModel(folder, 96, "d4"), tiles.slice(0, 5));
  await compareWithPredict(folder, await makeBoxModel(folder, 224, "none", false), tiles.slice(1, 6));
});

test("the exported file gives predict's probabilities for real tiles", needsShared("planet-sample"), async (t) => {
  const folder = temporaryFolder(t);
  const tiles = ["planet-sample/tiles", "planet-rgb/tiles"].flatMap((name) =>
    readdirSync(join(SHARED, name))
      .slice(0, 12)
      .map((file) => join(SHARED, name, file)),
  );
  await compareWithPredict(folder, await makeBoxModel(folder, 128, "none"), tiles);
  await compareWithPredict(folder, await makeBoxModel(folder, 224, "d4"), tiles.slice(8, 16));
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
  const [clear, slashBurn, steam] = (await runModel(readFileSync(out), { tiles }))["probabilities"]
    .data as Float32Array;
  assert.ok(Math.abs(clear + steam - 1) < 1e-6);
  assert.ok(slashBurn > 0 && Math.abs(clear + slashBurn + steam - 1) > 1e-3);
});

test("of a settled group the exported model gives the most probable tag, as canopy does", async (t) => {
  const folder = temporaryFolder(t);
  const model = await makeModel(folder, { exclusive: [["clear", "vapeur d'été"]], exactlyOne: true });
  const out = join(folder, "settled.onnx");
  await exportModel({ model, out });
  const pixels = Uint8Array.from({ length: 8 * SIZE * SIZE * 3 }, (_, i) => (i * 2654435761) >>> 24);
  const result = await runModel(readFileSync(out), { tiles: new ort.Tensor("uint8", pixels, [8, SIZE, SIZE, 3]) });
  assert.ok("given" in result);
  const { probabilities, thresholds, given } = result;
  assert.deepEqual(given.dims, [8, 3]);
  const expected = decide(probabilities.data as Float32Array, thresholds.data as Float32Array, [[0, 2]]);
  assert.deepEqual(Array.from(given.data as Iterable<number>, Number), [...expected]);
});

test("an interrupted export writes nothing", async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, "model.onnx");
  const model = await makeModel(folder);
  await assert.rejects(exportModel({ model, out }, { signal: AbortSignal.abort() }), InterruptedError);
  assert.ok(!existsSync(out));
});

test("a file that does not give the model's probabilities is not written", async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, "model.onnx");
  // Sums that overflow to both infinities are NaN, of which no two ways of computing agree.
  const weight = randoms(CHANNELS * 3).map((_, i) => (Math.floor(i / 3) % 2 === 0 ? 3.4e38 : -3.4e38));
  const head = { weight, bias: new Float32Array(3).fill(3.4e38), numFeatures: CHANNELS, numTags: 3 };
  const model = await makeModel(folder, { head }, 1e-6);
  await assert.rejects(exportModel({ model, out }), /probabilities differ by NaN from canopy's; nothing was written/);
  assert.ok(!existsSync(out));
});

test("an existing file, a lost backbone, another backbone and a folder without a model are refused", async (t) => {
  const folder = temporaryFolder(t);
  const model = await makeModel(folder);
  const [out, other] = [join(folder, "model.onnx"), join(folder, "other.onnx")];
  await exportModel({ model, out });
  await assert.rejects(exportModel({ model, out }), InputError);
  await exportModel({ model, out, overwrite: true });
  renameSync(join(model, "net.onnx"), join(folder, "moved.onnx"));
  await assert.rejects(
    exportModel({ model, out: other }),
    /backbone net .* is not in .* name its file with `backbone`/,
  );
  await assert.rejects(exportModel({ model, out: other, backbone: out }), ModelError);
  await assert.rejects(exportModel({ model: join(folder, "none"), out: other }), InputError);
  assert.ok(!existsSync(other));
  await exportModel({ model, out: other, backbone: join(folder, "moved.onnx") });
});
