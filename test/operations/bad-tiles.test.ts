/** One tile of every bad kind among good ones: in each command its own reject, and nobody else's. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { evaluate } from "../../src/operations/evaluate.js";
import { fix } from "../../src/operations/fix.js";
import { inspect } from "../../src/operations/inspect.js";
import { predict } from "../../src/operations/predict.js";
import { suggest } from "../../src/operations/suggest.js";
import { train } from "../../src/operations/train.js";
import { saveToyModel } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";
import { encode, gradient } from "../images.js";
import { type TiffOptions, writeTiff } from "../raster/write-tiff.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const tiles = join(folder, "tiles");
const labels = join(folder, "labels.csv");
const GOOD = 14;

const tiff: TiffOptions = {
  width: 20,
  height: 20,
  bands: 13,
  type: "uint16",
  at: (band, x, y) => 3000 * band + 9 * x * y,
};

/** Every kind that is rejected, with the code that says why. */
async function badTiles(): Promise<Record<string, [code: string, bytes: Uint8Array | string]>> {
  const picture = gradient(48, 3);
  const [jpeg, png, avif] = await Promise.all((["jpeg", "png", "avif"] as const).map((f) => encode(picture, 48, 3, f)));
  const damaged = Buffer.from(png);
  damaged.fill(0xa5, png.length >> 1, (png.length >> 1) + 40);
  const heic = Buffer.from(avif);
  heic.write("hvc1", heic.indexOf("av01"), "latin1");
  const deflated = writeTiff({ ...tiff, compression: "deflate", tile: 16 });
  const broken = Buffer.from(deflated);
  broken.fill(0xff, broken.length >> 1, (broken.length >> 1) + 900);
  return {
    "b00.jpg": ["EMPTY", ""],
    "b01.jpg": ["TRUNCATED", jpeg.subarray(0, jpeg.length >> 1)],
    "b02.png": ["TRUNCATED", png.subarray(0, png.length >> 1)],
    "b03.png": ["CORRUPT", damaged],
    "b04.jpg": ["FORMAT", "version https://git-lfs.github.com/spec/v1\n"],
    "b05.png": ["FORMAT", "<!DOCTYPE html><html></html>"],
    "b06.tif": ["FORMAT", gzipSync("a tile")],
    "b07.jpg": ["FORMAT", heic],
    "b08.tif": ["FORMAT", writeTiff({ ...tiff, type: "float32" })],
    "b09.tif": ["TRUNCATED", deflated.subarray(0, deflated.length - 99)],
    "b10.tif": ["CORRUPT", broken],
    "b11.webp": ["CORRUPT", Buffer.from("RIFF\x04\0\0\0WEBPVP8 \0\0\0\0", "latin1")],
  };
}

let bad: Awaited<ReturnType<typeof badTiles>>;
let toy: { model: string; backbone: string };

before(async () => {
  toy = await saveToyModel(folder);
  mkdirSync(tiles);
  bad = await badTiles();
  for (const [name, [, bytes]] of Object.entries(bad)) writeFileSync(join(tiles, name), bytes);
  // Before, between and behind the bad ones, and two of them TIFFs that libvips alone would not have survived.
  for (let i = 0; i < GOOD; i++) {
    const name = `${"abcz"[i % 4]}${String(i).padStart(2, "0")}g`;
    const isTiff = i % 7 === 1;
    const bytes = isTiff ? writeTiff({ ...tiff, planar: i > 7 }) : await encode(gradient(48, 3, i * 9), 48, 3, "jpeg");
    writeFileSync(join(tiles, `${name}.${isTiff ? "tif" : "jpg"}`), bytes);
  }
  const names = readdirSync(tiles).map((name) => name.replace(/\..*/, ""));
  writeFileSync(
    labels,
    ["image_name,tags", ...names.map((name, i) => `${name},${["red", "green", "red blue"][i % 3]}`)].join("\n"),
  );
});

function codesOf(rejects: { path: string; code: string }[]): Record<string, string> {
  return Object.fromEntries(rejects.map(({ path, code }) => [path.slice(tiles.length + 1), code]).sort());
}

