/** piscina entry: writes a chunk of tiles as files of ordinary RGB, pixel for pixel. */
import { type DecodeFailure, isFailure, type PictureSource, type RgbImage } from "../decode/decoder.js";
import { type FullOptions, readFullTile } from "../decode/full.js";
import { openPixels } from "../decode/open-sharp.js";
import { type FileContent, writeTogether, writeWhole } from "../files/write.js";
import { WriteError } from "../files/write-error.js";
import { refuseIfStopped } from "../stop-flag.js";

export const FIX_FORMATS = ["png", "jpg"] as const;
export type FixFormat = (typeof FIX_FORMATS)[number];

export interface FixItem {
  tile: PictureSource;
  target: string;
}

export interface FixSettings {
  format: FixFormat;
  options: FullOptions;
}

/**
 * The outcome of one tile; `written` is how its colours were read. Errors lose their class between threads, hence
 * `unwritten`.
 */
export type FixOutcome = { written: string } | { unwritten: string; systemCode: string } | DecodeFailure;

/** Pictures are written together, but no more of them are kept in memory than this. */
const WRITE_BYTES = 16 << 20;

/** The system's error codes if only the file's name is at fault. */
export const NAME_FAULTS = ["ENAMETOOLONG", "EILSEQ", "EINVAL", "EISDIR", "ENOTDIR"];

interface FixTask extends FixSettings {
  items: FixItem[];
  stop?: SharedArrayBuffer;
}

export async function fixChunk({ items, format, options, stop }: FixTask): Promise<FixOutcome[]> {
  const outcomes: FixOutcome[] = [];
  let waiting: FileContent[] = [];
  const write = async (): Promise<void> => {
    const failures = await writeAll(waiting);
    for (const [i, { target }] of items.entries()) outcomes[i] = failures.get(target) ?? outcomes[i];
    waiting = [];
  };
  for (const [i, { tile, target }] of items.entries()) {
    refuseIfStopped(stop);
    const image = await readFullTile(tile, options);
    outcomes[i] = isFailure(image) ? image : { written: image.reading };
    if (!isFailure(image)) waiting.push({ path: target, content: await encode(image, format) });
    if (byteLength(waiting) >= WRITE_BYTES) await write();
  }
  await write();
  return outcomes;
}

/** Writes files together or, if that fails, one by one, so that each is whole or has its own failure. */
async function writeAll(files: readonly FileContent[]): Promise<Map<string, FixOutcome>> {
  const failures = new Map<string, FixOutcome>();
  try {
    await writeTogether(files);
  } catch {
    for (const { path, content } of files) {
      await writeWhole(path, content).catch((error) => failures.set(path, unwritten(error)));
    }
  }
  return failures;
}

function unwritten(error: unknown): FixOutcome {
  if (!(error instanceof WriteError)) throw error;
  const { path, systemCode, message } = error;
  return NAME_FAULTS.includes(systemCode) ? { code: "NAME", message } : { unwritten: path, systemCode };
}

function byteLength(files: readonly FileContent[]): number {
  return files.reduce((sum, { content }) => sum + content.length, 0);
}

/** PNG is exact; JPEG has a quality and sampling at which its losses cannot be seen. */
function encode(picture: RgbImage, format: FixFormat): Promise<Buffer> {
  const image = openPixels(picture);
  return (format === "png" ? image.png() : image.jpeg({ quality: 95, chromaSubsampling: "4:4:4" })).toBuffer();
}
