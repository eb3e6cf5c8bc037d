/** Writes files so that a crash or a power cut leaves the old file or the new one, never a part. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { mapInFlight } from "../in-flight.js";
import { Draft, openDraft } from "./draft.js";
import type { FileFacts } from "./facts.js";
import { flush } from "./flush.js";
import { syncFolder } from "./folder.js";
import { clearDrafts, draftPath } from "./temporary.js";
import { explainWriteError } from "./write-error.js";

export interface FileContent {
  path: string;
  content: string | Uint8Array;
}

type Pieces = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** Files flushed at the same time, as many as Node's thread pool can do: more would only take file handles. */
const OPEN_FILES = 4;
/** Small pieces are written together, in blocks of this many bytes. */
const BLOCK_BYTES = 1 << 16;

/** Writes a whole file. @throws WriteError, with the old file as it was */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await writeTogether([{ path, content }]);
}

/**
 * Writes several files: first all of them to the disk, then each to its place, in the order given. One flush of the
 * folder makes this fast for many small files.
 *
 * @throws WriteError, with all old files as they were unless a rename failed
 */
export async function writeTogether(files: readonly FileContent[]): Promise<void> {
  const folders = new Set(files.map(({ path }) => dirname(path)));
  for (const folder of folders) await clearDrafts(folder);
  const drafts = files.map(({ path, content }) => ({ path, content, draft: draftPath(path) }));
  try {
    for await (const _ of mapInFlight(drafts, OPEN_FILES, writeDraft));
    for (const { draft, path } of drafts) await renameTo(draft, path);
  } catch (error) {
    await Promise.all(drafts.map(({ draft }) => rm(draft, { force: true })));
    throw error;
  }
  for (const folder of folders) await syncFolder(folder);
}

/** Writes a file piece by piece. @throws WriteError, and what `pieces` throws, with the old file as it was */
export function writePieces(path: string, pieces: Pieces): Promise<FileFacts> {
  return writeWith(path, async (draft) => {
    for await (const block of toBlocks(pieces)) await draft.write(block);
  });
}

/** Writes a file that `fill` writes to. @throws WriteError, and what `fill` throws, with the old file as it was */
export async function writeWith(path: string, fill: (draft: Draft) => Promise<void>): Promise<FileFacts> {
  const draft = await Draft.create(path);
  try {
    await fill(draft);
    return await draft.publish();
  } catch (error) {
    await draft.abandon();
    throw error;
  }
}

/** `writeWhole` for synchronous code. */
export function writeWholeSync(path: string, content: string): void {
  const draft = draftPath(path);
  try {
    writeFileSync(draft, content, { flag: "wx", flush: true });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw explainWriteError(error, path);
  }
}

async function* toBlocks(pieces: Pieces): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    const block = typeof piece === "string" ? Buffer.from(piece) : piece;
    waiting.push(block);
    bytes += block.length;
    if (bytes < BLOCK_BYTES) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

async function writeDraft({ path, draft, content }: FileContent & { draft: string }): Promise<void> {
  try {
    const file = await openDraft(draft, path);
    try {
      await file.writeFile(content);
      await flush(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explainWriteError(error, path);
  }
}

async function renameTo(draft: string, path: string): Promise<void> {
  await rename(draft, path).catch((error) => {
    throw explainWriteError(error, path);
  });
}
