/** piscina entry: a chunk of tiles becomes files of ordinary RGB, pixel for pixel. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import sharp from "sharp";
import type { NativeTile } from "../addon.js";
import { type DecodeFailure, isFailure, type RgbImage } from "../decode/decoder.js";
import { type FullOptions, readFullTile } from "../decode/full.js";

export const FIX_FORMATS = ["png", "jpg"] as const;
export type FixFormat = (typeof FIX_FORMATS)[number];

export interface FixTask {
  jobs: { tile: NativeTile; target: string }[];
  format: FixFormat;
  options: FullOptions;
}

/** How one tile went; `written` tells how its colours were read. */
export type FixOutcome = { written: string } | DecodeFailure;

export interface FixResult {
  outcomes: FixOutcome[];
  /** A failed write ends the run: errors lose their code on the way between threads, so its facts travel as data. */
  failure?: { code: string | undefined; syscall: string | undefined; path: string; message: string };
}

// Each worker is one thread of ours: libvips must not start more.
sharp.concurrency(1);
sharp.cache(false);

export async function fixChunk({ jobs, format, options }: FixTask): Promise<FixResult> {
  const outcomes: FixOutcome[] = [];
  for (const { tile, target } of jobs) {
    const image = await readFullTile(tile, options);
    if (isFailure(image)) {
      outcomes.push(image);
      continue;
    }
    const bytes = await encode(image, format);
    try {
      writeWhole(target, bytes);
    } catch (error) {
      const { code, syscall, message } = error as NodeJS.ErrnoException;
      return { outcomes, failure: { code, syscall, path: target, message } };
    }
    outcomes.push({ written: image.reading });
  }
  return { outcomes };
}

/** PNG is exact; JPEG is of a quality and sampling at which what it loses cannot be seen. */
function encode({ pixels, width, height }: RgbImage, format: FixFormat): Promise<Buffer> {
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return (format === "png" ? image.png() : image.jpeg({ quality: 95, chromaSubsampling: "4:4:4" })).toBuffer();
}

function writeWhole(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, bytes);
  renameSync(`${path}.part`, path);
}
