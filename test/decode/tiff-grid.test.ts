/** The whole grid: bands, sample types, order, blocks, photometric and compression, each against a formula. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFailure } from "../../src/decode/decoder.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { type SampleType, type TiffOptions, writeTiff } from "../raster/write-tiff.js";

const [WIDTH, HEIGHT] = [7, 5];
const [MIN_IS_WHITE, MIN_IS_BLACK, RGB] = [0, 1, 2];
const COMPRESSIONS = ["none", "lzw", "deflate", "packbits", "zstd"] as const;

/** By type: the samples that become 0 and 255, and whether they must be told. */
const TYPES: Record<SampleType, { low: number; high: number; told: boolean }> = {
  uint8: { low: 0, high: 255, told: false },
  uint16: { low: 0, high: 65535, told: false },
  uint32: { low: 7, high: 4e9, told: true },
  int8: { low: -128, high: 127, told: true },
  int16: { low: -9000, high: 9000, told: true },
  int32: { low: -2e9, high: 2e9, told: true },
  float32: { low: -1, high: 1, told: true },
  float64: { low: 0, high: 1e-5, told: true },
};

function* grid(type: SampleType): Generator<TiffOptions> {
  const { low, high } = TYPES[type];
  const at: TiffOptions["at"] = (band, x, y) => {
    const value = low + (((x * 7 + y * 13 + band * 29 + x * y) % 101) / 100) * (high - low);
    if (type === "float32") return Math.fround(value);
    return type === "float64" ? value : Math.round(value);
  };
  for (let bands = 1; bands <= 13; bands++) {
    for (const planar of [false, true]) {
      for (const tile of [{}, { tile: 16 }]) {
        for (const compression of COMPRESSIONS) {
          for (const photometric of [MIN_IS_WHITE, MIN_IS_BLACK, ...(bands >= 3 ? [RGB] : [])]) {
            yield { ...{ width: WIDTH, height: HEIGHT, bands, type, at, planar, compression, photometric }, ...tile };
          }
        }
      }
    }
  }
}

function expected({ type, bands, at, photometric }: TiffOptions): number[] {
  const { low, high } = TYPES[type];
  return Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const sample = at(bands < 3 ? 0 : i % 3, pixel % WIDTH, Math.floor(pixel / WIDTH));
    const level = Math.max(0, Math.min(255, Math.floor(((sample - low) * 255) / (high - low) + 0.5)));
    return photometric === MIN_IS_WHITE ? 255 - level : level;
  });
}

for (const type of Object.keys(TYPES) as SampleType[]) {
  test(`every TIFF of ${type} is its bands, or wants to be told their range`, async () => {
    const { low, high, told } = TYPES[type];
    const stretch = told ? ([[low, high]] as const) : null;
    let count = 0;
    for (const tiff of grid(type)) {
      const what = JSON.stringify(tiff);
      const bytes = writeTiff(tiff);
      const options = { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject", bands: null } as const;
      const image = await readBytesWithSharp(bytes, { ...options, stretch });
      assert.ok(!isFailure(image), `${what}: ${JSON.stringify(image)}`);
      assert.deepEqual(Array.from(image.pixels), expected(tiff), what);
      if (!told || count++ > 20) continue;
      const refusal = await readBytesWithSharp(bytes, { ...options, stretch: null });
      assert.ok(
        isFailure(refusal) && /no reader can know: inspect, fix or train with `stretch`/.test(refusal.message),
        what,
      );
    }
  });
}
