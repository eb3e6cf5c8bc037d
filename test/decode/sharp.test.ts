import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { loadAddon } from "../../src/addon.js";
import { COLORSPACES, DECODE_DEFAULTS, isFailure, type RgbImage } from "../../src/decode/decoder.js";
import { nativeOptions } from "../../src/decode/native.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { GOLDENS, pictureNames, readPng } from "../goldens.js";
import { needsShared, SHARED } from "../helpers.js";
import { encode, gradient, largestDifference } from "../images.js";

const LIMITS = { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject" } as const;

async function read(
  bytes: Uint8Array,
  options: Partial<Parameters<typeof readBytesWithSharp>[1]> = {},
): Promise<RgbImage> {
  const image = await readBytesWithSharp(bytes, { ...LIMITS, ...options });
  assert.ok(!isFailure(image), JSON.stringify(image));
  return image;
}

async function failureOf(bytes: Uint8Array, options: Partial<Parameters<typeof readBytesWithSharp>[1]> = {}) {
  const failure = await readBytesWithSharp(bytes, { ...LIMITS, ...options });
  assert.ok(isFailure(failure), "it was read");
  return failure;
}

/** A baseline TIFF with any number of interleaved bands of 8 or 16 bits, which sharp cannot write. */
function multiBandTiff(samples: Uint8Array | Uint16Array, size: number, bands: number, inks = false): Buffer {
  const bits = samples.BYTES_PER_ELEMENT * 8;
  const entries = [
    [256, 3, 1, size],
    [257, 3, 1, size],
    [258, 3, bands, 200],
    [259, 3, 1, 1],
    [262, 3, 1, inks ? 5 : 2],
    [273, 4, 1, 300],
    [277, 3, 1, bands],
    [278, 3, 1, size],
    [279, 4, 1, samples.byteLength],
    [284, 3, 1, 1],
    ...(inks ? [] : [[338, 3, bands - 3, 250]]),
  ];
  const file = Buffer.alloc(300 + samples.byteLength);
  file.write("II*\0", "latin1");
  file.writeUInt32LE(8, 4);
  file.writeUInt16LE(entries.length, 8);
  for (const [i, [tag, type, count, value]] of entries.entries()) {
    file.writeUInt16LE(tag, 10 + i * 12);
    file.writeUInt16LE(type, 12 + i * 12);
    file.writeUInt32LE(count, 14 + i * 12);
    file.writeUInt32LE(tag === 338 && bands - 3 <= 2 ? 0 : value, 18 + i * 12);
  }
  for (let band = 0; band < bands; band++) file.writeUInt16LE(bits, 200 + band * 2);
  file.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), 300);
  return file;
}

for (const name of pictureNames()) {
  test(`${name}.jpg comes out exactly as Pillow reads it`, async () => {
    const { pixels } = await read(readFileSync(join(GOLDENS, "pictures", `${name}.jpg`)));
    assert.deepEqual(Buffer.from(pixels), (await readPng(`pictures/${name}`)).pixels);
  });
}

test("real tiles of Planet's come out exactly as Pillow reads them", needsShared("golden"), async () => {
  const rows = readFileSync(join(SHARED, "golden/pil_rgb_sha256.csv"), "utf8").trim().split("\n").slice(1);
  for (const row of rows.filter((_, i) => i % 20 === 0)) {
    const [name, sha256] = row.trim().split(",");
    const { pixels } = await read(readFileSync(join(SHARED, `planet-sample/tiles/${name}.jpg`)));
    assert.equal(createHash("sha256").update(pixels).digest("hex"), sha256, name);
  }
});

for (const format of ["png", "webp", "tiff"] as const) {
  test(`${format} gives its own pixels`, async () => {
    const pixels = gradient(20, 3);
    assert.deepEqual(Buffer.from((await read(await encode(pixels, 20, 3, format))).pixels), pixels);
  });
}

