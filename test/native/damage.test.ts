import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sharp, { type JpegOptions } from "sharp";
import { temporaryFolder } from "../helpers.js";
import {
  addon,
  decodeRgb,
  failureOf,
  NEEDS_ADDON,
  noise,
  OPTIONS,
  segments,
  waves,
  withAdobe,
  withDimensions,
} from "./support.js";

function planetTile(side = 24): Uint8Array {
  const rgba = waves(side, side, 4);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
  return addon().encodePlanetJpeg(rgba, side, side, 60);
}

function ordinaryTile(options: JpegOptions = {}, side = 24): Promise<Buffer> {
  return sharp(waves(side, side, 3), { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality: 60, ...options })
    .toBuffer();
}

/** Where the first scan of AC coefficients without refinement begins and ends: one that may be repeated. */
function firstAcScan(bytes: Uint8Array): [number, number] {
  const isMarker = (at: number) =>
    bytes[at] === 0xff && bytes[at + 1] > 0 && !(bytes[at + 1] >= 0xd0 && bytes[at + 1] < 0xd8);
  for (let at = 2; at < bytes.length; at++) {
    if (!isMarker(at) || bytes[at + 1] !== 0xda) continue;
    const spectralStart = bytes[at + 5 + 2 * bytes[at + 4]];
    const approximation = bytes[at + 7 + 2 * bytes[at + 4]];
    if (spectralStart === 0 || approximation >> 4 !== 0) continue;
    let end = at + 2;
    while (!isMarker(end)) end++;
    return [at, end];
  }
  throw new Error("No such scan");
}

test("a JPEG cut short at any length is rejected", NEEDS_ADDON, async () => {
  const whole = [planetTile(), await ordinaryTile(), await ordinaryTile({ progressive: true })];
  for (const bytes of whole) {
    for (let length = 0; length < bytes.length; length++) {
      const { code } = failureOf(bytes.subarray(0, length));
      const expected = length === 0 ? "EMPTY" : "TRUNCATED";
      assert.equal(code, expected, `cut at ${length} of ${bytes.length}`);
    }
    decodeRgb(bytes);
  }
});

test("a JPEG cut short is accepted where that is asked for, with what there is", NEEDS_ADDON, async () => {
  for (const bytes of [planetTile(64), await ordinaryTile({}, 64)]) {
    const whole = decodeRgb(bytes);
    assert.deepEqual(decodeRgb(bytes.subarray(0, -2), { acceptTruncated: true }), whole);
    const half = decodeRgb(bytes.subarray(0, Math.floor(bytes.length * 0.6)), { acceptTruncated: true });
    const row = 64 * 3;
    assert.deepEqual(half.subarray(0, row * 8), whole.subarray(0, row * 8));
    assert.notDeepEqual(half.subarray(row * 56), whole.subarray(row * 56));
    assert.equal(failureOf(bytes.subarray(0, 40), { acceptTruncated: true }).code, "TRUNCATED");
  }
});

test("bytes after the end of the image change nothing", NEEDS_ADDON, async () => {
  for (const bytes of [planetTile(), await ordinaryTile()]) {
    assert.deepEqual(decodeRgb(Buffer.concat([bytes, noise(35)])), decodeRgb(bytes));
  }
});

test("flipped bytes give pixels or a failure, never anything else", NEEDS_ADDON, async () => {
  const tiles = [planetTile(), await ordinaryTile(), await ordinaryTile({ progressive: true })];
  for (const bytes of tiles) {
    const positions = noise(600, 3);
    for (let i = 0; i < 300; i++) {
      const damaged = Uint8Array.from(bytes);
      damaged[(positions[i] * 256 + positions[i + 300]) % damaged.length] ^= 1 << (i % 8);
      for (const acceptTruncated of [false, true]) {
        const options = { ...OPTIONS, size: 16, acceptTruncated, maxPixels: 1 << 20 };
        const failure = addon().decodeBytes(damaged, new Uint8Array(16 * 16 * 3), options);
        if (failure) assert.match(failure.code, /^(FORMAT|CORRUPT|TRUNCATED|LIMIT|COLORSPACE|FOREIGN)$/);
      }
    }
  }
});

