import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { makeThumbnail } from "../../src/report/thumbnail.js";

async function decode(source: string) {
  const [head, body] = source.split(",");
  assert.equal(head, "data:image/webp;base64");
  return sharp(Buffer.from(body, "base64")).removeAlpha().raw().toBuffer({ resolveWithObject: true });
}

test("a thumbnail keeps the colours and has at most 224 pixels per side", async () => {
  const pixels = Uint8Array.from({ length: 256 * 256 * 3 }, (_, i) => [40, 90, 60][i % 3]);
  const { data, info } = await decode(await makeThumbnail(pixels, 256));
  assert.deepEqual([info.width, info.height], [224, 224]);
  assert.ok([40, 90, 60].every((value, channel) => Math.abs(data[3000 + channel] - value) <= 4));
});

test("a small tile is not enlarged", async () => {
  const { info } = await decode(await makeThumbnail(new Uint8Array(16 * 16 * 3), 16));
  assert.deepEqual([info.width, info.height], [16, 16]);
});

test("a tile of noise still takes only a few kilobytes", async () => {
  let state = 1;
  const pixels = Uint8Array.from({ length: 256 * 256 * 3 }, () => {
    state = Math.imul(state, 48271) % 0x7fffffff;
    return state & 255;
  });
  assert.ok((await makeThumbnail(pixels, 256)).length < 20_000);
});

test("a size that is not a positive integer is refused", async () => {
  await assert.rejects(makeThumbnail(new Uint8Array(3), 0.5), RangeError);
});
