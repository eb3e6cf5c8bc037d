import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { addon, decodeRgb, difference, NEEDS_ADDON, noise, OPTIONS, waves } from "./support.js";

/** Weights of the two filters, straight from their definitions. */
function axisWeights(source: number, size: number, antialias: boolean): Map<number, number>[] {
  const scale = source / size;
  const radius = antialias ? Math.max(scale, 1) : 1;
  return Array.from({ length: size }, (_, i) => {
    const center = (i + 0.5) * scale;
    const weights = new Map<number, number>();
    for (let x = Math.floor(center - radius) - 1; x <= center + radius + 1; x++) {
      const weight = Math.max(0, 1 - Math.abs(x + 0.5 - center) / radius);
      const inside = Math.min(source - 1, Math.max(0, x));
      // At the border the antialiased filter is cut, the plain one repeats the last pixel.
      if (weight > 0 && (inside === x || !antialias)) weights.set(inside, (weights.get(inside) ?? 0) + weight);
    }
    const total = [...weights.values()].reduce((a, b) => a + b);
    return new Map([...weights].map(([x, weight]) => [x, weight / total]));
  });
}

function resizeExactly(pixels: Uint8Array, width: number, height: number, size: number, antialias: boolean) {
  const columns = axisWeights(width, size, antialias);
  const rows = axisWeights(height, size, antialias);
  const narrow = new Float64Array(height * size * 3);
  for (let y = 0; y < height; y++) {
    columns.forEach((weights, x) => {
      for (const [from, weight] of weights) {
        for (let c = 0; c < 3; c++) narrow[(y * size + x) * 3 + c] += weight * pixels[(y * width + from) * 3 + c];
      }
    });
  }
  const result = new Float64Array(size * size * 3);
  rows.forEach((weights, y) => {
    for (const [from, weight] of weights) {
      for (let i = 0; i < size * 3; i++) result[y * size * 3 + i] += weight * narrow[from * size * 3 + i];
    }
  });
  return result;
}

function resize(pixels: Uint8Array, width: number, height: number, size: number, antialias: boolean): Uint8Array {
  const target = new Uint8Array(size * size * 3);
  addon().resizeRgb(pixels, width, height, target, size, antialias);
  return target;
}

const SHAPES = [
  [256, 256, 224],
  [256, 256, 128],
  [61, 97, 40],
  [100, 30, 64],
  [33, 47, 33],
  [5, 7, 50],
  [1, 1, 9],
  [2, 300, 17],
  [400, 380, 70],
  [500, 490, 31],
  [64, 64, 1],
] as const;

test("resizing is within 0.6 of the exact filter for any shape", NEEDS_ADDON, () => {
  for (const [width, height, size] of SHAPES) {
    for (const antialias of [true, false]) {
      const pixels = noise(width * height * 3, width + size);
      const got = resize(pixels, width, height, size, antialias);
      const { max } = difference(got, resizeExactly(pixels, width, height, size, antialias));
      assert.ok(max <= 0.6, `${width}x${height} to ${size}, antialias ${antialias}: ${max}`);
    }
  }
});

test("black stays black, white stays white, and the same size changes nothing", NEEDS_ADDON, () => {
  for (const value of [0, 1, 254, 255]) {
    for (const size of [3, 16, 50, 200]) {
      const got = resize(new Uint8Array(64 * 48 * 3).fill(value), 64, 48, size, true);
      assert.ok(
        got.every((v) => v === value),
        `${value} at ${size}`,
      );
    }
  }
  const pixels = noise(37 * 37 * 3);
  assert.deepEqual(resize(pixels, 37, 37, 37, true), pixels);
  assert.deepEqual(resize(pixels, 37, 37, 37, false), pixels);
});

test("nothing is written behind the target", NEEDS_ADDON, () => {
  const memory = new Uint8Array(21 * 21 * 3 + 64).fill(7);
  addon().resizeRgb(noise(90 * 90 * 3), 90, 90, memory.subarray(0, 21 * 21 * 3), 21, true);
  assert.ok(memory.subarray(21 * 21 * 3).every((v) => v === 7));
});

test("every instruction set gives the same bits", NEEDS_ADDON, () => {
  const script = fileURLToPath(new URL("./simd-hash.js", import.meta.url));
  const run = (simd: string) => {
    const result = spawnSync(process.execPath, [script], {
      env: { ...process.env, CANOPY_SIMD: simd },
      encoding: "utf8",
    });
    assert.equal(result.status, 0, result.stderr);
    return JSON.parse(result.stdout) as { simd: string; hashes: string[] };
  };
  const scalar = run("scalar");
  assert.equal(scalar.simd, "scalar");
  const levels = process.arch === "arm64" ? ["neon"] : ["sse4", "avx2", "avx512"];
  for (const name of levels) {
    const other = run(name);
    if (name === "neon" || (process.arch === "x64" && name === "sse4")) assert.equal(other.simd, name);
    assert.deepEqual(other.hashes, scalar.hashes, name);
  }
});

