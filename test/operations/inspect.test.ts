import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { describeReport } from "../../src/cli/inspect-text.js";
import { inspect } from "../../src/operations/inspect.js";
import { synthesize } from "../../src/operations/synth.js";
import { GOLDENS } from "../goldens.js";
import { needsShared, SHARED, temporaryFolder } from "../helpers.js";

/**
 * Four good tiles; a copy of the first with another label, a smaller re-encoded copy of the second under a used name, a truncated file,
 * an empty one, a text.
 */
async function makeSet(folder: string): Promise<void> {
  await synthesize({ count: 4, out: join(folder, "set"), seed: 8, size: 96, workers: 1 });
  const at = (name: string) => join(folder, "set", name);
  mkdirSync(at("more"));
  copyFileSync(at("synth_0.jpg"), at("more/copy.jpg"));
  const { data, info } = await sharp(at("synth_1.jpg"))
    .pipelineColourspace("cmyk")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  const picture = sharp(data, { raw }).toColourspace("srgb").resize(64, 64);
  await picture.jpeg({ quality: 80 }).toFile(at("more/synth_1.jpg"));
  writeFileSync(at("cut.jpg"), readFileSync(at("synth_2.jpg")).subarray(0, 900));
  writeFileSync(at("empty.png"), "");
  writeFileSync(at("notes.txt"), "not a tile");
  renameSync(at("synth_3.jpg"), at("unlabelled.jpg"));
  writeFileSync(
    join(folder, "labels.csv"),
    "image_name,tags\nsynth_0,clear primary\ncopy,clear water\nsynth_1,haze primary\nsynth_2,clear primary\ncut,clear\ngone,water\n",
  );
}

test("a set with every kind of trouble: each is found, counted and named", async (t) => {
  const folder = temporaryFolder(t);
  await makeSet(folder);
  const seen: number[] = [];
  const report = await inspect(
    { inputs: [join(folder, "set")], labels: join(folder, "labels.csv"), workers: 2 },
    { onProgress: ({ done }) => seen.push(done) },
  );
  const at = (name: string) => join(folder, "set", name);
  assert.deepEqual([report.tiles, report.readable, report.rejected, report.ignoredFiles], [8, 6, 2, 3]);
  assert.deepEqual(
    report.rejects.map(({ path, code }) => [path, code]),
    [
      [at("cut.jpg"), "TRUNCATED"],
      [at("empty.png"), "EMPTY"],
    ],
  );
  assert.deepEqual(report.duplicates, [{ tiles: [at("more/copy.jpg"), at("synth_0.jpg")], conflicting: true }]);
  assert.deepEqual(
    report.nearDuplicates.map(({ tiles }) => tiles),
    [[at("more/synth_1.jpg"), at("synth_1.jpg")]],
  );
  assert.deepEqual(report.duplicateNames, [{ name: "synth_1", tiles: [at("more/synth_1.jpg"), at("synth_1.jpg")] }]);
  assert.deepEqual(
    report.sizes.map(({ width, tiles }) => [width, tiles]),
    [
      [96, 5],
      [64, 1],
    ],
  );
  assert.deepEqual(report.labels?.labelsWithoutTiles, ["gone"]);
  assert.deepEqual(report.labels?.tilesWithoutLabels, ["empty", "unlabelled"]);
  assert.deepEqual(report.labels?.tags[0], { tag: "clear", tiles: 4 });
  assert.equal(seen.at(-1), 8);
  const text = describeReport(report);
  assert.ok(text.indexOf("cannot be read") < text.indexOf("without a label"), text);
  assert.match(text, /cut\.jpg: /);
});

test("co-occurrence counts tiles that carry both tags", async (t) => {
  const folder = temporaryFolder(t);
  await synthesize({ count: 6, out: join(folder, "set"), seed: 2, size: 32, workers: 1 });
  const report = await inspect({ inputs: [join(folder, "set")], labels: join(folder, "set/labels.csv"), workers: 1 });
  const { tags, cooccurrence } = report.labels!;
  const rows = readFileSync(join(folder, "set/labels.csv"), "utf8").trim().split("\n").slice(1);
  for (const [i, a] of tags.entries()) {
    assert.equal(cooccurrence[i][i], a.tiles);
    for (const [j, b] of tags.entries()) {
      const both = rows.filter((row) => [a, b].every(({ tag }) => row.split(",")[1].split(" ").includes(tag)));
      assert.equal(cooccurrence[i][j], both.length, `${a.tag} ${b.tag}`);
    }
  }
});

test("tiles in Planet's encoding: one encoding, read as RGB with a constant fourth component", async () => {
  const report = await inspect({ inputs: [join(GOLDENS, "pictures/planet.jpg")], workers: 1 });
  const { encoding, reading } = report.encodings[0];
  assert.deepEqual([encoding, reading], ["JPEG baseline, 4 components 4:4:4, no markers", "rgb+constant-alpha"]);
  const codes = report.problems.map(({ code }) => code);
  assert.deepEqual(codes, ["RGBA_IN_DISGUISE"]);
});

test(
  "real tiles: one encoding, read as RGB with a constant fourth component",
  needsShared("planet-sample"),
  async (t) => {
    const tiles = join(SHARED, "planet-sample/tiles");
    const folder = temporaryFolder(t);
    const list = join(folder, "list.txt");
    writeFileSync(
      list,
      ["train_10001", "train_10030", "train_10033"].map((name) => join(tiles, `${name}.jpg`)).join("\n"),
    );
    const report = await inspect({ inputs: [`@${list}`], workers: 1 });
    assert.equal(report.encodings.length, 1);
    const { encoding, reading } = report.encodings[0];
    assert.deepEqual([encoding, reading], ["JPEG baseline, 4 components 4:4:4, no markers", "rgb+constant-alpha"]);
    assert.deepEqual(
      report.problems.map(({ code }) => code),
      ["RGBA_IN_DISGUISE"],
    );
  },
);
