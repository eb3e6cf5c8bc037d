import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isFailure } from "../../src/decode/decoder.js";
import { readFull } from "../../src/decode/full.js";
import { HEIGHT, INPUTS, type PictureInput, WIDTH } from "./inputs.js";

const OPTIONS = { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject" } as const;

describe("a picture", () => {
  INPUTS.forEach((input, i) => {
    it(`${i + 1}: ${input.what}${input.said === undefined ? "" : `, with ${input.said}`}`, () => check(input));
  });
});

async function check({ bytes, options, gives }: PictureInput): Promise<void> {
  const image = await readFull(Buffer.from(await bytes()), { ...OPTIONS, ...options });
  if ("code" in gives) {
    assert.ok(isFailure(image), "it was read");
    assert.equal(image.code, gives.code, image.message);
    assert.match(image.message, gives.message);
    return;
  }
  assert.ok(!isFailure(image), JSON.stringify(image));
  assert.deepEqual([image.width, image.height], [WIDTH, HEIGHT]);
  for (const [i, level] of image.pixels.entries()) {
    const [channel, x, y] = [i % 3, Math.floor(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH)];
    const expected = gives.levels(channel, x, y);
    const difference = Math.abs(level - expected);
    assert.ok(difference <= gives.tolerance, `${level}, not ${expected}, channel ${channel} at ${x}, ${y}`);
  }
}
