/** Whether a file is there, and what is in it. */
import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { InputError, InterruptedError } from "../errors.js";

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

/** Whether an error of the system says that there is nothing at a path. Others say that nobody can tell. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
}

/** What `look` finds at `path`, or undefined if nothing is there. @throws InputError if nobody can tell */
export async function statIfThere(path: string, look: (path: string) => Promise<Stats> = stat) {
  return look(path).catch((cause: NodeJS.ErrnoException) => {
    if (isMissing(cause)) return undefined;
    const remedy = cause.code === "EACCES" ? ": you need permission to enter its folder" : "";
    throw new InputError(`${path} cannot be looked at (${cause.code})${remedy}.`, { cause });
  });
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
