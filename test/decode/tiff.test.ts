import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isFailure, type PictureOptions, type RgbImage } from "../../src/decode/decoder.js";
import { sampleRasters } from "../../src/decode/sample-rasters.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { fileTile } from "../../src/tiles/names.js";
import { needsShared, SHARED, temporaryFolder } from "../helpers.js";
import { encode, gradient } from "../images.js";
import { type SampleType, type TiffOptions, writeTiff } from "../raster/write-tiff.js";

const OPTIONS: PictureOptions = {
  colorspace: "auto",
  maxPixels: 1e6,
  onTruncated: "reject",
  bands: null,
  stretch: null,
};
const [WIDTH, HEIGHT] = [37, 21];

async function read(bytes: Uint8Array, options: Partial<PictureOptions> = {}): Promise<RgbImage> {
  const image = await readBytesWithSharp(bytes, { ...OPTIONS, ...options });
  assert.ok(!isFailure(image), JSON.stringify(image));
  return image;
}

async function failureOf(bytes: Uint8Array, options: Partial<PictureOptions> = {}) {
  const failure = await readBytesWithSharp(bytes, { ...OPTIONS, ...options });
  assert.ok(isFailure(failure), "it was read");
  return failure;
}

/** A share of the range, from 0 to 1, other for each band and without a pattern that a wrong order would repeat. */
const share = (band: number, x: number, y: number): number => ((x * 7 + y * 13 + band * 29 + x * y) % 101) / 100;

/** By type: the samples for shares 0 and 1, and the stretch that makes them 0 and 255. */
const RANGES: Record<SampleType, { range: [number, number]; stretch: [number, number] | null }> = {
  uint8: { range: [0, 255], stretch: null },
  uint16: { range: [0, 65535], stretch: null },
  uint32: { range: [1000, 4e9], stretch: [1000, 4e9] },
  int8: { range: [-100, 100], stretch: [-100, 100] },
  int16: { range: [-20000, 20000], stretch: [-20000, 20000] },
  int32: { range: [-2e9, 2e9], stretch: [-2e9, 2e9] },
  float32: { range: [-1.5, 3], stretch: [-1.5, 3] },
  float64: { range: [0, 1e-3], stretch: [0, 1e-3] },
};

function sampleOf(type: SampleType, band: number, x: number, y: number): number {
  const [low, high] = RANGES[type].range;
  const value = low + share(band, x, y) * (high - low);
  if (type === "float32") return Math.fround(value);
  return type === "float64" ? value : Math.round(value);
}

const level = (value: number, [low, high]: readonly [number, number]): number =>
  value <= low ? 0 : value >= high ? 255 : Math.floor(((value - low) * 255) / (high - low) + 0.5);

function expected(options: TiffOptions, bands: readonly number[], range: readonly [number, number]): number[] {
  const pixels: number[] = [];
  for (let y = 0; y < options.height; y++) {
    for (let x = 0; x < options.width; x++) {
      for (let c = 0; c < 3; c++) pixels.push(level(options.at(bands[bands.length === 1 ? 0 : c] - 1, x, y), range));
    }
  }
  return pixels;
}

const COMPRESSIONS = ["none", "lzw", "deflate", "packbits", "zstd"] as const;
const COUNTS = [1, 2, 3, 4, 5, 6, 8, 13];

for (const type of Object.keys(RANGES) as SampleType[]) {
  test(`bands of ${type} are read by their own rules, whatever their number, order, blocks and compression`, async () => {
    let turn = 0;
    for (const bands of COUNTS) {
      for (const planar of [false, true]) {
        for (const tile of [undefined, 16]) {
          turn++;
          const compression = COMPRESSIONS[turn % COMPRESSIONS.length];
          const predictors = type.startsWith("float") ? [1, 3] : type === "int8" ? [1] : [1, 2];
          const tiff: TiffOptions = {
            ...{ width: WIDTH, height: HEIGHT, bands, type, planar, compression },
            ...(tile && { tile }),
            at: (band, x, y) => sampleOf(type, band, x, y),
            predictor:
              compression === "none" || compression === "packbits" ? 1 : (predictors[turn % predictors.length] as 1),
            bigEndian: turn % 3 === 0,
            big: turn % 4 === 0,
            photometric: bands >= 3 && turn % 2 === 0 ? 2 : 1,
          };
          const { range, stretch } = RANGES[type];
          const image = await read(writeTiff(tiff), { stretch: stretch && [stretch] });
          const what = JSON.stringify(tiff);
          assert.deepEqual([image.width, image.height], [WIDTH, HEIGHT], what);
          assert.deepEqual(Array.from(image.pixels), expected(tiff, bands < 3 ? [1] : [1, 2, 3], range), what);
        }
      }
    }
  });
}

