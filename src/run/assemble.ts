/** Committed parts become the output, its rejects file and its manifest; then the parts are removed. */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { CanopyError, FormatError } from "../errors.js";
import { hashFile, readBlocks } from "../files/facts.js";
import { syncFolder } from "../files/folder.js";
import type { RunContext } from "../run-context.js";
import { unpackRows } from "../tags/packed-rows.js";
import { hashNext, readTileList } from "../tiles/tile-list.js";
import type { PartRecord, RunIdentity, RunManifest } from "./formats.js";
import { type Piece, type Rows, rowOptions, toStream, writeOutput } from "./output.js";
import { listParts, readRecord } from "./parts.js";
import { type RunPaths, runFiles } from "./paths.js";

/**
 * Puts the output together. It can be interrupted at any moment and done again; the parts are removed last. Throws a
 * CanopyError if the parts do not hold each tile of the list once, FormatError for a damaged one, InterruptedError on
 * abort.
 */
export async function assemble(paths: RunPaths, identity: RunIdentity, context: RunContext): Promise<RunManifest> {
  const { folder } = paths;
  await refuseGaps(folder, identity);
  const contents = (await hashFile(runFiles(folder).tiles, context.signal)).sha256;
  const pieces = partPieces(folder, identity, context);
  const manifest = await writeOutput(paths, { identity, contents }, pieces, context.signal);
  await removeRun(folder);
  return manifest;
}

/** Removes a run folder; after an interruption the rest of it is no run any more. */
async function removeRun(folder: string): Promise<void> {
  await rm(runFiles(folder).identity, { force: true });
  await syncFolder(folder);
  await rm(folder, { recursive: true, force: true });
}

/** No tile is lost, and none occurs twice. */
async function refuseGaps(folder: string, { input }: RunIdentity): Promise<void> {
  let tiles = 0;
  for (const part of await listParts(folder)) {
    const record = await readRecord(folder, part);
    if (record?.first !== tiles) break;
    tiles += record.tiles;
  }
  if (tiles === input.tiles) return;
  throw new CanopyError(
    "INCOMPLETE",
    `The parts in ${folder} hold the first ${tiles} of ${input.tiles} tiles: \`resume\` does what is missing.`,
  );
}

async function* partPieces(folder: string, identity: RunIdentity, context: RunContext): AsyncGenerator<Piece> {
  const progress = { stage: "write", done: 0, total: identity.input.tiles, rejected: 0 };
  const listed = readTileList(runFiles(folder).tiles, { from: 0, to: identity.input.tiles });
  try {
    for (const part of await listParts(folder)) {
      const record = await readRecord(folder, part);
      const tilesSha256 = await hashNext(listed, record?.tiles ?? 0);
      if (record?.tilesSha256 !== tilesSha256) throw damaged(runFiles(folder).record(part));
      yield pieceOf(folder, record, identity);
      progress.done += record.tiles;
      progress.rejected += record.rejected;
      context.onProgress?.({ ...progress });
    }
  } finally {
    await listed.return(undefined);
  }
}

function pieceOf(folder: string, record: PartRecord, identity: RunIdentity): Piece {
  const { tiles, predicted, rejected, rejects } = record;
  const lines = rejects.map((reject) => `${JSON.stringify(reject)}\n`).join("");
  return { tiles, predicted, rejected, rows: () => rowsOf(folder, record, identity), rejects: () => toStream(lines) };
}

async function* rowsOf(folder: string, record: PartRecord, identity: RunIdentity): AsyncGenerator<Rows> {
  const path = runFiles(folder).rows(record.part);
  const rows = checkedRows(path, record);
  try {
    yield* identity.settings.format === "parquet" ? unpackRows(path, rows, rowOptions(identity)) : rows;
  } catch (error) {
    // Damaged rows may be unreadable before their checksum is compared.
    throw error instanceof SyntaxError || error instanceof FormatError ? damaged(path) : error;
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
  return new FormatError(path, `${path} is damaged; \`resume\` does this part again.`);
}
