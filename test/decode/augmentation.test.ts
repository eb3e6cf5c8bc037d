import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadAddon } from "../../src/addon.js";
import { alterTiles, type Look } from "../../src/decode/alter.js";
import { type Augmentation, drawAugmentation } from "../../src/decode/augmentation.js";
import { DECODE_DEFAULTS } from "../../src/decode/decoder.js";
import { readFullTile } from "../../src/decode/full.js";
import { DecodePool } from "../../src/decode/pool.js";
import { resizeRgb } from "../../src/decode/resize.js";
import type { Window } from "../../src/decode/window.js";
import { createRandom } from "../../src/random.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";
import { writeTiles } from "../images.js";
import { addon, NEEDS_ADDON, noise, OPTIONS } from "../native/support.js";

const RANGES = { leastArea: 0.5, aspect: 1.2, light: 0.3 };
const WHOLE: Augmentation = {
  turn: 0,
  brightness: 1,
  contrast: 1,
  window: { left: 0, top: 0, width: 1, height: 1 },
};
const pool = new DecodePool({ workers: 1 });
after(() => pool.close());

async function decode(tiles: Tile[], augmentations: Augmentation[], size: number): Promise<Uint8Array> {
  const buffer = new SharedArrayBuffer(tiles.length * size * size * 3);
  const options = { ...DECODE_DEFAULTS, size };
  assert.equal(await pool.decode(tiles, { buffer, byteOffset: 0 }, options, augmentations), undefined);
  return new Uint8Array(buffer).slice();
}

/** The part of `[side, side, 3]` from (x, y) on, cut by hand. */
function cut(pixels: Uint8Array, side: number, x: number, y: number, width: number, height: number): Uint8Array {
  const at = (row: number, column: number) => ((y + row) * side + x + column) * 3;
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return pixels[at(Math.floor(pixel / width), pixel % width) + (i % 3)];
  });
}

for (const kind of ["jpeg", "png"] as const) {
  test(`a window of a ${kind} is what cutting it out and resizing gives, to the last bit`, async (t) => {
    const [tile] = await writeTiles(temporaryFolder(t), 1, 60, kind);
    const full = await readFullTile(tile, DECODE_DEFAULTS);
    assert.ok("pixels" in full);
    for (const size of [24, 60, 77]) {
      // Of 60 pixels 45 and 30 are read: there are 16 and 31 places.
      const window: Window = { left: 0.999, top: 0.5, width: 0.75, height: 0.5 };
      const expected = new Uint8Array(size * size * 3);
      resizeRgb(cut(full.pixels, 60, 15, 15, 45, 30), 45, 30, expected, size, true);
      assert.deepEqual(await decode([tile], [{ ...WHOLE, window }], size), expected, `size ${size}`);
    }
  });
}

test("each tile has its own augmentation, and none leaves a tile as it is", async (t) => {
  const tiles = await writeTiles(temporaryFolder(t), 3, 40);
  const plain = await decode(tiles, [WHOLE, WHOLE, WHOLE], 32);
  const mixed = await decode(tiles, [WHOLE, { ...WHOLE, turn: 2 }, { ...WHOLE, brightness: 0.5 }], 32);
  const length = 32 * 32 * 3;
  const of = (all: Uint8Array, i: number) => all.subarray(i * length, (i + 1) * length);
  assert.deepEqual(of(mixed, 0), of(plain, 0));
  const halfTurn = Uint8Array.from({ length }, (_, i) => of(plain, 1)[length - 3 - i + 2 * (i % 3)]);
  assert.deepEqual(of(mixed, 1), halfTurn);
  assert.deepEqual(
    of(mixed, 2),
    of(plain, 2).map((value) => Math.floor(value / 2 + 0.5)),
  );
});