test("the means of a large, busy picture give a result within two levels on average", NEEDS_ADDON, async () => {
  const side = 1100;
  const source = sharp(waves(side, side, 3, 3), { raw: { width: side, height: side, channels: 3 } });
  const rgba = waves(side, side, 4, 3);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
  const files = {
    "4:2:0": await source.jpeg({ chromaSubsampling: "4:2:0" }).toBuffer(),
    "4:4:4": await source.jpeg({ chromaSubsampling: "4:4:4" }).toBuffer(),
    planet: addon().encodePlanetJpeg(rgba, side, side, 85),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const full = decodeRgb(bytes);
    for (const size of [40, 64, 128]) {
      const target = new Uint8Array(size * size * 3);
      assert.equal(addon().decodeBytes(bytes, target, { ...OPTIONS, size }), undefined);
      const { mean, max } = difference(target, resize(full, side, side, size, true));
      // Below sixteen times the size every pixel counts.
      const allowed = size > side / 16 ? { mean: 0.6, max: 1 } : { mean: 2, max: 12 };
      assert.ok(mean < allowed.mean && max <= allowed.max, `${name} to ${size}: mean ${mean}, max ${max}`);
    }
  }
});

function decodeBoth(...files: [Uint8Array, Uint8Array]): [Uint8Array, Uint8Array] {
  const [first, second] = files.map((file) => {
    const target = new Uint8Array(18 * 18 * 3);
    assert.equal(addon().decodeBytes(file, target, { ...OPTIONS, size: 18 }), undefined);
    return target;
  });
  return [first, second];
}

test("the fast way to an eighth of the size equals libjpeg's", NEEDS_ADDON, async () => {
  const [width, height] = [333, 290];
  const planet = (alpha: number) => {
    const rgba = waves(width, height, 4, 2);
    for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
    rgba[4 * (100 * width + 100) + 3] = alpha;
    return addon().encodePlanetJpeg(rgba, width, height, 92);
  };
  const color = sharp(waves(width, height, 3, 2), { raw: { width, height, channels: 3 } });
  const files = {
    gray: await color.clone().toColourspace("b-w").jpeg({ quality: 92 }).toBuffer(),
    "4:4:4": await color.clone().jpeg({ chromaSubsampling: "4:4:4", quality: 92 }).toBuffer(),
    planet: planet(255),
    "planet, a pixel not quite opaque": planet(240),
    "planet, a pixel transparent": planet(0),
    "4:2:0": await color.clone().jpeg({ chromaSubsampling: "4:2:0", quality: 92 }).toBuffer(),
  };
  for (const [name, bytes] of Object.entries(files)) {
    // A comment before the end marker changes no pixel, but is nothing the fast way knows.
    const slow = Buffer.concat([bytes.subarray(0, -2), Buffer.from([0xff, 0xfe, 0, 3, 0]), bytes.subarray(-2)]);
    const [fastPixels, slowPixels] = decodeBoth(bytes, slow);
    // Halves of chroma blocks are rounded once here, twice in libjpeg.
    const allowed = name === "4:2:0" ? 1 : 0;
    assert.ok(difference(fastPixels, slowPixels).max <= allowed, name);
  }
});

test("means beyond all pixels wrap around at an eighth of the size, as libjpeg's do", NEEDS_ADDON, async () => {
  const [width, height] = [333, 290];
  const color = sharp(waves(width, height, 3, 2), { raw: { width, height, channels: 3 } });
  const files = {
    gray: await color.clone().toColourspace("b-w").jpeg({ quality: 92 }).toBuffer(),
    "4:4:4": await color.clone().jpeg({ chromaSubsampling: "4:4:4", quality: 92 }).toBuffer(),
    "4:2:0": await color.clone().jpeg({ chromaSubsampling: "4:2:0", quality: 92 }).toBuffer(),
  };
  for (const [name, bytes] of Object.entries(files)) {
    // The step of the means in each quantisation table: they become up to a hundred times as large.
    for (let at = bytes.indexOf("ffdb0043", 0, "hex"); at >= 0; at = bytes.indexOf("ffdb0043", at + 1, "hex")) {
      bytes[at + 5] = 255;
    }
    const slow = Buffer.concat([bytes.subarray(0, -2), Buffer.from([0xff, 0xfe, 0, 3, 0]), bytes.subarray(-2)]);
    const [fastPixels, slowPixels] = decodeBoth(bytes, slow);
    assert.deepEqual(fastPixels, slowPixels, name);
  }
});

test("decoding resizes exactly as resizeRgb does where nothing is scaled", NEEDS_ADDON, async () => {
  const source = sharp(waves(90, 70, 3), { raw: { width: 90, height: 70, channels: 3 } });
  const bytes = await source.jpeg({ quality: 90 }).toBuffer();
  for (const antialias of [true, false]) {
    const target = new Uint8Array(48 * 48 * 3);
    assert.equal(addon().decodeBytes(bytes, target, { ...OPTIONS, size: 48, antialias }), undefined);
    assert.deepEqual(target, resize(decodeRgb(bytes), 90, 70, 48, antialias));
  }
});
