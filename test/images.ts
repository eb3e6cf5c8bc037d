/** Pictures for tests, made on the spot. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { Tile } from "../src/tiles/tile.js";

/** A smooth picture with a different value in each corner and channel: `[size, size, channels]` uint8. */
export function gradient(size: number, channels: number, shift = 0): Buffer {
  const pixels = Buffer.alloc(size * size * channels);
  let at = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let c = 0; c < channels; c++)
        pixels[at++] = (20 + c * 40 + shift + (x * 90 + y * 60 * (c + 1)) / size) % 256;
    }
  }
  return pixels;
}

/** The picture as a file of `format`, losslessly where the format allows it. */
export async function encode(
  pixels: Buffer,
  size: number,
  channels: 1 | 2 | 3 | 4,
  format: "png" | "webp" | "tiff" | "jpeg" | "gif" | "avif",
) {
  const image = sharp(pixels, { raw: { width: size, height: size, channels } });
  if (format === "webp") return image.webp({ lossless: true }).toBuffer();
  if (format === "tiff") return image.tiff({ compression: "lzw" }).toBuffer();
  if (format === "gif") return image.gif().toBuffer();
  if (format === "avif") return image.avif({ lossless: true, effort: 0 }).toBuffer();
  return format === "jpeg" ? image.jpeg({ quality: 95 }).toBuffer() : image.png().toBuffer();
}

/** Writes `count` JPEG tiles named tile0.jpg and so on, each a little different. */
export async function writeTiles(
  folder: string,
  count: number,
  size = 32,
  format: "jpeg" | "png" = "jpeg",
): Promise<Tile[]> {
  const tiles: Tile[] = [];
  for (let i = 0; i < count; i++) {
    const path = join(folder, `tile${i}.${format === "jpeg" ? "jpg" : format}`);
    writeFileSync(path, await encode(gradient(size, 3, i * 3), size, 3, format));
    tiles.push({ name: `tile${i}`, path });
  }
  return tiles;
}

/** Tiles as the stream that stages take. */
export async function* stream<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* items;
}

/** Largest difference of two byte arrays of one length. */
export function largestDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new Error(`Different lengths: ${a.length} and ${b.length}`);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}