test("samples of fewer bits than a byte, or more than one and fewer than two, have their own range", async () => {
  for (const bits of [1, 2, 3, 4, 5, 7, 9, 10, 12, 14, 15]) {
    const top = 2 ** bits - 1;
    const tiff: TiffOptions = {
      ...{ width: WIDTH, height: HEIGHT, bands: 3, bits, type: "uint16", bigEndian: bits % 2 === 1 },
      at: (band, x, y) => Math.round(share(band, x, y) * top),
    };
    assert.deepEqual(
      Array.from((await read(writeTiff(tiff))).pixels),
      expected(tiff, [1, 2, 3], [0, top]),
      `${bits} bits`,
    );
  }
});

const uint16: TiffOptions = {
  ...{ width: 9, height: 7, bands: 5, type: "uint16" },
  at: (band, x, y) => 100 * band + 10 * x + y,
};

test("`bands` chooses and orders, one band is gray, and a band that is missing is named with how many there are", async () => {
  const bytes = writeTiff(uint16);
  const stretch: [number, number][] = [[0, 500]];
  for (const bands of [[5, 2, 1], [4]]) {
    const { pixels, raster } = await read(bytes, { bands, stretch });
    assert.deepEqual(Array.from(pixels), expected(uint16, bands, [0, 500]));
    assert.deepEqual(raster?.bands, bands);
  }
  const { code, message } = await failureOf(bytes, { bands: [6, 1, 2] });
  assert.equal(code, "FORMAT");
  assert.match(message, /band 6.* has 5/);
});

test("`bands` orders the channels of every other picture, and asks for none that it lacks", async () => {
  const pixels = gradient(12, 3);
  for (const format of ["png", "webp", "tiff"] as const) {
    const file = await encode(pixels, 12, 3, format);
    const turned = (await read(file, { bands: [3, 1, 2] })).pixels;
    assert.deepEqual(
      Array.from(turned),
      Array.from(pixels, (_, i) => pixels[i - (i % 3) + [2, 0, 1][i % 3]]),
      format,
    );
    assert.match((await failureOf(file, { bands: [4, 3, 2] })).message, /band 4/, format);
  }
  const png = await encode(pixels, 12, 3, "png");
  assert.match((await failureOf(png, { stretch: [[0, 10]] })).message, /`stretch` is for the samples of a TIFF/);
});

test("a stretch of each band is that band's", async () => {
  const stretch: [number, number][] = [
    [0, 100],
    [100, 300],
    [0, 1000],
  ];
  const { pixels } = await read(writeTiff(uint16), { stretch });
  assert.deepEqual(
    Array.from(pixels),
    Array.from(pixels, (_, i) => level(uint16.at(i % 3, Math.floor(i / 3) % 9, Math.floor(i / 27)), stretch[i % 3])),
  );
});

test("samples without a range that a reader can know are refused, with what they are and what to give", async () => {
  for (const type of ["int8", "int16", "uint32", "int32", "float32", "float64"] as const) {
    const { code, message } = await failureOf(writeTiff({ ...uint16, type, at: (band, x) => band + x }));
    assert.equal(code, "FORMAT", type);
    assert.match(message, new RegExp(`${type} samples.*inspect, fix or train with \`stretch\``));
  }
});