test("alpha is dropped, not composited", async () => {
  const rgba = gradient(20, 4);
  const { pixels } = await read(await encode(rgba, 20, 4, "png"));
  const expected = Buffer.from(rgba.filter((_, i) => i % 4 !== 3));
  assert.deepEqual(Buffer.from(pixels), expected);
});

test("gray, with and without alpha, becomes three equal channels", async () => {
  for (const channels of [1, 2] as const) {
    const gray = gradient(20, channels);
    const { pixels } = await read(await encode(gray, 20, channels, "png"));
    assert.ok(pixels.every((value, i) => value === gray[Math.floor(i / 3) * channels]));
  }
});

test("samples of 16 bits are scaled over their whole range, or as they are told", async () => {
  const samples = new Uint16Array(20 * 20 * 3).map((_, i) => i * 54);
  const png = await sharp(samples, { raw: { width: 20, height: 20, channels: 3 } })
    .toColourspace("rgb16")
    .png()
    .toBuffer();
  const scaled = (low: number, high: number) => (_: number, i: number) =>
    Math.max(0, Math.min(255, Math.floor(((samples[i] - low) * 255) / (high - low) + 0.5)));
  const whole = await read(png);
  assert.deepEqual(Array.from(whole.pixels), Array.from(whole.pixels, scaled(0, 65535)));
  assert.deepEqual([whole.raster?.values, whole.raster?.bands], [{ min: 0, max: 64746 }, [1, 2, 3]]);
  const some = await read(png, { stretch: [[1000, 20000]] });
  assert.deepEqual(Array.from(some.pixels), Array.from(some.pixels, scaled(1000, 20000)));
  const turned = await read(png, { bands: [3, 3, 1] });
  assert.ok(turned.pixels.every((value, i) => value === whole.pixels[i - (i % 3) + [2, 2, 0][i % 3]]));
  assert.match((await failureOf(png, { bands: [4] })).message, /band 4, and the PNG has 3/);
  assert.equal((await failureOf(png.subarray(0, png.length - 90))).code, "TRUNCATED");
  assert.equal((await failureOf(png, { maxPixels: 399 })).code, "LIMIT");
});

for (const [bands, Type] of [
  [4, Uint8Array],
  [5, Uint8Array],
  [8, Uint8Array],
  [4, Uint16Array],
  [8, Uint16Array],
] as const) {
  test(`of a TIFF with ${bands} bands of ${Type.BYTES_PER_ELEMENT * 8} bits the first three are red, green and blue`, async () => {
    const samples = new Type(12 * 12 * bands).map((_, i) => (i * 7) % 251);
    if (samples instanceof Uint16Array) for (let i = 0; i < samples.length; i++) samples[i] = samples[i] * 256 + 5;
    const { pixels } = await read(multiBandTiff(samples, 12, bands));
    const range = Type === Uint16Array ? 257 : 1;
    const expected = Array.from(pixels, (_, i) => Math.round(samples[Math.floor(i / 3) * bands + (i % 3)] / range));
    assert.deepEqual(Array.from(pixels), expected);
  });
}

test("a colour profile in the file changes nothing", async () => {
  const pixels = gradient(20, 3);
  const image = sharp(pixels, { raw: { width: 20, height: 20, channels: 3 } });
  const png = await image.keepIccProfile().withIccProfile("p3", { attach: true }).png().toBuffer();
  const plain = await sharp(png, { ignoreIcc: true }).raw().toBuffer();
  assert.deepEqual(Buffer.from((await read(png)).pixels), plain);
});

