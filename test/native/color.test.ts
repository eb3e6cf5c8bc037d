import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sharp, { type JpegOptions } from "sharp";
import type { NativeFailure } from "../../src/addon.js";
import { temporaryFolder } from "../helpers.js";
import {
  addon,
  decodeRgb,
  difference,
  failureOf,
  NEEDS_ADDON,
  OPTIONS,
  waves,
  withAdobe,
  withComponentIds,
  withJfif,
  withoutMarkers,
} from "./support.js";

const SIDE = 40;

/** What a JPEG of `channels` components at quality 100 was made from, and its bytes. */
function fourComponents(alpha?: number): { source: Uint8Array; bytes: Uint8Array } {
  const source = waves(SIDE, SIDE, 4);
  if (alpha !== undefined) for (let i = 3; i < source.length; i += 4) source[i] = alpha;
  return { source, bytes: addon().encodePlanetJpeg(source, SIDE, SIDE, 100) };
}

function threeComponents(options: JpegOptions = {}): Promise<Buffer> {
  return sharp(waves(SIDE, SIDE, 3), { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .jpeg({ quality: 100, ...options })
    .toBuffer();
}

/** RGB of each pixel by a function of its components. */
function mapPixels(source: Uint8Array, channels: number, toRgb: (pixel: number[]) => number[]): number[] {
  const result: number[] = [];
  for (let i = 0; i < source.length; i += channels) result.push(...toRgb([...source.subarray(i, i + channels)]));
  return result;
}

/** Pillow's formula; inks from 0 (none) to 255. */
function inksToRgb([c, m, y, k]: number[]): number[] {
  return [c, m, y].map((ink) => 255 - k - Math.round((ink * (255 - k)) / 255));
}

function yccToRgb([y, cb, cr]: number[]): number[] {
  const rgb = [y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128)];
  return rgb.map((value) => Math.min(255, Math.max(0, Math.round(value))));
}

function reading(bytes: Uint8Array): string {
  const info = addon().inspectJpeg(bytes, OPTIONS);
  return "reading" in info ? info.reading : (info as NativeFailure).code;
}

test("four components without markers and a constant 255 are R, G, B", NEEDS_ADDON, () => {
  const { source, bytes } = fourComponents(255);
  assert.equal(reading(bytes), "rgb+constant-alpha");
  assert.ok(
    difference(
      decodeRgb(bytes),
      mapPixels(source, 4, (p) => p.slice(0, 3)),
    ).max <= 3,
  );
});

test("four components without markers and a varying fourth are inverted CMYK", NEEDS_ADDON, () => {
  const { source, bytes } = fourComponents();
  assert.equal(reading(bytes), "cmyk-inverted");
  const expected = mapPixels(source, 4, (p) => inksToRgb(p.map((v) => 255 - v)));
  assert.ok(difference(decodeRgb(bytes), expected).max <= 4);
});

test("one pixel in the last row that is not 255 is enough for CMYK", NEEDS_ADDON, () => {
  const source = waves(SIDE, SIDE, 4).fill(255);
  source[source.length - 1] = 0;
  const bytes = addon().encodePlanetJpeg(source, SIDE, SIDE, 90);
  assert.equal(reading(bytes), "cmyk-inverted");
  const rgb = decodeRgb(bytes);
  assert.ok(rgb.at(-1)! < 40 && rgb[0] === 255);
});

test("an Adobe marker decides over a constant fourth component", NEEDS_ADDON, () => {
  const { bytes } = fourComponents(255);
  assert.equal(reading(withAdobe(bytes, 0)), "cmyk-inverted");
  assert.equal(reading(withAdobe(bytes, 2)), "ycck");
});

test("YCCK becomes CMYK, then RGB", NEEDS_ADDON, () => {
  const { source, bytes } = fourComponents();
  const expected = mapPixels(source, 4, (p) => inksToRgb([...yccToRgb(p), 255 - p[3]]));
  assert.ok(difference(decodeRgb(withAdobe(bytes, 2)), expected).max <= 6);
});

test("three components follow JFIF, Adobe and the component ids", NEEDS_ADDON, async () => {
  const bare = withoutMarkers(await threeComponents({ chromaSubsampling: "4:4:4" }));
  const jfif = withJfif(bare);
  const asYcc = decodeRgb(jfif);
  const asRgb = decodeRgb(jfif, { colorspace: "rgb" });
  assert.ok(difference(asYcc, asRgb).mean > 20);
  const cases: [Uint8Array, string, Uint8Array][] = [
    [jfif, "ycbcr", asYcc],
    [withComponentIds(jfif, [82, 71, 66]), "ycbcr", asYcc],
    [bare, "ycbcr", asYcc],
    [withAdobe(bare, 1), "ycbcr", asYcc],
    [withAdobe(bare, 0), "rgb", asRgb],
    [withComponentIds(bare, [82, 71, 66]), "rgb", asRgb],
    [withComponentIds(bare, [7, 8, 9]), "ycbcr", asYcc],
  ];
  for (const [bytes, expected, pixels] of cases) {
    assert.equal(reading(bytes), expected);
    assert.deepEqual(decodeRgb(bytes), pixels);
  }
});

test("YCbCr of any sampling, baseline and progressive, equals sharp within two levels", NEEDS_ADDON, async () => {
  for (const chromaSubsampling of ["4:4:4", "4:2:0"]) {
    for (const progressive of [false, true]) {
      const bytes = await threeComponents({ chromaSubsampling, progressive, quality: 85 });
      const expected = await sharp(bytes).raw().toBuffer();
      assert.ok(difference(decodeRgb(bytes), expected).max <= 2, `${chromaSubsampling} ${progressive}`);
    }
  }
});

test("gray is the same in all three channels", NEEDS_ADDON, async () => {
  const source = waves(SIDE, SIDE, 1);
  const bytes = await sharp(source, { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .toColourspace("b-w")
    .jpeg({ quality: 100 })
    .toBuffer();
  assert.equal(reading(bytes), "gray");
  assert.ok(
    difference(
      decodeRgb(bytes),
      mapPixels(source, 1, ([v]) => [v, v, v]),
    ).max <= 2,
  );
});

test("a forced reading overrides the markers", NEEDS_ADDON, () => {
  const { source, bytes } = fourComponents();
  const expected = {
    rgb: mapPixels(source, 4, (p) => p.slice(0, 3)),
    ycbcr: mapPixels(source, 4, yccToRgb),
    cmyk: mapPixels(source, 4, inksToRgb),
    "cmyk-inverted": mapPixels(source, 4, (p) => inksToRgb(p.map((v) => 255 - v))),
    gray: mapPixels(source, 4, ([v]) => [v, v, v]),
  } as const;
  for (const [colorspace, pixels] of Object.entries(expected)) {
    const got = decodeRgb(bytes, { colorspace: colorspace as keyof typeof expected });
    assert.ok(difference(got, pixels).max <= 6, colorspace);
  }
});

test("a reading the components do not allow is refused", NEEDS_ADDON, async () => {
  const three = await threeComponents();
  assert.equal(failureOf(three, { colorspace: "cmyk" }).code, "COLORSPACE");
  assert.match(failureOf(three, { colorspace: "cmyk-inverted" }).message, /3 components/);
  const gray = await sharp(three).toColourspace("b-w").jpeg().toBuffer();
  assert.equal(failureOf(gray, { colorspace: "rgb" }).code, "COLORSPACE");
  assert.equal(failureOf(gray, { colorspace: "ycbcr" }).code, "COLORSPACE");
});

test("inspectJpeg says what the header holds", NEEDS_ADDON, async () => {
  const bytes = withJfif(withoutMarkers(await threeComponents({ progressive: true, chromaSubsampling: "4:2:0" })));
  assert.deepEqual(addon().inspectJpeg(bytes, OPTIONS), {
    width: SIDE,
    height: SIDE,
    components: 3,
    progressive: true,
    adobeTransform: -1,
    jfif: true,
    icc: false,
    sampling: "2x2,1x1,1x1",
    reading: "ycbcr",
  });
  const profiled = await sharp(bytes).withIccProfile("srgb").jpeg().toBuffer();
  assert.equal((addon().inspectJpeg(profiled, OPTIONS) as { icc: boolean }).icc, true);
});

const PYTHON = ["python3", "/usr/bin/python3"].find((name) => spawnSync(name, ["-c", "import PIL"]).status === 0);
const NEEDS_PILLOW = PYTHON ? NEEDS_ADDON : { skip: "no Python with Pillow is installed" };

test("pixels equal Pillow's to the last bit", NEEDS_PILLOW, async (t) => {
  const folder = temporaryFolder(t);
  const jfif = await threeComponents({ chromaSubsampling: "4:4:4" });
  const files: Uint8Array[] = [
    jfif,
    await threeComponents({ quality: 70 }),
    await threeComponents({ quality: 70, progressive: true }),
    withAdobe(withoutMarkers(jfif), 0),
    fourComponents(255).bytes,
    fourComponents().bytes,
    withAdobe(fourComponents().bytes, 0),
    withAdobe(fourComponents().bytes, 2),
    await sharp(jfif).toColourspace("cmyk").jpeg().toBuffer(),
  ];
  const paths = files.map((bytes, i) => {
    const path = join(folder, `${i}.jpg`);
    writeFileSync(path, bytes);
    return path;
  });
  const script =
    "import sys\nfrom PIL import Image\nfor p in sys.argv[1:]: sys.stdout.buffer.write(Image.open(p).convert('RGB').tobytes())";
  const pillow = spawnSync(PYTHON!, ["-c", script, ...paths], { maxBuffer: 1 << 24 });
  assert.equal(pillow.status, 0, pillow.stderr.toString());
  assert.deepEqual(Buffer.concat(files.map((bytes) => decodeRgb(bytes))), pillow.stdout);
});
