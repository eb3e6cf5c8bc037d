import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { loadAddon } from "../../src/addon.js";
import { DECODE_DEFAULTS, isFailure } from "../../src/decode/decoder.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { encodeTile } from "../../src/synth/encode.js";
import { renderTile } from "../../src/synth/render.js";
import { needsShared, SHARED } from "../helpers.js";

const needsAddon = loadAddon() === undefined ? { skip: "the addon is not built" } : {};

/** Segments before the entropy-coded data, and what follows EOI. */
function dissect(bytes: Buffer) {
  const segments: { marker: number; body: Buffer }[] = [];
  let at = 2;
  for (;;) {
    const marker = bytes[at + 1];
    const length = bytes.readUInt16BE(at + 2);
    segments.push({ marker, body: bytes.subarray(at + 4, at + 2 + length) });
    at += 2 + length;
    if (marker === 0xda) {
      break;
    }
  }
  const end = bytes.indexOf(Buffer.from([0xff, 0xd9]), at) + 2;
  return { segments, end, trailer: bytes.subarray(end) };
}

function body(file: ReturnType<typeof dissect>, marker: number): string[] {
  return file.segments.filter((segment) => segment.marker === marker).map((segment) => segment.body.toString("hex"));
}

// As docs/synth.md describes Planet's files: one table, the standard's for luminance at libjpeg's quality 75, in zigzag order; baseline,
// 256 x 256, four components with ids 0 to 3, all sampled 1 x 1; one scan with tables 0; no APPn.
const PLANET_SEGMENTS = {
  db:
    "0008060607060508070707090908" +
    "0a0c140d0c0b0b0c1912130f141d1a1f1e1d1a1c1c20242e2720222c231c1c2837292c30313434341f27393d38323c2e333432",
  c0: "080100010004001100011100021100031100",
  da: "040000010002000300003f00",
};

test("a tile has Planet's tables, frame and scan, and no other markers than Huffman tables", needsAddon, async () => {
  const made = dissect(Buffer.from(await encodeTile(renderTile(1, 0).rgba, 256)));
  for (const [marker, expected] of Object.entries(PLANET_SEGMENTS)) {
    assert.deepEqual(body(made, Number.parseInt(marker, 16)), [expected], marker);
  }
  const markers = new Set(made.segments.map(({ marker }) => marker.toString(16)));
  assert.deepEqual([...markers].sort(), ["c0", "c4", "da", "db"]);
});

test("a tile has the structure of real files of Planet's", {
  ...needsAddon,
  ...needsShared("planet-sample"),
}, async () => {
  const folder = join(SHARED, "planet-sample/tiles");
  const real = dissect(readFileSync(join(folder, readdirSync(folder)[0])));
  const made = dissect(Buffer.from(await encodeTile(renderTile(1, 0).rgba, 256)));
  for (const marker of [0xdb, 0xc0, 0xda]) {
    assert.deepEqual(body(made, marker), body(real, marker), `marker ${marker.toString(16)}`);
  }
  const markers = (file: typeof made) => [...new Set(file.segments.map((segment) => segment.marker))].sort();
  assert.deepEqual(markers(made), markers(real));
  assert.deepEqual(made.trailer.subarray(0, -4), real.trailer.subarray(0, -4));
  assert.equal(made.trailer.length, 35);
});

test("the trailer is a packed mask of valid pixels and the length of the JPEG", needsAddon, async () => {
  const { trailer, end } = dissect(Buffer.from(await encodeTile(renderTile(1, 1).rgba, 256)));
  assert.deepEqual(inflateSync(trailer.subarray(0, -4)), Buffer.alloc(8192, 255));
  assert.equal(trailer.readUInt32LE(trailer.length - 4), end);
});

test("pixels survive the encoding within a JPEG's error", async () => {
  const { rgba } = renderTile(1, 2);
  const pixels = await decode(await encodeTile(rgba, 256));
  let error = 0;
  for (let i = 0; i < 65536; i++) {
    for (let channel = 0; channel < 3; channel++) {
      error += Math.abs(pixels[i * 3 + channel] - rgba[i * 4 + channel]);
    }
  }
  assert.ok(error / (3 * 65536) < 3, `mean error ${error / (3 * 65536)}`);
});

async function decode(bytes: Uint8Array): Promise<Uint8Array> {
  const image = await readBytesWithSharp(bytes, DECODE_DEFAULTS);
  assert.ok(!isFailure(image));
  return image.pixels;
}
