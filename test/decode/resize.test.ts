import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadAddon } from "../../src/addon.js";
import { isFailure, type RgbImage } from "../../src/decode/decoder.js";
import { resizeRgb } from "../../src/decode/resize.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { GOLDENS, readFloats, readPng } from "../goldens.js";
import { needsShared, SHARED } from "../helpers.js";
import { gradient, largestDifference } from "../images.js";

const LIMITS = { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject" } as const;

/** The tiles that golden resize results are for: the first six of labels.csv. */
async function goldenTiles(): Promise<RgbImage[]> {
  const rows = readFileSync(join(SHARED, "planet-sample/labels.csv"), "utf8").split("\n").slice(1, 7);
  return Promise.all(
    rows.map(async (row) => {
      const bytes = readFileSync(join(SHARED, `planet-sample/tiles/${row.split(",")[0]}.jpg`));
      const image = await readBytesWithSharp(bytes, LIMITS);
      assert.ok(!isFailure(image));
      return image;
    }),
  );
}

async function resizeAll(size: number, antialias: boolean): Promise<Uint8Array> {
  const tiles = await goldenTiles();
  const target = new Uint8Array(tiles.length * size * size * 3);
  for (const [i, { pixels, width, height }] of tiles.entries()) {
    resizeRgb(pixels, width, height, target.subarray(i * size * size * 3), size, antialias);
  }
  return target;
}

for (const size of [24, 75]) {
  test(`resizing to ${size} equals Pillow and TensorFlow within rounding`, async () => {
    const { pixels, width, height } = await readPng("resizing/source");
    const resize = (antialias: boolean) => {
      const target = new Uint8Array(size * size * 3);
      resizeRgb(pixels, width, height, target, size, antialias);
      return target;
    };
    assert.ok(largestDifference(resize(true), (await readPng(`resizing/pillow-${size}`)).pixels) <= 1);
    const plain = resize(false);
    const golden = readFloats(join(GOLDENS, `resizing/tensorflow-${size}.f32`));
    assert.equal(plain.length, golden.length);
    assert.ok(golden.every((value, i) => Math.abs(value - plain[i]) <= 0.51));
  });
}

for (const size of [224, 128]) {
  test(
    `antialiased resizing of real tiles to ${size} equals Pillow within one level`,
    needsShared("golden"),
    async () => {
      const golden = readFileSync(join(SHARED, `golden/pil_resize_bilinear_${size}.u8`));
      assert.ok(largestDifference(await resizeAll(size, true), golden) <= 1);
    },
  );
}

for (const size of [224, 255]) {
  test(
    `plain resizing of real tiles to ${size} equals TensorFlow within one level`,
    needsShared("golden"),
    async () => {
      const bytes = readFileSync(join(SHARED, `golden/tf_resize_bilinear_${size}.f32`));
      const golden = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      const resized = await resizeAll(size, false);
      assert.equal(resized.length, golden.length);
      assert.ok(golden.every((value, i) => Math.abs(value - resized[i]) <= 0.51));
    },
  );
}

const addon = loadAddon();
test("resizing gives the addon's bits", addon === undefined ? { skip: "the addon is not built" } : {}, () => {
  for (const size of [1, 31, 128, 224]) {
    // From growing to more taps than are cut one by one, and every remainder on the way.
    for (let length = 1; length < 1200; length += 1 + Math.floor(length / 20)) {
      const pixels = gradient(Math.ceil(Math.sqrt(length * 3)) + 1, 3, length).map((value, i) => value ^ (i * 37));
      for (const [width, height] of [
        [length, 3],
        [3, length],
      ] as const) {
        for (const antialias of [true, false]) {
          const [expected, actual] = [new Uint8Array(size * size * 3), new Uint8Array(size * size * 3)];
          addon?.resizeRgb(pixels, width, height, expected, size, antialias);
          resizeRgb(pixels, width, height, actual, size, antialias);
          assert.ok(Buffer.compare(actual, expected) === 0, `${width}x${height} to ${size}, antialias ${antialias}`);
        }
      }
    }
  }
});

test("a picture of the wanted size is copied", () => {
  const pixels = gradient(16, 3);
  const target = new Uint8Array(pixels.length);
  resizeRgb(pixels, 16, 16, target, 16, true);
  assert.deepEqual(Buffer.from(target), pixels);
});

for (const antialias of [true, false]) {
  test(`a plain colour stays what it is, whatever the shape (antialias ${antialias})`, () => {
    const target = new Uint8Array(9 * 9 * 3);
    resizeRgb(new Uint8Array(5 * 31 * 3).fill(200), 5, 31, target, 9, antialias);
    assert.ok(target.every((value) => value === 200));
  });
}

test("too little memory is refused", () => {
  assert.throws(() => resizeRgb(new Uint8Array(10), 4, 4, new Uint8Array(12), 2, true), RangeError);
  assert.throws(() => resizeRgb(new Uint8Array(48), 4, 4, new Uint8Array(11), 2, true), RangeError);
});
