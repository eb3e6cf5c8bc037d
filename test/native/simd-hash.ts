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
] as const) {
  for (const antialias of [true, false]) {
    const target = new Uint8Array(size * size * 3);
    addon().resizeRgb(noise(width * height * 3, size), width, height, target, size, antialias);
    add(target);
  }
}
for (const chromaSubsampling of ["4:4:4", "4:2:0"]) {
  for (const [width, height] of [
    [64, 48],
    [37, 51],
    [9, 1],
  ] as const) {
    const source = sharp(waves(width, height, 3), { raw: { width, height, channels: 3 } });
    add(decodeRgb(await source.jpeg({ chromaSubsampling }).toBuffer()));
  }
}
console.log(JSON.stringify({ simd: addon().simd, hashes }));
