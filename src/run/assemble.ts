/** Committed parts become the output, its rejects file and its manifest; then the parts go. */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { FormatError } from "../errors.js";
import { readBlocks } from "../files/facts.js";
import { syncFolder } from "../files/folder.js";
import type { RunContext } from "../run-context.js";
import { unpackRows } from "../tags/packed-rows.js";
import type { RunIdentity } from "./identity.js";
import { type Piece, type Rows, type RunManifest, rowOptions, toStream, writeOutput } from "./output.js";
import { listParts, type PartRecord, readRecord, readStamps } from "./parts.js";
import { type RunPaths, runFiles } from "./paths.js";

/** Puts the output together. Interrupted at any moment, it can be done again; the parts are removed last. */
export async function assemble(paths: RunPaths, identity: RunIdentity, context: RunContext): Promise<RunManifest> {
  const manifest = await writeOutput(paths, identity, partPieces(paths.folder, identity, context), context.signal);
  await removeRun(paths.folder);
  return manifest;
}

/** Removes a run folder; what is left of it after an interruption is no run any more. */
async function removeRun(folder: string): Promise<void> {
  await rm(runFiles(folder).identity, { force: true });
  await syncFolder(folder);
  await rm(folder, { recursive: true, force: true });
}

async function* partPieces(folder: string, identity: RunIdentity, context: RunContext): AsyncGenerator<Piece> {
  const progress = { stage: "write", done: 0, total: identity.input.tiles, rejected: 0 };
  for (const part of await listParts(folder)) {
    const record = await readRecord(folder, part);
    if (record === undefined) throw damaged(runFiles(folder).record(part));
    const { tiles, predicted, rejected, rejects } = record;
    const lines = rejects.map((reject) => `${JSON.stringify(reject)}\n`).join("");
    yield {
      tiles,
      predicted,
      rejected,
      rows: () => rowsOf(folder, record, identity),
      rejects: () => toStream(lines),
      stamps: readStamps(record),
    };
    progress.done += tiles;
    progress.rejected += rejected;
    context.onProgress?.({ ...progress });
  }
}

async function* rowsOf(folder: string, record: PartRecord, identity: RunIdentity): AsyncGenerator<Rows> {
  const path = runFiles(folder).rows(record.part);
  const rows = checkedRows(path, record);
  try {
    yield* identity.settings.format === "parquet" ? unpackRows(rows, rowOptions(identity)) : rows;
  } catch (error) {
    // Damage may keep rows from being read before all of them are checked.
    throw error instanceof SyntaxError ? damaged(path) : error;
  }
}

async function* checkedRows(path: string, { sha256 }: PartRecord): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const block of readBlocks(path)) {
    hash.update(block);
    yield block;
  }
  if (hash.digest("hex") !== sha256) throw damaged(path);
}

function damaged(path: string): FormatError {
  return new FormatError(path, `${path} is damaged; --resume does this part again.`);
}