const expectedCodes = () => Object.fromEntries(Object.entries(bad).map(([name, [code]]) => [name, code]));

function codesIn(file: string | null): Record<string, string> {
  assert.ok(file !== null);
  return codesOf(
    readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );
}

test("inspect", async () => {
  const report = await inspect({ inputs: [tiles], workers: 1 });
  assert.deepEqual(codesOf(report.rejects), expectedCodes());
  assert.equal(report.readable, GOOD);
  const rasters = report.encodings.filter(({ encoding }) => encoding.startsWith("TIFF"));
  assert.deepEqual(rasters.map(({ encoding }) => encoding).sort(), [
    "TIFF, 13 bands apart, uint16, no compression",
    "TIFF, 13 bands, uint16, no compression",
  ]);
  for (const { reading, values } of rasters) {
    assert.deepEqual([reading, values], ["bands 1, 2, 3", { min: 0, max: 9249 }]);
  }
  const told = report.problems.find(({ code }) => code === "LITTLE_OF_RANGE");
  assert.deepEqual([told?.count, /stretch.*0,9249/.test(told?.message ?? "")], [2, true]);
});

test("fix writes every good one, and no file of a reject", async () => {
  const out = join(folder, "fixed");
  const { written, rejects } = await fix({ inputs: [tiles], out, workers: 1 });
  assert.equal(written, GOOD);
  assert.deepEqual(codesIn(rejects), expectedCodes());
  assert.equal(readdirSync(out).length, GOOD);
  for (const name of Object.keys(bad)) assert.ok(!existsSync(join(out, name.replace(/\..*/, ".png"))), name);
});

test("predict", async () => {
  const warnings: string[] = [];
  const { predicted, rejects } = await predict(
    { inputs: [tiles], out: join(folder, "tags.csv"), ...toy, device: "cpu", workers: 1 },
    { onWarning: (message) => warnings.push(message) },
  );
  assert.equal(predicted, GOOD);
  assert.deepEqual(codesIn(rejects), expectedCodes());
  assert.match(warnings.join("\n"), /TIFFs and PNGs of 16 bits.*nearly black/);
});

test("suggest", async () => {
  const { tiles: looked, rejects } = await suggest({
    ...{ inputs: [tiles], ...toy, out: join(folder, "next.csv"), count: 3, device: "cpu" },
  });
  assert.equal(looked, GOOD);
  assert.deepEqual(codesIn(rejects), expectedCodes());
});

test("evaluate and train count them, and go by the others", async () => {
  const scored = await evaluate({ tiles: [tiles], labels, ...toy, device: "cpu" });
  assert.deepEqual([scored.tiles, scored.rejected], [GOOD, Object.keys(bad).length]);
  const out = join(folder, "trained");
  const trained = await train({
    tiles: [tiles],
    labels,
    out,
    size: 32,
    device: "cpu",
    features: "last",
    head: { l2: 1 },
  });
  assert.deepEqual([trained.tiles, trained.rejected], [GOOD, Object.keys(bad).length]);
  assert.deepEqual(codesIn(`${out}.rejects.jsonl`), expectedCodes());
});

test("a file of some bytes that would take gigabytes is rejected before it is decoded, unless the limit is raised", async () => {
  const side = 6000;
  const black = { create: { width: side, height: side, channels: 3, background: "#123" } } as const;
  const bomb = join(folder, "bomb.webp");
  writeFileSync(bomb, await sharp(black).webp({ lossless: true, effort: 0 }).toBuffer());
  assert.ok(statSync(bomb).size < 100);
  const [reject] = (await inspect({ inputs: [bomb] })).rejects;
  assert.deepEqual([reject?.code, /33554432 pixels.*maxPixels/.test(reject?.message ?? "")], ["LIMIT", true]);
  const jpeg = join(folder, "large.jpg");
  writeFileSync(jpeg, await sharp(black).jpeg().toBuffer());
  const { readable } = await inspect({ inputs: [jpeg] });
  assert.equal(readable, 1);
  const raised = await inspect({ inputs: [bomb], maxPixels: side * side });
  assert.equal(raised.readable, 1);
});
