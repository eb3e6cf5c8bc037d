import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { DECODE_DEFAULTS, isFailure } from "../../src/decode/decoder.js";
import { countFrames } from "../../src/decode/frames.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { encode, gradient } from "../images.js";
import { manyDirectories, manyWebpFrames } from "../many-frames.js";
import { writeTiff } from "../raster/write-tiff.js";

const read = (bytes: Uint8Array, maxPixels: number = DECODE_DEFAULTS.maxPixels) =>
  readBytesWithSharp(bytes, { ...DECODE_DEFAULTS, maxPixels });

test("a picture whose decoding would take long is rejected before it begins, unless more pixels are allowed", async () => {
  const picture = gradient(32, 3);
  const padded = (bytes: Uint8Array, megabytes: number) => Buffer.concat([bytes, Buffer.alloc(megabytes << 20)]);
  const tiff = writeTiff({ width: 9, height: 9, bands: 3, type: "uint16", compression: "packbits", at: () => 1 });
  const dear: [bytes: Uint8Array, megabytes: number][] = [
    [await encode(picture, 32, 3, "avif"), 13],
    [
      await sharp(picture, { raw: { width: 32, height: 32, channels: 3 } })
        .webp()
        .toBuffer(),
      26,
    ],
    [await encode(picture, 32, 3, "gif"), 34],
    [tiff, 40],
  ];
  for (const [bytes, megabytes] of dear) {
    assert.ok(!isFailure(await read(bytes)));
    assert.ok(!isFailure(await read(padded(bytes, megabytes >> 1))));
    const failure = await read(padded(bytes, megabytes));
    assert.ok(isFailure(failure));
    assert.deepEqual([failure.code, /take more than 2\.0 s.*maxPixels/.test(failure.message)], ["LIMIT", true]);
    assert.ok(!isFailure(await read(padded(bytes, megabytes), 2 ** 27)));
    // A lower limit of pixels is none of time.
    assert.ok(!isFailure(await read(padded(bytes, megabytes >> 1), 1024)));
  }
});

test("a file of very many pictures is rejected before they are looked for", async () => {
  const picture = sharp(gradient(32, 3), { raw: { width: 32, height: 32, channels: 3 } });
  const webp = await picture.clone().webp({ lossless: true }).toBuffer();
  const tiff = await picture.clone().tiff({ compression: "jpeg" }).toBuffer();
  for (const [few, many] of [
    [manyWebpFrames(webp, 32, 3), manyWebpFrames(webp, 32, 16_000)],
    [manyDirectories(tiff, 3), manyDirectories(tiff, 80_000)],
  ]) {
    assert.ok(!isFailure(await read(few)));
    const failure = await read(many);
    assert.ok(isFailure(failure) && failure.code === "LIMIT" && /take more than 2\.0 s/.test(failure.message));
  }
});

test("pictures of a file are counted in either order of bytes, and no further than asked for", () => {
  const directory = (bytes: number) => Buffer.alloc(bytes);
  const big = Buffer.concat([Buffer.from([0x4d, 0x4d, 0, 43, 0, 8, 0, 0]), directory(8 + 16 * 2)]);
  big.writeBigUInt64BE(16n, 8);
  big.writeBigUInt64BE(32n, 24);
  const small = Buffer.concat([Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, 8]), directory(6)]);
  const endless = Buffer.from(small);
  endless.writeUInt32BE(8, 10);
  const counts = [small, big, endless, small.subarray(0, 9)].map((bytes) => countFrames(bytes, "tiff", 5));
  assert.deepEqual(counts, [1, 2, 5, 0]);
});

test("a PNG of 16 bits is limited in time, too", async () => {
  const bytes = await sharp(gradient(32, 3), { raw: { width: 32, height: 32, channels: 3 } })
    .toColourspace("rgb16")
    .png()
    .toBuffer();
  assert.ok(!isFailure(await read(bytes)));
  // As large as a picture may be, and its data a small part of it.
  bytes.writeUInt32BE(5792, 16);
  bytes.writeUInt32BE(5792, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  const [small, large] = [await read(bytes), await read(Buffer.concat([bytes, Buffer.alloc(45 << 20)]))];
  assert.ok(isFailure(small) && small.code !== "LIMIT", JSON.stringify(small));
  assert.ok(isFailure(large) && large.code === "LIMIT" && /take more than 2\.0 s/.test(large.message), String(large));
});

test("a TIFF whose many bands are few bytes in the file is rejected before they are decoded", async () => {
  const at = () => 0;
  const options = { width: 64, height: 64, bands: 600, type: "float64", compression: "deflate", tile: 64, at } as const;
  const bytes = writeTiff(options);
  const read = (workPixels: number) =>
    import("../../src/decode/tiff.js").then(({ readTiff }) =>
      readTiff(bytes, { ...DECODE_DEFAULTS, maxPixels: 2 ** 25, workPixels, stretch: [[0, 1]] }, () => assert.fail()),
    );
  assert.ok(!isFailure(await read(2 ** 21)));
  const failure = await read(2 ** 20);
  assert.ok(isFailure(failure) && failure.code === "LIMIT", JSON.stringify(failure));
});
