/**
 * Whether a contender's colours are right: its pixels compared with canopy's exact decode, which tests compare with
 * Pillow's and TensorFlow's.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAddon } from "../addon.js";
import { DECODE_DEFAULTS, isFailure, type RgbImage } from "../decode/decoder.js";
import { readFullTile } from "../decode/full.js";
import { CanopyError } from "../errors.js";
import type { ContenderProcess } from "./contender-process.js";
import { spread } from "./tiles.js";

/** What is compared: full-size pixels, or resized ones for canopy, which gives no others. */
export type Compared = "full size" | "resized";

/** Most tiles and pixels to compare. */
const MAX_TILES = 32;
const MAX_PIXELS = 1 << 25;

/** Mean absolute difference from the reference over some of the tiles and all channels, of 255. */
export async function measureColours(
  contender: ContenderProcess,
  paths: readonly string[],
  compared: Compared,
  size: number,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-colours-"));
  try {
    let sum = 0;
    let samples = 0;
    for (const index of spread([...paths.keys()], MAX_TILES)) {
      const reference = await readReference(paths[index], compared, size);
      if (samples > 0 && samples + reference.length > 3 * MAX_PIXELS) break;
      await contender.writeColours([index], folder);
      const pixels = await readFile(join(folder, `${index}.rgb`));
      await rm(join(folder, `${index}.rgb`));
      if (pixels.length !== reference.length) {
        throw new CanopyError("BENCH", `${contender.name} reads ${paths[index]} with another size than canopy.`);
      }
      for (let i = 0; i < pixels.length; i++) sum += Math.abs(pixels[i] - reference[i]);
      samples += pixels.length;
    }
    return sum / samples;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readReference(path: string, compared: Compared, size: number): Promise<Uint8Array> {
  const image = await readFullTile({ path }, DECODE_DEFAULTS);
  if (isFailure(image)) throw new CanopyError("BENCH", `${path} can no longer be decoded: ${image.message}.`);
  return compared === "full size" ? image.pixels : resize(image, size);
}

function resize({ pixels, width, height }: RgbImage, size: number): Uint8Array {
  const resized = new Uint8Array(size ** 2 * 3);
  loadAddon()!.resizeRgb(pixels, width, height, resized, size, DECODE_DEFAULTS.antialias);
  return resized;
}