test("brightness is a factor, contrast a factor of the distance to the tile's mean", () => {
  const tile = Uint8Array.of(10, 20, 30, 40, 60, 80, 100, 120, 140, 160, 180, 200);
  const mean = 95;
  const look = (brightness: number, contrast: number) => {
    const copy = tile.slice();
    alterTiles(copy, 2, [{ turn: 0, brightness, contrast }], undefined);
    return copy;
  };
  const near = (values: Uint8Array, formula: (value: number) => number) => {
    for (const [i, value] of values.entries()) {
      assert.ok(Math.abs(value - Math.min(255, Math.max(0, formula(tile[i])))) <= 0.51, `${value}, ${tile[i]}`);
    }
  };
  near(look(1.2, 1), (value) => value * 1.2);
  near(look(1, 0.5), (value) => mean + (value - mean) * 0.5);
  near(look(1.4, 1.5), (value) => (mean + (value - mean) * 1.5) * 1.4);
});

test("the addon alters tiles as TypeScript does, to the last bit", NEEDS_ADDON, () => {
  const random = createRandom(3);
  const looks: Look[] = Array.from({ length: 40 }, () => drawAugmentation(random, RANGES));
  const size = 13;
  const native = noise(looks.length * size * size * 3);
  const plain = native.slice();
  alterTiles(native, size, looks, addon());
  alterTiles(plain, size, looks, undefined);
  assert.deepEqual(native, plain);
});

test("every SIMD level gives the same altered tiles, and so does sharp without the addon", NEEDS_ADDON, async (t) => {
  const folder = temporaryFolder(t);
  await writeTiles(folder, 6, 70, "png");
  mkdirSync(join(folder, "jpeg"));
  await writeTiles(join(folder, "jpeg"), 6, 300);
  const hashes = (env: NodeJS.ProcessEnv) => {
    const script = fileURLToPath(new URL("./augmented-hash.js", import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, folder], {
      env: { ...process.env, ...env },
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as string[];
  };
  const best = hashes({});
  // Six JPEGs and six PNGs, at two sizes.
  assert.equal(new Set(best).size, 24);
  for (const level of ["scalar", "sse4", "avx2", "avx512"]) assert.deepEqual(hashes({ CANOPY_SIMD: level }), best);
  // sharp may read JPEGs a level differently; of PNGs there is only one reading.
  const ofPngs = (all: string[]) => all.filter((_, i) => i % 12 >= 6);
  assert.deepEqual(ofPngs(hashes({ CANOPY_NO_ADDON: "1" })), ofPngs(best));
});

test("draws follow from the seed, and stay within their ranges", () => {
  const draw = (seed: number, epoch: number, row: number) => drawAugmentation(createRandom(seed, epoch, row), RANGES);
  assert.deepEqual(draw(1, 2, 3), draw(1, 2, 3));
  assert.notDeepEqual(draw(1, 2, 3), draw(1, 3, 3));
  assert.notDeepEqual(draw(1, 2, 3), draw(2, 2, 3));
  const many = Array.from({ length: 500 }, (_, row) => draw(1, 1, row));
  assert.equal(new Set(many.map(({ turn }) => turn)).size, 8);
  for (const { window, brightness, contrast } of many) {
    assert.ok(window.width > 0.6 && window.width <= 1 && window.height > 0.6 && window.height <= 1);
    for (const factor of [brightness, contrast]) assert.ok(factor >= 0.7 && factor <= 1.3);
  }
  const areas = many.map(({ window }) => window.width * window.height);
  assert.ok(Math.min(...areas) < 0.55 && Math.max(...areas) > 0.95);
});

test("windows and looks outside their ranges are refused by the addon", NEEDS_ADDON, () => {
  const target = new Uint8Array(OPTIONS.size ** 2 * 3);
  const jpeg = addon().encodePlanetJpeg(noise(64 * 64 * 4), 64, 64, 90);
  for (const window of [
    [-0.1, 0, 1, 1],
    [0, 0, 0, 1],
    [0, 0, 1, 1.01],
    [0, Number.NaN, 1, 1],
    [0, 0, 1],
  ]) {
    assert.throws(() => addon().decodeBytes(jpeg, target, OPTIONS, Float64Array.from(window)), RangeError);
  }
  for (const look of [
    [8, 65536, 65536],
    [0, -1, 65536],
    [0, 65536, 2 ** 30],
    [0, 0],
  ]) {
    assert.throws(() => addon().alterTiles(new Uint8Array(48), 1, 4, Int32Array.from(look)), RangeError);
  }
  assert.ok(loadAddon());
});
