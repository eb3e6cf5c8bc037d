/** Whether a file is there, and what is in it. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { InterruptedError } from "../errors.js";

export interface FileFacts {
  bytes: number;
  sha256: string;
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Throws InterruptedError on abort. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<FileFacts> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const block of readBlocks(path)) {
    if (signal?.aborted) throw new InterruptedError();
    hash.update(block);
    bytes += block.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** All of a file from byte `start` on, piece by piece. */
export function readBlocks(path: string, start = 0): AsyncIterable<Buffer> {
  return createReadStream(path, { start, highWaterMark: 1 << 20 });
}