test("what is not a JPEG is told apart", NEEDS_ADDON, async () => {
  const picture = sharp(waves(8, 8, 3), { raw: { width: 8, height: 8, channels: 3 } });
  for (const format of ["png", "webp", "tiff", "gif", "avif"] as const) {
    assert.equal(failureOf(await picture.toFormat(format).toBuffer()).code, "FOREIGN", format);
  }
  for (const bytes of [Buffer.from("image_name,tags\n"), noise(500), Buffer.alloc(64)]) {
    assert.equal(failureOf(bytes).code, "FOREIGN");
  }
});

test("kinds of JPEG that are not supported say so", NEEDS_ADDON, () => {
  const bytes = planetTile();
  const frame = segments(bytes).find(({ marker }) => marker === 0xc0)!;
  for (const [name, marker, precision] of [
    ["lossless", 0xc3, 8],
    ["arithmetic", 0xc9, 8],
    ["12 bit", 0xc1, 12],
  ] as const) {
    const other = Uint8Array.from(bytes);
    other[frame.start + 1] = marker;
    other[frame.start + 4] = precision;
    const failure = failureOf(other);
    assert.equal(failure.code, "FORMAT", `${name}: ${failure.message}`);
  }
});

test("dimensions beyond the limit are refused before memory is taken", NEEDS_ADDON, async () => {
  for (const bytes of [planetTile(), await ordinaryTile({ progressive: true })]) {
    const failure = failureOf(withDimensions(bytes, 65500, 65500));
    assert.equal(failure.code, "LIMIT");
    assert.match(failure.message, /65500x65500/);
    assert.equal(failureOf(bytes, { maxPixels: 24 * 24 - 1 }).code, "LIMIT");
    decodeRgb(bytes, { maxPixels: 24 * 24 });
  }
});

test("a progressive file with many scans over many pixels is refused", NEEDS_ADDON, async () => {
  const bytes = await ordinaryTile({ progressive: true });
  const [start, stop] = firstAcScan(bytes);
  const many = Array.from({ length: 400 }, () => bytes.subarray(start, stop));
  const bomb = Buffer.concat([bytes.subarray(0, stop), ...many, bytes.subarray(stop)]);
  decodeRgb(bomb);
  assert.equal(failureOf(withDimensions(bomb, 8000, 8000), { acceptTruncated: true }).code, "LIMIT");
});

test("each bad file of a chunk has its reason, and the good ones are decoded", NEEDS_ADDON, async (t) => {
  const folder = temporaryFolder(t);
  const path = (name: string) => join(folder, name);
  const good = planetTile();
  writeFileSync(path("good.jpg"), good);
  writeFileSync(path("empty.jpg"), "");
  writeFileSync(path("text.jpg"), "no picture\n");
  writeFileSync(path("short.jpg"), good.subarray(0, -20));
  const pixels = sharp(waves(4, 4, 3), { raw: { width: 4, height: 4, channels: 3 } });
  writeFileSync(path("other.jpg"), await pixels.png().toBuffer());
  writeFileSync(path("huge.jpg"), good);
  truncateSync(path("huge.jpg"), 300 << 20);
  mkdirSync(path("folder.jpg"));
  symlinkSync(path("nowhere"), path("dangling.jpg"));
  assert.equal(spawnSync("mkfifo", [path("fifo.jpg")]).status, 0);
  const names = ["good", "empty", "text", "short", "other", "huge", "folder", "dangling", "fifo", "absent", "good"];
  const target = new Uint8Array(names.length * 12 * 12 * 3).fill(99);
  const tiles = names.map((name) => ({ path: path(`${name}.jpg`) }));
  const failures = addon().decodeFiles(tiles, target, { ...OPTIONS, size: 12 })!;
  assert.deepEqual(
    Array.from(failures, (failure) => failure?.code),
    [undefined, "EMPTY", "FOREIGN", "TRUNCATED", "FOREIGN", "LIMIT", "READ", "READ", "READ", "READ", undefined],
  );
  assert.match(failures[6]!.message, /folder/);
  assert.match(failures[7]!.message, /No such file/);
  const tile = 12 * 12 * 3;
  assert.deepEqual(target.subarray(0, tile), target.subarray(10 * tile));
  assert.ok(target.subarray(tile, 10 * tile).every((value) => value === 0));
});

