/** Files of hundreds of megabytes, all holes but for their beginnings: what those say is known without reading on. */
import assert from "node:assert/strict";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import sharp from "sharp";
import { loadAddon } from "../../src/addon.js";
import { readTileBytes } from "../../src/decode/bytes.js";
import { DECODE_DEFAULTS, type DecodeFailure, isFailure, type PictureOptions } from "../../src/decode/decoder.js";
import { readFullTile } from "../../src/decode/full.js";
import { refuseHead } from "../../src/decode/head.js";
import { nativeOptions } from "../../src/decode/native.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { temporaryFolder } from "../helpers.js";

const LIMITS = { colorspace: "auto", maxPixels: 1000, onTruncated: "reject" } as const;
/** More than is ever read whole. */
const HUGE = 300 << 20;

function hugeFile(t: TestContext, start: Uint8Array | string): string {
  const path = join(temporaryFolder(t), "huge.png");
  writeFileSync(path, start);
  truncateSync(path, HUGE);
  return path;
}

test("a huge file that is no picture is named, not measured", async (t) => {
  const failure = (await readFullTile({ path: hugeFile(t, "version https://git-lfs") }, LIMITS)) as DecodeFailure;
  assert.equal(failure.code, "FORMAT");
  assert.match(failure.message, /Git LFS/);
});

const picture = (channels: 3 | 4) =>
  sharp({ create: { width: 40, height: 30, channels, background: { r: 200, g: 90, b: 10, alpha: 0.5 } } });

for (const [what, encoded] of [
  ["PNG", picture(3).png()],
  ["GIF", picture(3).gif()],
  ["lossy WebP", picture(3).webp()],
  ["lossless WebP", picture(3).webp({ lossless: true })],
  ["WebP with transparency", picture(4).webp()],
] as const) {
  test(`a ${what} with too many pixels is refused by its header, as it is by its decoder`, async (t) => {
    const picture = await encoded.toBuffer();
    const path = hugeFile(t, picture);
    const failure = await readFullTile({ path }, LIMITS);
    assert.deepEqual(failure, await readBytesWithSharp(picture, LIMITS));
    assert.equal((failure as DecodeFailure).code, "LIMIT");
    const least: PictureOptions = { ...LIMITS, maxPixels: 1200 };
    assert.equal(refuseHead(picture, least), undefined);
    assert.match(((await readFullTile({ path }, least)) as DecodeFailure).message, /File of \d+ bytes exceeds/);
  });
}

test("a JPEG with too many pixels is refused by its header", { skip: loadAddon() === undefined }, async (t) => {
  const path = hugeFile(t, await picture(3).jpeg().withMetadata().toBuffer());
  const decode = (maxPixels: number) =>
    loadAddon()!.decodeFiles([{ path }], new Uint8Array(3), {
      ...nativeOptions({ ...DECODE_DEFAULTS, size: 1, maxPixels }),
    });
  assert.match(decode(1000)?.[0]?.message ?? "", /^Image of 40x30 pixels exceeds the limit of 1000 pixels/);
  assert.match(decode(1200)?.[0]?.message ?? "", /^File of \d+ bytes exceeds/);
});

test("no more is read of a refused file than its beginning, and all of any other", (t) => {
  const path = hugeFile(t, "text");
  truncateSync(path, 1 << 20);
  const seen: number[] = [];
  const refuse = (head: Uint8Array): DecodeFailure | undefined => {
    seen.push(head.length);
    return undefined;
  };
  const bytes = readTileBytes({ path }, refuse);
  assert.ok(!isFailure(bytes) && bytes.length === 1 << 20);
  readTileBytes({ path, byteLength: 1000 }, refuse);
  assert.deepEqual(seen, [64 << 10]);
});
