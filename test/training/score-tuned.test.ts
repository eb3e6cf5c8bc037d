import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { DECODE_DEFAULTS } from "../../src/decode/decoder.js";
import { InputError, InterruptedError } from "../../src/errors.js";
import { openExtractor } from "../../src/features/extractor.js";
import { observeRanges } from "../../src/features/observe-ranges.js";
import type { Head } from "../../src/head/head.js";
import { computeLogits } from "../../src/head/logits.js";
import { meanFeatures, toVariants } from "../../src/head/variants.js";
import { describeFile } from "../../src/models/file-model.js";
import { prepareBackbone } from "../../src/onnx/prepare.js";
import { createRandom } from "../../src/random.js";
import { openTiles } from "../../src/tiles/sources.js";
import type { Tile } from "../../src/tiles/tile.js";
import { scoreTuned, type TunedScoring } from "../../src/training/score-tuned.js";
import { suiteFolder } from "../helpers.js";
import { SIDE, writeColours, writeTinyBackbone } from "./tiny-backbone.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const random = createRandom(2);
const values = (count: number) => Float32Array.from({ length: count }, () => random.uniform() - 0.5);
const head: Head = { weight: values(8 * 3), bias: values(3), numFeatures: 8, numTags: 3 };
const [train, scored] = [Uint32Array.of(3), Uint32Array.of(5, 1, 4)];
const tiles: Tile[] = [];
let scoring: TunedScoring;

before(async () => {
  mkdirSync(join(folder, "tiles"));
  const colours = await writeColours(join(folder, "tiles"), 6);
  const path = writeTinyBackbone(folder);
  const bytes = readFileSync(path);
  const backbone = { bytes, card: describeFile(bytes, path, { normalisation: "unit" }) };
  const opened = await openTiles([colours.tiles]);
  for await (const tile of opened.list()) if (tile.name !== "labels") tiles.push(tile);
  await opened.close();
  const dataset = { tiles, decode: DECODE_DEFAULTS, device: "cpu" } as const;
  scoring = { precision: "int8", backbone, head, size: SIDE, dataset, train, scored, views: [0, 3, 5], workers: 1 };
});

/** What a model with these ranges would give the tiles that are scored. */
async function logitsOfModel(precision: "fp32" | "int8", ranges: NonNullable<object>): Promise<Float32Array> {
  const { backbone, views } = scoring;
  const ranged = {
    bytes: backbone.bytes,
    card: { ...backbone.card, ranges: ranges as Record<string, [number, number]> },
  };
  const extractor = await openExtractor(
    { backbone: ranged, size: SIDE, precision, device: "cpu", variants: views },
    {},
  );
  const { features, numFeatures } = await extractor.extract(tiles, {});
  await extractor.close();
  const matrices = features.map((data) => ({ data, rows: tiles.length, numFeatures }));
  return computeLogits(head, meanFeatures(toVariants(matrices, tiles.length), scored));
}

test("the logits are those of a model whose ranges were observed on the learnt tiles alone", async () => {
  const { logits, ranges } = await scoreTuned(scoring, {});
  const { backbone } = scoring;
  const model = prepareBackbone(backbone.bytes, backbone.card, SIDE);
  const rangesOf = (rows: readonly number[]) =>
    observeRanges(
      rows.map((row) => tiles[row]),
      { model, size: SIDE },
    );
  assert.deepEqual(ranges, await rangesOf([...train]));
  assert.notDeepEqual(ranges, await rangesOf([...tiles.keys()]));
  const expected = await logitsOfModel("int8", ranges ?? {});
  assert.ok(Math.max(...logits.map((each, i) => Math.abs(each - expected[i]))) < 1e-5);
  const floats = await logitsOfModel("fp32", {});
  assert.ok(Math.max(...logits.map((each, i) => Math.abs(each - floats[i]))) > 1e-4);
});

test("without tiles to score there are only ranges", async () => {
  const { logits, ranges } = await scoreTuned({ ...scoring, scored: new Uint32Array() }, {});
  assert.equal(logits.length, 0);
  assert.equal(Object.keys(ranges ?? {}).length, 2);
});

test("half precision needs no ranges, and is floats on the CPU", async () => {
  const { logits, ranges } = await scoreTuned({ ...scoring, precision: "fp16" }, {});
  assert.equal(ranges, undefined);
  const floats = await logitsOfModel("fp32", {});
  assert.ok(Math.max(...logits.map((each, i) => Math.abs(each - floats[i]))) < 1e-5);
});

test("a tile that has gone ends it, and so does the signal", async () => {
  const lost = tiles.with(4, { ...(tiles[4] as Tile), path: join(folder, "gone.png") });
  const dataset = { ...scoring.dataset, tiles: lost };
  await assert.rejects(scoreTuned({ ...scoring, dataset }, {}), (error: Error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /gone\.png could be decoded before/);
    return true;
  });
  await assert.rejects(scoreTuned(scoring, { signal: AbortSignal.abort() }), InterruptedError);
});
