import assert from "node:assert/strict";
import { test } from "node:test";
import sharp, { type JpegOptions } from "sharp";
import { addon, decodeRgb, NEEDS_ADDON, noise, OPTIONS, waves } from "./support.js";

/** A picture that is decoded at an eighth of its size for a result of SIZE pixels. */
const SIDE = 200;
const SIZE = 8;

function progressive(options: JpegOptions = {}): Promise<Buffer> {
  const pixels = waves(SIDE, SIDE, 3).map((value, i) => value ^ (noise(1, i)[0] & 15));
  return sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .jpeg({ quality: 85, progressive: true, ...options })
    .toBuffer();
}

interface Scan {
  components: number[];
  spectralStart: number;
  /** Of the marker, of the first entropy-coded byte, and behind the last. */
  start: number;
  data: number;
  end: number;
}

function scansOf(bytes: Uint8Array): Scan[] {
  const scans: Scan[] = [];
  const isMarker = (at: number) =>
    bytes[at] === 0xff && bytes[at + 1] > 0 && !(bytes[at + 1] >= 0xd0 && bytes[at + 1] < 0xd8);
  for (let at = 2; bytes[at + 1] !== 0xd9; ) {
    const next = at + 2 + bytes[at + 2] * 256 + bytes[at + 3];
    if (bytes[at + 1] !== 0xda) {
      at = next;
      continue;
    }
    let end = next;
    while (end < bytes.length && !isMarker(end)) end++;
    const components = Array.from({ length: bytes[at + 4] }, (_, i) => bytes[at + 5 + 2 * i]);
    scans.push({ components, spectralStart: bytes[next - 3], start: at, data: next, end });
    at = end;
  }
  return scans;
}

function insert(bytes: Uint8Array, at: number, inserted: number[]): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(inserted), bytes.subarray(at)]);
}

/** With a marker without a meaning behind the first scan, which ends as in `intact`: then all scans are read. */
function readWhole(bytes: Uint8Array, intact = bytes): Uint8Array {
  return insert(bytes, scansOf(intact)[0].end, [0xff, 0x01]);
}

/** Pixels at an eighth of the size, or the code of the failure. */
function decodeSmall(bytes: Uint8Array, acceptTruncated = false): Uint8Array | string {
  const target = new Uint8Array(SIZE * SIZE * 3);
  return addon().decodeBytes(bytes, target, { ...OPTIONS, size: SIZE, acceptTruncated })?.code ?? target;
}

/** The same file with other data in the luma's scans of all but the means. */
function withDamagedDetail(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const { components, spectralStart, data, end } of scansOf(bytes)) {
    if (components[0] === 1 && spectralStart > 0) copy.fill(0x55, data, end - 4);
  }
  return copy;
}

test("scans that a small result does not depend on are left out without changing a pixel", NEEDS_ADDON, async () => {
  for (const options of [{ chromaSubsampling: "4:4:4" }, { chromaSubsampling: "4:2:0" }, { quality: 30 }]) {
    const bytes = await progressive(options);
    assert.ok(scansOf(bytes).length > 5);
    const expected = decodeSmall(readWhole(bytes));
    assert.ok(expected instanceof Uint8Array);
    assert.deepEqual(decodeSmall(bytes), expected);
    assert.deepEqual(decodeRgb(readWhole(bytes)), decodeRgb(bytes));
  }
});

test("damage in a scan that is left out is not noticed, and changes nothing", NEEDS_ADDON, async () => {
  for (const chromaSubsampling of ["4:4:4", "4:2:0"]) {
    const bytes = await progressive({ chromaSubsampling });
    const damaged = withDamagedDetail(bytes);
    assert.deepEqual(decodeSmall(damaged), decodeSmall(bytes));
    const whole = addon().decodeFull(damaged, OPTIONS);
    assert.equal("code" in whole && whole.code, "CORRUPT");
    assert.equal(decodeSmall(readWhole(damaged, bytes)), "CORRUPT");
  }
});

test("damage that looks like a marker has the whole file read", NEEDS_ADDON, async () => {
  const bytes = await progressive();
  const detail = scansOf(bytes).find(({ spectralStart }) => spectralStart > 0)!;
  const middle = (detail.data + detail.end) >> 1;
  for (const marker of [0x3b, 0xc0, 0xd8, 0xf0, 0xd9]) {
    const damaged = insert(bytes, middle, [0xff, marker]);
    assert.equal(typeof decodeSmall(damaged), "string", marker.toString(16));
    const accepted = decodeSmall(damaged, true);
    assert.deepEqual(accepted, decodeSmall(readWhole(damaged, bytes), true), marker.toString(16));
  }
});

test("a progressive file cut short at any length is rejected at any size", NEEDS_ADDON, async () => {
  const bytes = await progressive();
  for (let length = 200; length < bytes.length; length += 97) {
    assert.equal(decodeSmall(bytes.subarray(0, length)), "TRUNCATED", `cut at ${length} of ${bytes.length}`);
  }
  assert.equal(decodeSmall(bytes.subarray(0, -2)), "TRUNCATED");
});

test("a progression that ends before the last bit is smoothed as libjpeg does", NEEDS_ADDON, async () => {
  const bytes = await progressive({ chromaSubsampling: "4:4:4" });
  const scans = scansOf(bytes);
  for (const count of [1, 2, scans.length - 1]) {
    const early = Buffer.concat([bytes.subarray(0, scans[count].start), Buffer.from([0xff, 0xd9])]);
    const expected = decodeSmall(readWhole(early, bytes));
    assert.ok(expected instanceof Uint8Array);
    assert.deepEqual(decodeSmall(early), expected);
  }
});
