/** Standard input as a tile source: paths, one per line, or a tar archive. */
import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { InterruptedError } from "../errors.js";
import { isTarHeader } from "./tar.js";

export interface SpooledInput {
  kind: "tar" | "list";
  path: string;
  sha256: string;
}

/**
 * Copies `input` to `folder` (made where it is missing), so that it can be read twice and by several threads, and tells by the first
 * block whether it is an archive or a list of paths. The copy takes the archive's size on disk; it is the caller's to remove. Throws
 * InterruptedError on abort, however silent the input.
 */
export async function spoolInput(input: Readable, folder: string, signal?: AbortSignal): Promise<SpooledInput> {
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `stdin-${randomUUID()}`);
  const hash = createHash("sha256");
  const hashed = async function* (blocks: AsyncIterable<Buffer>) {
    for await (const block of blocks) {
      hash.update(block);
      yield block;
    }
  };
  try {
    await pipeline(input, hashed, createWriteStream(draft), ...(signal ? [{ signal }] : []));
  } catch (error) {
    await rm(draft, { force: true });
    throw signal?.aborted
      ? new InterruptedError("Interrupted while standard input was read; nothing was begun.")
      : error;
  }
  const kind = (await startsLikeTar(draft)) ? "tar" : "list";
  const path = join(folder, kind === "tar" ? "stdin.tar" : "stdin.txt");
  await rename(draft, path);
  return { kind, path, sha256: hash.digest("hex") };
}

async function startsLikeTar(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const block = Buffer.alloc(512);
    await file.read(block, 0, block.length, 0);
    return isTarHeader(block);
  } finally {
    await file.close();
  }
}