test("a file that may not be read says so", NEEDS_ADDON, (t) => {
  if (process.getuid?.() === 0) return t.skip("root may read everything");
  const path = join(temporaryFolder(t), "locked.jpg");
  writeFileSync(path, planetTile());
  chmodSync(path, 0);
  const failures = addon().decodeFiles([{ path }], new Uint8Array(12 * 12 * 3), { ...OPTIONS, size: 12 })!;
  assert.equal(failures[0]!.code, "READ");
  assert.match(failures[0]!.message, /[Pp]ermission/);
});

test("members of an archive are read by offset and length", NEEDS_ADDON, (t) => {
  const path = join(temporaryFolder(t), "tiles.tar");
  const tile = planetTile();
  writeFileSync(path, Buffer.concat([noise(100), tile, noise(50, 2), tile]));
  const at = [100, 100 + tile.length + 50];
  const tiles = at.map((offset) => ({ path, offset, byteLength: tile.length }));
  const target = new Uint8Array(2 * 24 * 24 * 3);
  assert.equal(addon().decodeFiles(tiles, target, { ...OPTIONS, size: 24 }), undefined);
  assert.deepEqual(target.subarray(0, target.length / 2), decodeRgb(tile));
  assert.deepEqual(target.subarray(target.length / 2), decodeRgb(tile));
  const beyond = { path, offset: 100, byteLength: 1 << 20 };
  assert.equal(addon().decodeFiles([beyond], target, { ...OPTIONS, size: 24 })![0]!.code, "TRUNCATED");
});

test("a file without tables of its own never gets those of the file before it", NEEDS_ADDON, async () => {
  const standard = await ordinaryTile({ optimizeCoding: false });
  const optimised = await ordinaryTile({ optimizeCoding: true, quality: 20 }, 40);
  const without = (bytes: Uint8Array, wanted: number) => {
    const kept = segments(bytes).filter(({ marker }) => marker !== wanted);
    const parts = kept.map(({ start, end }) => bytes.subarray(start, end));
    return Buffer.concat([bytes.subarray(0, 2), ...parts, bytes.subarray(segments(bytes).at(-1)!.end)]);
  };
  decodeRgb(optimised);
  assert.equal(failureOf(without(standard, 0xdb)).code, "CORRUPT");
  decodeRgb(optimised);
  // As in Motion JPEG, the standard's Huffman tables are meant.
  assert.deepEqual(decodeRgb(without(standard, 0xc4)), decodeRgb(standard));
});

test("a bad Huffman table is refused at any size", NEEDS_ADDON, async () => {
  const bytes = await ordinaryTile({ optimizeCoding: false }, 64);
  // The standard's: 12 categories, the last of which no picture of 8 bits uses.
  const table = segments(bytes).find(({ marker }) => marker === 0xc4)!;
  for (const [what, change] of [
    ["a DC category of 226", (at: Buffer) => at.fill(226, 32, 33)],
    ["a code that is all ones", (at: Buffer) => at.fill(2, 12, 13).fill(0, 13, 14)],
  ] as const) {
    const damaged = Buffer.from(bytes);
    change(damaged.subarray(table.start, table.end));
    for (const size of [2, 64]) assert.equal(failureOf(damaged, { size }).code, "CORRUPT", `${what}, size ${size}`);
  }
});

test(
  "a file that asks for far more work than its bytes are worth is refused before it is decoded",
  NEEDS_ADDON,
  async () => {
    const inks = withAdobe(planetTile(), 2);
    const failure = failureOf(withDimensions(inks, 2700, 65500), { acceptTruncated: true });
    assert.deepEqual([failure.code, failure.message.includes("too much work")], ["LIMIT", true]);
    // Fewer pixels, or cheaper ones, are decoded with what there is.
    for (const bytes of [withDimensions(inks, 2700, 400), withDimensions(await ordinaryTile(), 2700, 65500)]) {
      const target = new Uint8Array(8 * 8 * 3);
      assert.equal(addon().decodeBytes(bytes, target, { ...OPTIONS, size: 8, acceptTruncated: true }), undefined);
    }
  },
);

test("bytes that no coding of so few samples needs are no work", NEEDS_ADDON, async () => {
  // 130 MB behind a picture that the work of a byte alone would refuse.
  const bytes = await ordinaryTile({}, 400);
  const long = Buffer.concat([bytes, Buffer.alloc(130 << 20)]);
  const target = new Uint8Array(8 * 8 * 3);
  assert.equal(addon().decodeBytes(long, target, { ...OPTIONS, size: 8 }), undefined);
});