test("nodata and NaN are black where samples are scaled, infinity is the end of the range", async () => {
  const values = [0, -9999, Number.NaN, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const at = (_: number, x: number) => values[x];
  const tiff: TiffOptions = { width: 6, height: 1, bands: 1, type: "float32", at, nodata: "-9999" };
  const { pixels, raster } = await read(writeTiff(tiff), { stretch: [[-10000, 1]] });
  assert.deepEqual(
    Array.from(pixels).filter((_, i) => i % 3 === 0),
    [255, 0, 0, 255, 255, 0],
  );
  assert.deepEqual(raster?.values, { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY });
});

test("MinIsWhite is turned round, a palette is its colours, alpha is no colour", async () => {
  const gray: TiffOptions = { ...uint16, bands: 1, photometric: 0 };
  const { pixels } = await read(writeTiff(gray), { stretch: [[0, 100]] });
  assert.deepEqual(
    Array.from(pixels),
    expected(gray, [1], [0, 100]).map((value) => 255 - value),
  );
  const colours = Array.from({ length: 3 * 256 }, (_, i) => ((i * 37) % 256) * 257);
  const indexed: TiffOptions = { width: 8, height: 8, bands: 1, type: "uint8", at: (_, x, y) => x * 31 + y };
  const image = await read(writeTiff({ ...indexed, compression: "zstd", photometric: 3, tags: [[320, colours]] }));
  assert.deepEqual(
    Array.from(image.pixels),
    Array.from(
      image.pixels,
      (_, i) => colours[(i % 3) * 256 + indexed.at(0, Math.floor(i / 3) % 8, Math.floor(i / 24))] >> 8,
    ),
  );
  const alpha: TiffOptions = { ...uint16, bands: 3, tags: [[338, [0, 2]]] };
  assert.deepEqual((await read(writeTiff(alpha))).raster?.bands, [1]);
});

test("codes tell the truth: cut off, damaged, or sound and of a kind that is not read", async () => {
  const whole = writeTiff({ ...uint16, compression: "deflate", width: 64, height: 64, tile: 32 });
  assert.equal((await failureOf(whole.subarray(0, whole.length - 40))).code, "TRUNCATED");
  assert.equal((await failureOf(whole.subarray(0, 60))).code, "TRUNCATED");
  const damaged = Buffer.from(whole);
  damaged.fill(0xff, whole.length - 300, whole.length - 200);
  assert.equal((await failureOf(damaged)).code, "CORRUPT");
  for (const [compression, name] of [
    [34925, "LZMA"],
    [50001, "WebP"],
    [34712, "JPEG 2000"],
  ] as const) {
    const other = writeTiff(uint16);
    other.writeUInt16LE(compression, other.indexOf(Buffer.from([3, 1, 3, 0, 1, 0, 0, 0])) + 8);
    const { code, message } = await failureOf(other);
    assert.deepEqual([code, message.includes(name)], ["FORMAT", true], message);
  }
  const complex = writeTiff({ ...uint16, type: "float32", bands: 1, tags: [[339, [6]]] });
  assert.match((await failureOf(complex, { stretch: [[0, 1]] })).message, /complex32 samples is not read/);
  assert.match((await failureOf(complex)).message, /complex32 samples is not read/);
  const lab = await failureOf(writeTiff({ ...uint16, type: "uint8", bands: 3, at: (_, x) => x, photometric: 8 }));
  assert.deepEqual([lab.code, lab.message.includes("CIELab")], ["FORMAT", true]);
  assert.equal((await failureOf(whole, { maxPixels: 4095 })).code, "LIMIT");
});

test("what GDAL wrote comes out as GDAL reads it", needsShared("cases"), async () => {
  const folder = join(SHARED, "cases/01-tiff-minisblack");
  const control = await read(readFileSync(join(folder, "f_same_with_photometric_rgb.tif")));
  for (const name of ["a_gdal_default_uint16_3band", "b_gdal_uint16_3band_interleave_band", "c_gdal_uint8_5band"]) {
    const { pixels } = await read(readFileSync(join(folder, `${name}.tif`)));
    assert.deepEqual(pixels, control.pixels, name);
  }
  for (const name of ["lerc", "zstd", "tiled_band"]) {
    const { pixels } = await read(readFileSync(join(SHARED, `cases/16-wrong-reject-codes/${name}.tif`)));
    assert.deepEqual(Array.from(pixels.subarray(0, 6)), [40, 90, 200, 43, 90, 199], name);
  }
});

/** `file` with the only value of `tag` changed; type 4 is a whole number, 9 one with a sign. */
function withTag(file: Buffer, tag: number, value: number, type = 4): Buffer {
  const changed = Buffer.from(file);
  const directory = changed.readUInt32LE(4);
  for (let i = 0; i < changed.readUInt16LE(directory); i++) {
    const entry = directory + 2 + 12 * i;
    if (changed.readUInt16LE(entry) !== tag) continue;
    changed.writeUInt16LE(type, entry + 2);
    changed.writeUInt32LE(1, entry + 4);
    changed.writeInt32LE(value | 0, entry + 8);
  }
  return changed;
}

test("a TIFF of some bytes whose blocks would fill the memory is rejected before they are read", async (t) => {
  const small = writeTiff({ width: 20, height: 20, bands: 13, type: "uint16", tile: 32, at: () => 1 });
  const holes = withTag(withTag(small, 322, 60_000), 323, 60_000);
  const lines = withTag(withTag(small, 256, 30_000_000), 322, 30_000_000);
  for (const bytes of [holes, lines]) {
    for (const tag of [324, 325]) {
      const failure = await failureOf(withTag(bytes, tag, 0), { maxPixels: 2 ** 25 });
      assert.equal(failure.code, "LIMIT", failure.message);
    }
    const path = join(temporaryFolder(t), "bomb.tif");
    writeFileSync(path, withTag(bytes, 324, 0));
    assert.deepEqual(await sampleRasters([fileTile(path)], { bands: null, most: 1 }), []);
  }
});

test("a TIFF of samples with fewer bits than none is rejected", async () => {
  const file = writeTiff({ width: 20, height: 20, bands: 1, type: "uint16", tile: 32, at: () => 1 });
  for (const bits of [-1, -16, -536_592]) {
    const { code, message } = await failureOf(withTag(file, 258, bits, 9), { stretch: [[0, 9]] });
    assert.ok(code === "FORMAT" && /samples is not read/.test(message), message);
  }
});
