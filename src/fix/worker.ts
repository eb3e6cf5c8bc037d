/** piscina entry: a chunk of tiles becomes files of ordinary RGB, pixel for pixel. */
import sharp from "sharp";
import type { NativeTile } from "../addon.js";
import { type DecodeFailure, isFailure, type RgbImage } from "../decode/decoder.js";
import { type FullOptions, readFullTile } from "../decode/full.js";
import { type FileContent, writeTogether } from "../files/write.js";
import { WriteError } from "../files/write-error.js";

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
  /** A failed write ends the run. */
  failure?: { path: string; systemCode: string };
}

/** Pictures are written together, but no more of them are kept in memory than this. */
const WRITE_BYTES = 16 << 20;

// Each worker is one thread of ours: libvips must not start more.
sharp.concurrency(1);
sharp.cache(false);

export async function fixChunk({ jobs, format, options }: FixTask): Promise<FixResult> {
  const outcomes: FixOutcome[] = [];
  let files: FileContent[] = [];
  try {
    for (const { tile, target } of jobs) {
      const image = await readFullTile(tile, options);
      outcomes.push(isFailure(image) ? image : { written: image.reading });
      if (isFailure(image)) continue;
      files.push({ path: target, content: await encode(image, format) });
      if (byteLength(files) < WRITE_BYTES) continue;
      await writeTogether(files);
      files = [];
    }
    await writeTogether(files);
  } catch (error) {
    if (!(error instanceof WriteError)) throw error;
    return { outcomes: [], failure: { path: error.path, systemCode: error.systemCode } };
  }
  return { outcomes };
}

function byteLength(files: readonly FileContent[]): number {
  return files.reduce((sum, { content }) => sum + content.length, 0);
}

/** PNG is exact; JPEG is of a quality and sampling at which what it loses cannot be seen. */
function encode({ pixels, width, height }: RgbImage, format: FixFormat): Promise<Buffer> {
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return (format === "png" ? image.png() : image.jpeg({ quality: 95, chromaSubsampling: "4:4:4" })).toBuffer();
}
