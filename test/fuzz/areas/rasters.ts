/** TIFFs that canopy reads itself: as many pixels as it says, or a reason. */
import assert from "node:assert/strict";
import { DECODE_DEFAULTS, type DecodeFailure, isFailure } from "../../../src/decode/decoder.js";
import { readTiff } from "../../../src/decode/tiff.js";
import { type TiffOptions, writeTiff } from "../../raster/write-tiff.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = ["II*\0", "MM\0*", "II+\0", "\x00\x01\x03\x00", "\x01\x01\x04\x00", "\x11\x01\x04\x00"];

export function rasterArea(): Area {
  const plain: TiffOptions = { width: 20, height: 13, bands: 3, type: "uint16", at: (b, x, y) => 999 * b + 7 * x * y };
  const kinds: Partial<TiffOptions>[] = [
    ...[{}, { planar: true }, { tile: 16 }, { bigEndian: true }, { big: true }, { nodata: "7" }, { bits: 12 }],
    ...(["lzw", "deflate", "packbits", "zstd"] as const).map((compression) => ({ compression, tile: 16 })),
    { compression: "lzw", bands: 5, predictor: 2 },
    { compression: "deflate", type: "float32", predictor: 3 },
  ];
  const seeds = kinds.map((kind) => ({ name: "a.tif", bytes: writeTiff({ ...plain, ...kind }) }));
  return { seeds, words: WORDS, read };
}

async function read({ bytes }: Seed): Promise<string> {
  const photograph: DecodeFailure = { code: "FORMAT", message: "a photograph" };
  const options = { ...DECODE_DEFAULTS, maxPixels: 1 << 22, workPixels: 1 << 25, stretch: [[0, 3000]] as const };
  const image = await readTiff(bytes, options, async () => photograph);
  if (isFailure(image)) {
    assert.ok(!/\p{Cc}/u.test(image.message), JSON.stringify(image.message));
    return `${image.code} ${kindOf(image.message)}`;
  }
  assert.equal(image.pixels.length, image.width * image.height * 3);
  const { kind, bits, bands, planar, compression } = image.raster?.info ?? ({} as never);
  return JSON.stringify([kind, bits, bands, planar, compression]);
}
