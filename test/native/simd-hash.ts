/** Prints hashes of what the kernels make of fixed inputs; resize.test.ts runs it under each CANOPY_SIMD. */
import { createHash } from "node:crypto";
import sharp from "sharp";
import { addon, decodeRgb, noise, waves } from "./support.js";

const hashes: string[] = [];
const add = (bytes: Uint8Array) => hashes.push(createHash("sha256").update(bytes).digest("hex"));

for (const [width, height, size] of [
  [256, 256, 224],
  [256, 256, 128],
  [100, 37, 61],
  [9, 300, 50],
  [300, 299, 60],
  [700, 10, 33],
  [200, 190, 64],
  [500, 520, 200],
  [40, 36, 64],
  [129, 70, 97],
  [1000, 900, 100],
  [500, 40, 70],
] as const) {
  for (const antialias of [true, false]) {
    const target = new Uint8Array(size * size * 3);
    addon().resizeRgb(noise(width * height * 3, size), width, height, target, size, antialias);
    add(target);
  }
}
// With AVX2 these go through canopy's own entropy decoder and inverse DCT, without it through libjpeg's.
for (const chromaSubsampling of ["4:4:4", "4:2:0"]) {
  for (const [width, height] of [
    [64, 48],
    [37, 51],
    [9, 1],
    [8, 8],
    [17, 40],
    [263, 129],
    [515, 33],
  ] as const) {
    for (const quality of [1, 30, 75, 100]) {
      for (const pixels of [waves(width, height, 3), noise(width * height * 3, width), checks(width, height)]) {
        const source = sharp(pixels, { raw: { width, height, channels: 3 } });
        add(decodeRgb(await source.jpeg({ chromaSubsampling, quality, optimiseCoding: quality !== 75 }).toBuffer()));
      }
    }
  }
}
for (const quality of [20, 90, 100]) {
  const rgba = noise(72 * 50 * 4, quality);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
  add(decodeRgb(addon().encodePlanetJpeg(rgba, 72, 50, quality)));
}
const gray = sharp(waves(40, 23, 1), { raw: { width: 40, height: 23, channels: 1 } });
add(decodeRgb(await gray.toColourspace("b-w").jpeg().toBuffer()));

/** Black and white, one pixel each: the largest coefficients there are. */
function checks(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return ((pixel % width) + Math.floor(pixel / width)) % 2 === 0 ? 255 : 0;
  });
}

console.log(JSON.stringify({ simd: addon().simd, hashes }));
