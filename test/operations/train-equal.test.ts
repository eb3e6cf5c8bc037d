/** Training on tiles some of which are there twice, under other names and in other encodings. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { loadCheckpoint } from "../../src/head/checkpoint.js";
import { train } from "../../src/operations/train.js";
import { createRandom } from "../../src/random.js";
import { suiteFolder } from "../helpers.js";
import { encode } from "../images.js";
import { SIDE, writeTinyBackbone } from "../training/tiny-backbone.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const tiles = join(folder, "tiles");
const TILES = 50;
let backbone: string;

before(async () => {
  backbone = writeTinyBackbone(folder);
  mkdirSync(tiles);
  const rows = ["image_name,tags,split"];
  for (let i = 0; i < TILES; i++) {
    const random = createRandom(4, i);
    const pixels = Buffer.from(Array.from({ length: SIDE * SIDE * 3 }, () => random.below(256)));
    // Tags that are in no picture: whoever has not seen a tile cannot know.
    const tag = random.uniform() < 0.5 ? "heads" : "tails";
    for (const format of ["png", "tiff"] as const) {
      writeFileSync(join(tiles, `${format}${i}.${format}`), await encode(pixels, SIDE, 3, format));
      rows.push(`${format}${i},${tag},${format === "tiff" && i < 20 ? "val" : "train"}`);
    }
  }
  writeFileSync(join(folder, "labels.csv"), rows.join("\n"));
  writeFileSync(join(folder, "once.csv"), rows.filter((row) => !row.startsWith("tiff")).join("\n"));
});

async function trainOn(labels: string, split?: string) {
  const told: string[] = [];
  const options = {
    tiles: [tiles],
    labels: join(folder, labels),
    backbone,
    normalisation: "unit",
    size: SIDE,
  } as const;
  const summary = await train(
    { ...options, head: { l2: 1e-4 }, exclusive: [], device: "cpu", out: join(folder, `${labels}-${split}`), split },
    { onNotice: (text) => told.push(text), onWarning: (text) => told.push(text) },
  );
  return { ...summary, told: told.filter((text) => /equal/.test(text)) };
}

test("equal tiles stay together, which is said once; where there are none, nothing is", async () => {
  const twice = await trainOn("labels.csv");
  assert.deepEqual(twice.told, [
    "50 of 100 tiles are equal to another one: equal tiles stay on one side of every split.",
  ]);
  assert.equal(twice.tiles, 100);
  const once = await trainOn("once.csv");
  assert.deepEqual(once.told, []);
  assert.ok(twice.map && once.map && twice.map < 0.65, `${twice.map} ${once.map}`);
  assert.equal((await loadCheckpoint(twice.model)).training.heldOut % 2, 0);
  assert.ok(readFileSync(twice.report).length > 0);
});

test("a column of parts that parts equal tiles is obeyed and warned of", async () => {
  const { told, holdOut } = await trainOn("labels.csv", "split");
  assert.equal(holdOut?.tiles, 20);
  assert.match(told[1], /^20 of the 20 tiles for validation are equal to tiles that are learnt/);
});
