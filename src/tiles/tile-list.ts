/**
 * The tile list of a run: the tiles of its inputs when it began, one per line, on disk. A run uses only this list, so
 * that later files change nothing, and an interrupted run can go on at its place.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { inChunks } from "../chunks.js";
import { FormatError } from "../errors.js";
import type { FileState } from "./file-state.js";
import { linesByBlock, linesOf } from "./lines.js";
import { tileName } from "./names.js";
import { type Tile, type TileFailure, tileLocation } from "./tile.js";

/**
 * A tile, and the state of its file (its archive) when it was listed; undefined if the file was missing or not checked.
 */
export interface ListedTile {
  tile: Tile;
  state: FileState | undefined;
}

/** Tiles `[from, to)` of a list. */
export interface ListRange {
  from: number;
  to: number;
  /** Byte of the file where tile `from` begins, if it is known: spares reading what comes before. */
  byteOffset?: number;
}

/** The tiles of `range` in the list `file`. */
export async function* readTileList(file: string, range: ListRange): AsyncGenerator<Tile> {
  for await (const tiles of readBlocks(file, range)) yield* tiles;
}

/** The same, `blockTiles` at a time; the last block may have fewer. */
export function readTileBlocks(file: string, range: ListRange, blockTiles: number): AsyncGenerator<Tile[]> {
  return inChunks(readBlocks(file, range), blockTiles);
}

/** The tiles of `range`, as many at a time as the lines that are read at once. */
async function* readBlocks(file: string, { from, to, byteOffset }: ListRange): AsyncGenerator<Tile[]> {
  let index = byteOffset === undefined ? 0 : from;
  for await (const lines of linesByBlock(file, createReadStream(file, { start: byteOffset ?? 0 }))) {
    yield lines.slice(Math.max(0, from - index), to - index).map((line) => decodeLine(line, file).tile);
    index += lines.length;
    if (index >= to) return;
  }
}

/** All tiles of the list `file`, with the states of their files. */
export async function* readListedTiles(file: string): AsyncGenerator<ListedTile> {
  for await (const line of linesOf(file, createReadStream(file))) yield decodeLine(line, file);
}

/** Cuts the list `file` into stretches of `tiles` tiles (the last may have fewer). */
export async function* cutTileList(file: string, tiles: number): AsyncGenerator<Required<ListRange>> {
  let from = 0;
  let byteOffset = 0;
  let index = 0;
  let position = 0;
  for await (const line of linesOf(file, createReadStream(file))) {
    position += Buffer.byteLength(line) + 1;
    if (++index - from === tiles) {
      yield { from, to: index, byteOffset };
      from = index;
      byteOffset = position;
    }
  }
  if (index > from) yield { from, to: index, byteOffset };
}

/** Hashes where tiles are, one after the other, so that rows of other tiles are noticed. */
export class TilesHash {
  readonly #hash = createHash("sha256");

  add(tiles: readonly Tile[]): void {
    this.#hash.update(tiles.map((tile) => `${tileLocation(tile)}\n`).join(""));
  }

  /** Can be read once. */
  digest(): string {
    return this.#hash.digest("hex");
  }
}

/** The hash of the next `count` of `tiles`, or of as many as there are. */
export async function hashNext(tiles: AsyncIterator<Tile>, count: number): Promise<string> {
  const hash = new TilesHash();
  let block: Tile[] = [];
  for (let left = count; left > 0; left--) {
    const next = await tiles.next();
    if (next.done) break;
    if (block.push(next.value) < HASHED_AT_ONCE) continue;
    hash.add(block);
    block = [];
  }
  hash.add(block);
  return hash.digest();
}

const HASHED_AT_ONCE = 256;

/** The hash of the tiles of `range` in the list `file`. */
export async function hashRange(file: string, range: ListRange): Promise<string> {
  const hash = new TilesHash();
  for await (const tiles of readBlocks(file, range)) hash.add(tiles);
  return hash.digest();
}

/**
 * `[size, mtime, path]`, or the same with `offset, byteLength, member` and perhaps a failure (or null) and the length
 * that the bytes inflate to. The name follows from the path; another one comes last, and null stands for what is not
 * there.
 */
export function encodeLine({ tile, state }: ListedTile): string {
  return `[${state?.size ?? null},${state?.mtime ?? null},${encodeTile(tile).slice(1)}\n`;
}

/** A tile without the state of its file. */
export function encodeTile({ name, path, offset, byteLength, member, failure, inflatedLength }: Tile): string {
  if (name !== tileName(member ?? path)) {
    return JSON.stringify([path, offset, byteLength, member, failure, inflatedLength, name]);
  }
  if (inflatedLength !== undefined) {
    return JSON.stringify([path, offset, byteLength, member ?? null, failure ?? null, inflatedLength]);
  }
  if (failure !== undefined) return JSON.stringify([path, offset, byteLength, member ?? null, failure]);
  return JSON.stringify(offset === undefined ? [path] : [path, offset, byteLength, member]);
}

type Line = [
  size: number | null,
  mtime: number | null,
  path: string,
  offset?: number | null,
  byteLength?: number | null,
  member?: string | null,
  failure?: TileFailure | null,
  inflatedLength?: number | null,
  name?: string,
];

function decodeLine(line: string, file: string): ListedTile {
  const [size, mtime, path, offset, byteLength, member, failure, inflatedLength, name] = parseLine(line, file);
  const tile = {
    name: name ?? tileName(member ?? path),
    path,
    ...(offset === undefined || offset === null ? {} : { offset }),
    ...(byteLength === undefined || byteLength === null ? {} : { byteLength }),
    ...(member === undefined || member === null ? {} : { member }),
    ...(failure === undefined || failure === null ? {} : { failure }),
    ...(inflatedLength === undefined || inflatedLength === null ? {} : { inflatedLength }),
  };
  return { tile, state: size === null || mtime === null ? undefined : { size, mtime } };
}

/** Checked by hand: lists have millions of lines. @throws FormatError */
function parseLine(line: string, file: string): Line {
  let values: unknown;
  try {
    values = JSON.parse(line);
  } catch {}
  if (isLine(values)) return values;
  throw new FormatError(
    file,
    `The tile list ${file} is damaged (${JSON.stringify(line.slice(0, 60))}). Begin the run anew with \`overwrite\`.`,
  );
}

function isLine(values: unknown): values is Line {
  if (!Array.isArray(values)) return false;
  const [size, mtime, path, offset, byteLength, member, failure, inflatedLength, name] = values;
  return (
    [size, mtime].every((value) => value === null || typeof value === "number") &&
    typeof path === "string" &&
    [offset, byteLength, inflatedLength].every((value) => value === undefined || value === null || isCount(value)) &&
    (name === undefined || typeof name === "string") &&
    (member === undefined || member === null || typeof member === "string") &&
    (failure === undefined || failure === null || (isCode(failure.code) && typeof failure.message === "string"))
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCode(code: unknown): boolean {
  return code === "READ" || code === "FORMAT" || code === "LIMIT" || code === "CRASH";
}
