/** JPEGs of four components that no marker explains. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import sharp from "sharp";
import { isFailure } from "../../src/decode/decoder.js";
import { readFull } from "../../src/decode/full.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { adobe, JFIF, joinComponents } from "../jpeg-parts.js";

const [WIDTH, HEIGHT] = [48, 32];
const OPTIONS = { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject" } as const;

/** A gray JPEG of smooth samples. */
function plane(shrunk: number, at: (x: number, y: number) => number): Promise<Buffer> {
  const [width, height] = [WIDTH / shrunk, HEIGHT / shrunk];
  const samples = Uint8Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width)));
  return sharp(samples, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .jpeg({ quality: 90, optimizeCoding: false })
    .toBuffer();
}

async function components(shrunk: number, alpha: (x: number) => number) {
  const chroma = shrunk === 1 ? ([2, 2] as const) : ([1, 1] as const);
  return [
    { gray: await plane(1, (x, y) => 40 + 3 * x + 2 * y), sampling: [2, 2] as const },
    { gray: await plane(shrunk, (x) => 90 + shrunk * x), sampling: chroma },
    { gray: await plane(shrunk, (_, y) => 190 - 2 * shrunk * y), sampling: chroma },
    { gray: await plane(1, (x) => alpha(x)), sampling: [2, 2] as const },
  ];
}

/** Pixels and reading by the addon, and by sharp alone. */
async function readBoth(jpeg: Buffer) {
  const images = [await readFull(jpeg, OPTIONS), await readBytesWithSharp(jpeg, OPTIONS)];
  return images.map((image) => {
    assert.ok(!isFailure(image), JSON.stringify(image));
    return { pixels: image.pixels, reading: image.reading };
  });
}

describe("a JPEG of four components", () => {
  for (const [name, alpha] of [
    ["255 everywhere", () => 255],
    ["from 255 to 0", (x: number) => 255 - 5 * x],
  ] as const) {
    it(`is YCbCr with alpha where chroma is subsampled, with an alpha of ${name}`, async () => {
      const all = await components(2, alpha);
      const size = [WIDTH, HEIGHT] as const;
      const expected = await readBoth(joinComponents(size, all.slice(0, 3), { markers: [JFIF] }));
      const found = await readBoth(joinComponents(size, all));
      for (const [i, { reading, pixels }] of found.entries()) {
        assert.equal(reading, "ycbcr");
        assert.ok(Buffer.from(pixels).equals(Buffer.from(expected[i].pixels)));
      }
      assert.ok(new Set(found[0].pixels).size > 50);
    });
  }

  it("is as before with an Adobe marker, and where nothing is subsampled", async () => {
    const marked = joinComponents([WIDTH, HEIGHT], await components(2, () => 255), { markers: [adobe(2)] });
    for (const { reading } of await readBoth(marked)) assert.equal(reading, "ycck");
    const plain = joinComponents([WIDTH, HEIGHT], await components(1, () => 255));
    for (const { reading } of await readBoth(plain)) assert.equal(reading, "rgb+constant-alpha");
  });
});
