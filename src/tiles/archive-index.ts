/**
 * The index of an archive: its tiles, listed once, in a file beside it. A process that has one reads of the archive only
 * the tiles it wants.
 */
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { FormatError } from "../errors.js";
import { isRemote } from "../remote/address.js";
import { type FileState, statesOf } from "./file-state.js";
import { brokenArchive, type WalkTally } from "./folder.js";
import { linesByBlock } from "./lines.js";
import { failedMember, memberTile } from "./names.js";
import type { Tile, TileFailure } from "./tile.js";

export const INDEX_VERSION = 1;

/** Where the index of `archive` is looked for. */
export function indexPath(archive: string): string {
  return `${archive}.index.jsonl`;
}

/** The first line. The archive has changed if its size or time of modification (in ms) is another. */
interface IndexHead extends FileState {
  canopyIndex: number;
  archive: string;
}

/** The last line. */
interface IndexEnd {
  tiles: number;
  ignored: number;
}

/** `[member, offset, byteLength]`, then the failure of one that is bad or null, and the length it inflates to. */
type IndexLine = [string | null, number, number, (TileFailure | null)?, number?];

/** The lines of an index of `archive`, whose `tiles` come from its headers. `tally` has counted what is ignored when they end. */
export async function* linesOfIndex(
  archive: string,
  state: FileState,
  tiles: AsyncIterable<Tile>,
  tally: WalkTally,
): AsyncGenerator<string> {
  yield `${JSON.stringify({ canopyIndex: INDEX_VERSION, archive: basename(archive), ...state } satisfies IndexHead)}\n`;
  let count = 0;
  for await (const { member = null, offset = 0, byteLength = 0, failure, inflatedLength } of tiles) {
    const line: IndexLine = [member, offset, byteLength];
    if (failure !== undefined || inflatedLength !== undefined) line.push(failure ?? null);
    if (inflatedLength !== undefined) line.push(inflatedLength);
    yield `${JSON.stringify(line)}\n`;
    count++;
  }
  yield `${JSON.stringify({ tiles: count, ignored: tally.ignored } satisfies IndexEnd)}\n`;
}

/** Whether there is an index of `archive`, and whether it is of the archive as it is now. */
export async function findIndex(archive: string): Promise<"none" | "stale" | "fresh"> {
  // Only addresses that the user named are spoken to.
  if (isRemote(archive)) return "none";
  const [index, state] = await statesOf([indexPath(archive), archive]);
  if (index === undefined || state === undefined) return "none";
  const lines = linesByBlock(indexPath(archive), createReadStream(indexPath(archive), { end: 4095 }));
  try {
    const [line] = (await lines.next()).value ?? [];
    const { canopyIndex, size, mtime } = JSON.parse(line ?? "") as Partial<IndexHead>;
    return canopyIndex === INDEX_VERSION && size === state.size && mtime === state.mtime ? "fresh" : "stale";
  } catch {
    return "stale";
  } finally {
    await lines.return(undefined);
  }
}

/** The tiles of `archive` by its index. Throws a FormatError if that is damaged. */
export async function* tilesOfIndex(archive: string, tally: WalkTally): AsyncGenerator<Tile> {
  const path = indexPath(archive);
  let count = -1;
  let end: unknown;
  for await (const lines of linesByBlock(path, createReadStream(path))) {
    for (const line of lines) {
      const value = parse(line, path);
      if (Array.isArray(value)) yield tileOf(archive, checked(value, path), tally);
      else if (count >= 0) end = value;
      count++;
    }
  }
  const { tiles, ignored } = (end ?? {}) as Partial<IndexEnd>;
  if (tiles !== count - 1 || typeof ignored !== "number") throw damaged(path);
  tally.ignored += ignored;
}

function tileOf(
  archive: string,
  [member, offset, byteLength, failure, inflatedLength]: IndexLine,
  tally: WalkTally,
): Tile {
  if (failure) {
    const { code, message } = failure;
    if (member === null) return brokenArchive(tally, archive, code, message);
    return failedMember(archive, member, code, message);
  }
  const tile = memberTile(archive, member ?? "", { offset, byteLength });
  return inflatedLength === undefined ? tile : { ...tile, inflatedLength };
}

function parse(line: string, path: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw damaged(path);
  }
}

function checked(value: unknown[], path: string): IndexLine {
  const [member, offset, byteLength, failure, inflatedLength = 0] = value;
  const counts = [offset, byteLength, inflatedLength].every((each) => Number.isSafeInteger(each) && Number(each) >= 0);
  if (
    counts &&
    (failure ? isFailure(failure) && (member === null || typeof member === "string") : typeof member === "string")
  )
    return value as unknown as IndexLine;
  throw damaged(path);
}

function isFailure(value: unknown): value is TileFailure {
  const { code, message } = value as Partial<TileFailure>;
  return (code === "READ" || code === "FORMAT" || code === "LIMIT") && typeof message === "string";
}

function damaged(path: string): FormatError {
  return new FormatError(path, `The index ${path} is damaged: make it again with \`canopy index\`, or delete it.`);
}