test("what is not an image, cut off, too large or empty is an outcome that says so", async () => {
  const jpeg = await encode(gradient(64, 3), 64, 3, "jpeg");
  const png = await encode(gradient(64, 3), 64, 3, "png");
  assert.equal((await failureOf(Buffer.from("hello, I am text"))).code, "FORMAT");
  assert.equal(
    (await failureOf(Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"))).code,
    "FORMAT",
  );
  assert.equal((await failureOf(new Uint8Array(0))).code, "EMPTY");
  assert.equal((await failureOf(jpeg.subarray(0, jpeg.length - 40))).code, "TRUNCATED");
  assert.equal((await failureOf(png.subarray(0, png.length - 40))).code, "TRUNCATED");
  assert.equal((await failureOf(jpeg, { maxPixels: 4095 })).code, "LIMIT");
  assert.equal((await failureOf(png, { maxPixels: 4095 })).code, "LIMIT");
  assert.equal((await failureOf(jpeg, { colorspace: "cmyk" })).code, "COLORSPACE");
});

test("a JPEG cut at any length is an outcome, never an exception", async () => {
  const jpeg = await encode(gradient(24, 3), 24, 3, "jpeg");
  for (let length = 0; length < jpeg.length - 2; length += 7) {
    assert.ok(isFailure(await readBytesWithSharp(jpeg.subarray(0, length), LIMITS)), `cut at ${length}`);
  }
});

test("a cut-off JPEG is accepted with what could be decoded, if that is wanted", async () => {
  const jpeg = await encode(gradient(64, 3), 64, 3, "jpeg");
  const { width } = await read(jpeg.subarray(0, jpeg.length - 40), { onTruncated: "accept" });
  assert.equal(width, 64);
});

/** One JPEG of each kind: what the addon and sharp must agree on. */
async function jpegKinds(): Promise<Record<string, Buffer>> {
  const image = sharp(gradient(64, 3), { raw: { width: 64, height: 64, channels: 3 } });
  const planet = Buffer.from(loadAddon()!.encodePlanetJpeg(gradient(64, 4).fill(255, 0, 0), 64, 64, 90));
  const opaque = gradient(64, 4).map((value, i) => (i % 4 === 3 ? 255 : value));
  return {
    "4:2:0": await image.clone().jpeg({ quality: 90 }).toBuffer(),
    "4:4:4 progressive": await image
      .clone()
      .jpeg({ quality: 90, chromaSubsampling: "4:4:4", progressive: true })
      .toBuffer(),
    gray: await image.clone().toColourspace("b-w").jpeg({ quality: 90 }).toBuffer(),
    "unmarked, component 3 varies": planet,
    "unmarked, component 3 constant": Buffer.from(loadAddon()!.encodePlanetJpeg(opaque, 64, 64, 90)),
    "Adobe CMYK": withAdobe(planet, 0),
    "Adobe YCCK": withAdobe(planet, 2),
  };
}

function withAdobe(jpeg: Buffer, transform: number): Buffer {
  const marker = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, transform];
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from(marker), jpeg.subarray(2)]);
}

test("sharp and the addon read every kind of JPEG alike, in every colour space", {
  skip: loadAddon() ? false : "the addon is not built",
}, async () => {
  for (const [kind, jpeg] of Object.entries(await jpegKinds())) {
    for (const colorspace of COLORSPACES) {
      const native = loadAddon()!.decodeFull(jpeg, nativeOptions({ ...DECODE_DEFAULTS, size: 64, colorspace }));
      const ours = await readBytesWithSharp(jpeg, { ...LIMITS, colorspace });
      if (isFailure(native)) assert.equal((ours as { code?: string }).code, native.code, `${kind} as ${colorspace}`);
      else {
        assert.ok(!isFailure(ours), `${kind} as ${colorspace}: ${JSON.stringify(ours)}`);
        assert.ok(largestDifference(ours.pixels, native.pixels) <= 1, `${kind} as ${colorspace} differs`);
      }
    }
  }
});

test("inks of a TIFF become RGB by the formula for JPEGs, not through a profile", async () => {
  const inks = gradient(8, 4);
  const { pixels } = await read(multiBandTiff(inks, 8, 4, true));
  const expected = Buffer.alloc(8 * 8 * 3);
  for (let i = 0; i < expected.length; i++) {
    const light = 255 - inks[Math.floor(i / 3) * 4 + 3];
    expected[i] = light - Math.round((inks[Math.floor(i / 3) * 4 + (i % 3)] * light) / 255);
  }
  assert.deepEqual(Buffer.from(pixels), expected);
});
