import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { DECODE_DEFAULTS, type DecodeOptions } from "../../src/decode/decoder.js";
import { DecodePool } from "../../src/decode/pool.js";
import { resizeRgb } from "../../src/decode/resize.js";
import { decodeWithSharp } from "../../src/decode/sharp.js";
import type { Tile, TileContent } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";
import { encode, gradient } from "../images.js";

const SIZE = 24;
const TILE_BYTES = SIZE * SIZE * 3;
const OPTIONS: DecodeOptions = { ...DECODE_DEFAULTS, size: SIZE };
const pool = new DecodePool({ workers: 1 });
after(() => pool.close());

function inMemory(content: TileContent): Tile {
  return { name: "memory", path: "", content };
}

async function decode(tiles: Tile[], options = OPTIONS) {
  const buffer = new SharedArrayBuffer(tiles.length * TILE_BYTES);
  const outcomes = (await pool.decode(tiles, { buffer, byteOffset: 0 }, options)) ?? tiles.map(() => undefined);
  const pixels = tiles.map((_, i) => Buffer.from(buffer, i * TILE_BYTES, TILE_BYTES));
  return { codes: outcomes.map((outcome) => outcome?.code), pixels };
}

function resized(rgb: Uint8Array, width: number, height: number): Buffer {
  const target = Buffer.alloc(TILE_BYTES);
  resizeRgb(rgb, width, height, target, SIZE, true);
  return target;
}

test("bytes in memory give the pixels of the file they are, whatever the format, beside files in one chunk", async (t) => {
  const folder = temporaryFolder(t);
  const tiles: Tile[] = [];
  for (const format of ["jpeg", "png", "webp", "tiff"] as const) {
    const bytes = await encode(gradient(40, 3), 40, 3, format);
    const path = join(folder, format);
    writeFileSync(path, bytes);
    tiles.push({ name: format, path }, inMemory({ bytes }));
  }
  const { codes, pixels } = await decode(tiles);
  assert.deepEqual(codes, new Array(8).fill(undefined));
  for (let i = 0; i < pixels.length; i += 2) {
    assert.deepEqual(pixels[i + 1], pixels[i], tiles[i].name);
    assert.ok(pixels[i].some((value) => value > 0));
  }
});

test("a view of a large buffer, and shared memory, are read as what they show", async () => {
  const jpeg = await encode(gradient(40, 3), 40, 3, "jpeg");
  const large = new Uint8Array(jpeg.length + 1000);
  large.set(jpeg, 500);
  const shared = new Uint8Array(new SharedArrayBuffer(jpeg.length));
  shared.set(jpeg);
  const all = [jpeg, large.subarray(500, 500 + jpeg.length), shared].map((bytes) => inMemory({ bytes }));
  const { codes, pixels } = await decode(all);
  assert.deepEqual(codes, [undefined, undefined, undefined]);
  assert.deepEqual(pixels[1], pixels[0]);
  assert.deepEqual(pixels[2], pixels[0]);
});

test("pixels with one channel are gray, with three RGB, and of four the last is dropped", async () => {
  const [width, height] = [40, 30];
  const rgb = gradient(40, 3).subarray(0, width * height * 3);
  const alpha = Buffer.alloc(width * height * 4, 7);
  for (let i = 0; i < width * height; i++) rgb.copy(alpha, i * 4, i * 3, i * 3 + 3);
  const gray = gradient(40, 1).subarray(0, width * height);
  const grayRgb = Buffer.from([...gray].flatMap((value) => [value, value, value]));
  const { codes, pixels } = await decode([
    inMemory({ pixels: rgb, width, height, channels: 3 }),
    inMemory({ pixels: alpha, width, height, channels: 4 }),
    inMemory({ pixels: gray, width, height, channels: 1 }),
  ]);
  assert.deepEqual(codes, [undefined, undefined, undefined]);
  assert.deepEqual(pixels[0], resized(rgb, width, height));
  assert.deepEqual(pixels[1], pixels[0]);
  assert.deepEqual(pixels[2], resized(grayRgb, width, height));
});

test("what is wrong with bytes in memory is an outcome, and limits hold for them", async () => {
  const jpeg = await encode(gradient(40, 3), 40, 3, "jpeg");
  const pixels = { pixels: gradient(40, 3), width: 40, height: 40, channels: 3 } as const;
  const bad = [
    inMemory({ bytes: new Uint8Array() }),
    inMemory({ bytes: Buffer.from("no picture") }),
    inMemory({ bytes: jpeg.subarray(0, 300) }),
  ];
  assert.deepEqual((await decode(bad)).codes, ["EMPTY", "FORMAT", "TRUNCATED"]);
  const small = { ...OPTIONS, maxPixels: 1599 };
  assert.deepEqual((await decode([inMemory({ bytes: jpeg }), inMemory(pixels)], small)).codes, ["LIMIT", "LIMIT"]);
  const lean = { ...OPTIONS, maxBytes: 4 * (pixels.pixels.length - 1) };
  assert.deepEqual((await decode([inMemory(pixels), inMemory({ bytes: jpeg })], lean)).codes, ["LIMIT", undefined]);
});

test("without the addon sharp reads bytes and pixels in memory", async () => {
  const target = Buffer.alloc(TILE_BYTES);
  const rgb = gradient(40, 3);
  const png = await encode(rgb, 40, 3, "png");
  for (const source of [{ bytes: png }, { pixels: rgb, width: 40, height: 40, channels: 3 as const }]) {
    target.fill(0);
    assert.equal(await decodeWithSharp(source, target, OPTIONS, resizeRgb), undefined);
    assert.deepEqual(target, resized(rgb, 40, 40));
  }
});
