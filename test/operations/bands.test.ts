/** `bands` and `stretch`: kept with a model, and used by everything that uses the model. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import sharp from "sharp";
import { OptionError } from "../../src/errors.js";
import { loadCheckpoint, saveCheckpoint } from "../../src/head/checkpoint.js";
import { evaluate } from "../../src/operations/evaluate.js";
import { fix } from "../../src/operations/fix.js";
import { inspect } from "../../src/operations/inspect.js";
import { predict } from "../../src/operations/predict.js";
import { suggest } from "../../src/operations/suggest.js";
import { train } from "../../src/operations/train.js";
import { Tagger } from "../../src/tagger/tagger.js";
import { saveToyModel } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";
import { type TiffOptions, writeTiff } from "../raster/write-tiff.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const tiles = join(folder, "tiles");
const labels = join(folder, "labels.csv");
const COUNT = 12;

/** Band b of tile t holds 1000 b + 10 t + x: all percentiles can be said. */
const tileOf = (t: number): TiffOptions => ({
  ...{ width: 16, height: 16, bands: 4, type: "int16", at: (band, x) => 1000 * band + 10 * t + x },
});
const rangeOf = (band: number): [number, number] => [1000 * band, 1000 * band + 10 * (COUNT - 1) + 15];

before(() => {
  mkdirSync(tiles);
  const rows = ["image_name,tags"];
  for (let t = 0; t < COUNT; t++) {
    writeFileSync(join(tiles, `t${t}.tif`), writeTiff(tileOf(t)));
    rows.push(`t${t},${t % 2 === 0 ? "red" : "green"}`);
  }
  writeFileSync(labels, rows.join("\n"));
});

const training = {
  tiles: [tiles],
  labels,
  size: 32,
  device: "cpu",
  features: "last",
  head: { l2: 1 },
  val: 0,
} as const;

test("train measures percentiles over its tiles and keeps them; predict reads as it did, and other values are other features", async () => {
  const out = join(folder, "model");
  const { decoded, rejected } = await train({ ...training, out, bands: [4, 2, 1], stretch: "p0,p100" });
  assert.deepEqual([decoded, rejected], [COUNT, 0]);
  const { preprocessing } = await loadCheckpoint(out);
  assert.deepEqual(preprocessing.bands, [4, 2, 1]);
  assert.deepEqual(preprocessing.stretch, [rangeOf(3), rangeOf(1), rangeOf(0)]);
  assert.equal(JSON.parse(readFileSync(join(out, "model.json"), "utf8")).version, 3);
  const { predicted } = await predict({ inputs: [tiles], model: out, out: join(folder, "tags.csv"), device: "cpu" });
  assert.equal(predicted, COUNT);
  const scored = await evaluate({ tiles: [tiles], labels, model: out, device: "cpu" });
  assert.deepEqual([scored.tiles, scored.rejected], [COUNT, 0]);
  for (const other of [{ bands: [3, 2, 1] }, { bands: [4, 2, 1], stretch: [0, 4000] }] as const) {
    const again = await train({
      ...training,
      out: join(folder, `m${decoded}`),
      stretch: "p0,p100",
      ...other,
      overwrite: true,
    });
    assert.equal(again.decoded, COUNT, JSON.stringify(other));
  }
});

test("without a stretch such tiles are rejected, and it is said what to give", async () => {
  await assert.rejects(train({ ...training, out: join(folder, "none") }), /int16 samples.*stretch/);
});

test("a model's bands and stretch are used by predict, evaluate, suggest and the tagger", async () => {
  const toy = await saveToyModel(folder);
  const checkpoint = await loadCheckpoint(toy.model);
  const { preprocessing } = checkpoint;
  const model = join(folder, "stretched");
  // Blue is band 1, and only that is above the half of its range.
  await saveCheckpoint(model, {
    ...checkpoint,
    card: { ...checkpoint.card, file: join(folder, "toy.onnx") },
    preprocessing: {
      ...preprocessing,
      bands: [4, 2, 1],
      stretch: [
        [0, 10000],
        [0, 10000],
        [0, 100],
      ],
    },
  });
  const use = { model, backbone: toy.backbone, device: "cpu" } as const;
  const input = join(tiles, `t${COUNT - 1}.tif`);
  const out = join(folder, "blue.csv");
  await predict({ inputs: [input], ...use, out });
  assert.match(readFileSync(out, "utf8"), /t11,blue\n/);
  const scored = await evaluate({ tiles: [tiles], labels, ...use });
  assert.equal(scored.tiles, COUNT);
  const { tiles: looked } = await suggest({ inputs: [tiles], ...use, out: join(folder, "s.csv"), count: 1 });
  assert.equal(looked, COUNT);
  const tagger = await Tagger.open(model, { backbone: toy.backbone, device: "cpu" });
  try {
    const [tiff, png] = await tagger.tag([
      readFileSync(input),
      await sharp(Buffer.alloc(48), { raw: { width: 4, height: 4, channels: 3 } })
        .png()
        .toBuffer(),
    ]);
    assert.deepEqual(tiff.tags, ["blue"]);
    assert.match(png.error?.message ?? "", /`stretch` is for the samples of a TIFF/);
  } finally {
    await tagger.close();
  }
});

test("fix and inspect take them, too", async () => {
  const out = join(folder, "fixed");
  const reading = { bands: [2], stretch: [1000, 1255] } as const;
  const { written } = await fix({ inputs: [tiles], out, ...reading });
  assert.equal(written, COUNT);
  const { data } = await sharp(join(out, "t3.png")).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual(
    Array.from(data),
    Array.from(data, (_, i) => 30 + (Math.floor(i / 3) % 16)),
  );
  const report = await inspect({ inputs: [tiles], ...reading });
  assert.deepEqual(
    report.encodings.map(({ reading: how, values }) => [how, values]),
    [["band 2", { min: 1000, max: 1125 }]],
  );
});

test("what is no band and no stretch is refused before anything is done", async () => {
  const inputs = [tiles];
  for (const bands of [[], [1, 2], [0], [1, 2, 2.5]]) await assert.rejects(inspect({ inputs, bands }), OptionError);
  for (const stretch of ["p98,p2", "p2", "all", [3, 3], [1, Number.NaN], [1]]) {
    await assert.rejects(
      fix({ inputs, out: join(folder, "no"), stretch: stretch as never }),
      OptionError,
      String(stretch),
    );
  }
});
