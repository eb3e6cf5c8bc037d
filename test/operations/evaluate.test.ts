import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import sharp from "sharp";
import { evaluate } from "../../src/operations/evaluate.js";
import { fileTile } from "../../src/tiles/names.js";
import { encodeSeenTiles, SEEN_TILES_FILE } from "../../src/training/seen-tiles.js";
import { saveToyModel } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";
import { encode, gradient } from "../images.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const tiles = join(folder, "tiles");
const labels = join(folder, "labels.csv");
let model: string;
let backbone: string;

function plain(size: number, [r, g, b]: readonly [number, number, number]) {
  return sharp({ create: { width: size, height: size, channels: 3, background: { r, g, b } } });
}

before(async () => {
  ({ model, backbone } = await saveToyModel(folder));
  mkdirSync(tiles);
  await plain(16, [200, 10, 10]).png().toFile(join(tiles, "red.png"));
  await plain(16, [10, 130, 10]).png().toFile(join(tiles, "green.png"));
  await plain(64, [10, 10, 200]).jpeg().toFile(join(tiles, "large.jpg"));
  const whole = await encode(gradient(24, 3), 24, 3, "jpeg");
  writeFileSync(join(tiles, "cut.jpg"), whole.subarray(0, whole.length - 40));
  writeFileSync(labels, "image_name,tags\nred,red\ngreen,green\nlarge,blue red\ncut,red\n");
});

function score(more: object = {}) {
  return evaluate({ tiles: [tiles], labels, model, backbone, device: "cpu", ...more });
}

test("scores the tiles that can be read", async () => {
  const { tiles: count, rejected, f2, perTag } = await score();
  assert.deepEqual([count, rejected], [3, 1]);
  // Of the large tile's two tags one is found: 5 x 1 / (4 x 2 + 1).
  assert.ok(Math.abs(f2 - (1 + 1 + 5 / 9) / 3) < 1e-9, `${f2}`);
  assert.deepEqual(
    perTag.map(({ tag, support, predicted }) => [tag, support, predicted]),
    [
      ["red", 2, 1],
      ["green", 1, 1],
      ["blue", 1, 1],
    ],
  );
});

test("a tile with more pixels than may be is rejected, and not scored", async () => {
  const { tiles: count, rejected } = await score({ maxPixels: 32 * 32 });
  assert.deepEqual([count, rejected], [2, 2]);
});

test("a truncated tile is scored if that is asked for", async () => {
  const { tiles: count, rejected } = await score({ onTruncated: "accept" });
  assert.deepEqual([count, rejected], [4, 0]);
});

test("one threshold for all tags takes the place of the fitted ones", async () => {
  const { perTag } = await score({ threshold: 0.9 });
  assert.deepEqual(
    perTag.map(({ tag, predicted, threshold }) => [tag, predicted, threshold]),
    [
      ["red", 1, Math.fround(0.9)],
      ["green", 0, Math.fround(0.9)],
      ["blue", 1, Math.fround(0.9)],
    ],
  );
});

test("a model whose settings name a stacking layer, as older ones do, is read and scored", async () => {
  const path = join(model, "model.json");
  const json = readFileSync(path, "utf8");
  const older = JSON.parse(json);
  older.training.settings.stacking = "kept";
  writeFileSync(path, JSON.stringify(older));
  try {
    assert.equal((await score()).tiles, 3);
  } finally {
    writeFileSync(path, json);
  }
});

test("says how many of the tiles the model was trained on, and nothing of a model that does not say", async () => {
  const warnings: string[] = [];
  const context = { onWarning: (message: string) => void warnings.push(message) };
  const options = { tiles: [tiles], labels, model, backbone, device: "cpu" as const };
  assert.equal((await evaluate(options, context)).trainedOn, null);
  const seen = ["red.png", "large.jpg"].map((name) => fileTile(join(tiles, name)));
  writeFileSync(join(model, SEEN_TILES_FILE), await encodeSeenTiles(seen));
  try {
    assert.equal((await evaluate(options, context)).trainedOn, 2);
    assert.match(warnings.join("\n"), /was trained on 2 of these 3 tiles/);
  } finally {
    rmSync(join(model, SEEN_TILES_FILE));
  }
});

test("a threshold that no probability can be compared with is refused", async () => {
  await assert.rejects(
    evaluate({ tiles, labels, model, backbone, threshold: 1.5 }),
    /`threshold` to be a number from 0/,
  );
});
