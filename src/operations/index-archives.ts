/** `index`: the tiles of archives, listed once, so that shards and later runs need not read the archives for it. */
import { basename, join, resolve } from "node:path";
import { checkKinds, type OptionKinds } from "../check.js";
import { InputError, InterruptedError } from "../errors.js";
import { ensureFolder } from "../files/output.js";
import { writePieces } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import { tilesByHeaders } from "../tiles/archive.js";
import { findIndex, indexPath, linesOfIndex } from "../tiles/archive-index.js";
import { statesOf } from "../tiles/file-state.js";
import type { WalkTally } from "../tiles/folder.js";
import { archivesOf, type TileInputs } from "../tiles/inputs.js";
import type { Tile } from "../tiles/tile.js";

export interface IndexOptions {
  /** Archives, folders of them, patterns, `@list.txt`. */
  inputs: TileInputs;
  /** Folder for the indexes. @default each beside its archive, where it is found */
  out?: string | undefined;
  /** Makes indexes again that are up to date. @default false */
  overwrite?: boolean | undefined;
}

export interface IndexedArchive {
  archive: string;
  index: string;
  tiles: number;
  /** Members that cannot be read. */
  rejected: number;
  ignored: number;
  /** There was one of the archive as it is. */
  kept: boolean;
}

export interface IndexSummary {
  archives: IndexedArchive[];
}

const OPTIONS: OptionKinds<IndexOptions> = { inputs: "strings", out: "string?", overwrite: "boolean?" };

/**
 * Writes `<archive>.index.jsonl` for each archive of the inputs; an index that is up to date stays, a stale one is
 * replaced. Throws an InputError for what is no archive or cannot be read, InterruptedError on abort.
 */
export async function indexArchives(options: IndexOptions, context: RunContext = {}): Promise<IndexSummary> {
  checkKinds(options, OPTIONS);
  const { out, overwrite = false } = options;
  if (out !== undefined) await ensureFolder(out);
  const found = await archivesOf(options.inputs);
  const indexOf = (archive: string) =>
    out === undefined ? indexPath(archive) : join(out, basename(indexPath(archive)));
  refuseSameIndex(found, indexOf);
  const archives: IndexedArchive[] = [];
  for (const archive of found) {
    const index = indexOf(archive);
    const keep = out === undefined && !overwrite && (await findIndex(archive)) === "fresh";
    archives.push(keep ? { archive, index, ...NOTHING, kept: true } : await writeIndex(archive, index, context));
  }
  return { archives };
}

/** In one folder the indexes of archives of one name would replace each other. */
function refuseSameIndex(archives: readonly string[], indexOf: (archive: string) => string): void {
  const taken = new Map<string, string>();
  for (const archive of archives) {
    const index = indexOf(archive);
    const other = taken.get(index);
    if (other !== undefined && resolve(other) !== resolve(archive)) {
      throw new InputError(`${other} and ${archive} would both have the index ${index}: give another \`out\` to one.`);
    }
    taken.set(index, archive);
  }
}

const NOTHING = { tiles: 0, rejected: 0, ignored: 0 };

async function writeIndex(archive: string, index: string, context: RunContext): Promise<IndexedArchive> {
  const [state] = await statesOf([archive]);
  if (state === undefined) throw new InputError(`The archive ${archive} cannot be read.`);
  const tally: WalkTally = { ignored: 0 };
  const counts = { tiles: 0, rejected: 0 };
  const counted = async function* (): AsyncGenerator<Tile> {
    for await (const tile of tilesByHeaders(archive, tally)) {
      if (context.signal?.aborted) throw new InterruptedError("Interrupted: the indexes of earlier archives are done.");
      counts.tiles++;
      if (tile.failure !== undefined) counts.rejected++;
      if (counts.tiles % 1024 === 0)
        context.onProgress?.({ stage: "index", done: counts.tiles, rejected: counts.rejected });
      yield tile;
    }
  };
  await writePieces(index, linesOfIndex(archive, state, counted(), tally));
  return { archive, index, ...counts, ignored: tally.ignored, kept: false };
}
