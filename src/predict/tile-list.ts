/**
 * The tile list of a run: what its inputs held when it began, one line a tile, on disk. A run goes by this list, so that files that come
 * later change nothing, and an interrupted run knows its place.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { inChunks } from "../chunks.js";
import { InputError, InterruptedError } from "../errors.js";
import { writeWith } from "../files/write.js";
import { linesByBlock, linesOf } from "../tiles/lines.js";
import { tileName } from "../tiles/names.js";
import { type Tile, type TileFailure, type TileSource, tileLocation } from "../tiles/tile.js";
import { inShard, NameSet, type Shard } from "./name-hash.js";

export interface TileListFacts {
  tiles: number;
  /** Of the list file: the fingerprint of the input. */
  sha256: string;
  /** The whole input, of which a shard lists its share. The hash is over the names, so that shards may see it under other paths. */
  whole: { tiles: number; namesSha256: string };
  /** SHA-256 of an archive that came on standard input; null where there was none. */
  stdin: string | null;
}

export interface WrittenTileList extends Omit<TileListFacts, "stdin"> {
  /** Tiles whose name another tile has already. */
  duplicates: number;
  /** Names that were compared; less than `tiles` for more names than are remembered. */
  compared: number;
}

export interface ListOptions {
  /** Only this shard's tiles. */
  shard?: Shard | undefined;
  signal?: AbortSignal | undefined;
  onTile?: ((count: number) => void) | undefined;
}

/** Tiles gone through between two writes. */
const BLOCK_TILES = 1024;

/** Lists `source` into `file`, durably. */
export async function writeTileList(file: string, source: TileSource, options: ListOptions): Promise<WrittenTileList> {
  let written: WrittenTileList | undefined;
  await writeWith(file, async (draft) => {
    written = await encodeAll(source, options, (block) => draft.write(block));
  });
  return written!;
}

/** What `writeTileList` would write, without writing it. */
export async function digestTileList(
  source: TileSource,
  options: ListOptions,
): Promise<{ tiles: number; sha256: string }> {
  return encodeAll(source, options, async () => {});
}

/** The tiles a list of `source` has. */
export async function* selectedTiles(source: TileSource, options: ListOptions): AsyncGenerator<Tile> {
  for await (const tile of watched(source, options)) if (isSelected(tile, options)) yield tile;
}

async function encodeAll(
  source: TileSource,
  options: ListOptions,
  write: (block: string) => Promise<unknown>,
): Promise<WrittenTileList> {
  const own = createHash("sha256");
  const names = createHash("sha256");
  const seen = new NameSet();
  const facts = { tiles: 0, duplicates: 0, compared: 0, whole: 0 };
  let lines: string[] = [];
  let listed: string[] = [];
  const flush = async (): Promise<void> => {
    const block = lines.join("");
    own.update(block);
    names.update(listed.join(""));
    lines = [];
    listed = [];
    await write(block);
  };
  for await (const tile of watched(source, options)) {
    facts.whole++;
    listed.push(`${tile.name}\n`);
    if (isSelected(tile, options)) {
      facts.tiles++;
      if (!seen.isFull) facts.compared++;
      if (seen.add(tile.name)) facts.duplicates++;
      lines.push(encode(tile));
    }
    if (listed.length === BLOCK_TILES) await flush();
  }
  await flush();
  const whole = { tiles: facts.whole, namesSha256: names.digest("hex") };
  return { ...facts, sha256: own.digest("hex"), whole };
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
  for await (const tiles of readLines(file, range)) yield* tiles;
}

/** The same, `blockTiles` at a time; the last block may have fewer. */
export function readTileBlocks(file: string, range: ListRange, blockTiles: number): AsyncGenerator<Tile[]> {
  return inChunks(readLines(file, range), blockTiles);
}

/** The tiles of `range`, as many at a time as the lines that are read at once. */
async function* readLines(file: string, { from, to, byteOffset }: ListRange): AsyncGenerator<Tile[]> {
  let index = byteOffset === undefined ? 0 : from;
  for await (const lines of linesByBlock(createReadStream(file, { start: byteOffset ?? 0 }))) {
    yield lines.slice(Math.max(0, from - index), to - index).map(decode);
    index += lines.length;
    if (index >= to) return;
  }
}

/** Cuts the list `file` into stretches of `tiles` tiles (the last may have fewer). */
export async function* cutTileList(file: string, tiles: number): AsyncGenerator<Required<ListRange>> {
  let from = 0;
  let byteOffset = 0;
  let index = 0;
  let position = 0;
  for await (const line of linesOf(createReadStream(file))) {
    position += Buffer.byteLength(line) + 1;
    if (++index - from === tiles) {
      yield { from, to: index, byteOffset };
      from = index;
      byteOffset = position;
    }
  }
  if (index > from) yield { from, to: index, byteOffset };
}

/** Throws an InputError that names the first difference if `source` does not hold what the list `file` says. */
export async function checkTileList(file: string, source: TileSource, options: ListOptions): Promise<void> {
  const known = linesOf(createReadStream(file));
  try {
    let index = 0;
    for await (const tile of watched(source, options)) {
      if (!isSelected(tile, options)) continue;
      const line = await known.next();
      if (line.done) throw changed(`the run began with ${index} tiles, and now there is also ${tileLocation(tile)}`);
      if (`${line.value}\n` !== encode(tile)) throw changed(describeChange(decode(line.value), tile, index));
      index++;
    }
    const missing = await known.next();
    if (!missing.done) throw changed(`${tileLocation(decode(missing.value))} is not there any more`);
  } finally {
    await known.return(undefined);
  }
}

function describeChange(before: Tile, now: Tile, index: number): string {
  const [then, here] = [tileLocation(before), tileLocation(now)];
  if (then === here) return `${here} lies elsewhere in its archive now, or has another size`;
  return `tile ${index + 1} was ${then} when the run began and is ${here} now`;
}

/** The source, reporting now and then, and stopping on abort. */
async function* watched(source: TileSource, { signal, onTile }: ListOptions): AsyncGenerator<Tile> {
  let count = 0;
  for await (const tile of source) {
    if ((++count & 1023) === 0) {
      if (signal?.aborted) throw new InterruptedError();
      onTile?.(count);
    }
    yield tile;
  }
}

function isSelected(tile: Tile, { shard }: ListOptions): boolean {
  return shard === undefined || inShard(tile.name, shard);
}

/** `[path]`, `[path, offset, byteLength, member]`, or the same with a failure; the name follows from the path. */
function encode(tile: Tile): string {
  const { path, offset, byteLength, member, failure } = tile;
  if (failure !== undefined) return `${JSON.stringify([path, offset, byteLength, member ?? null, failure])}\n`;
  return `${JSON.stringify(offset === undefined ? [path] : [path, offset, byteLength, member])}\n`;
}

function decode(line: string): Tile {
  const [path, offset, byteLength, member, failure] = JSON.parse(line) as [
    string,
    number?,
    number?,
    string?,
    TileFailure?,
  ];
  return {
    name: tileName(member ?? path),
    path,
    ...(offset === undefined ? {} : { offset }),
    ...(byteLength === undefined ? {} : { byteLength }),
    ...(member === undefined || member === null ? {} : { member }),
    ...(failure === undefined ? {} : { failure }),
  };
}

function changed(what: string): InputError {
  return new InputError(
    `The input has changed since the run began: ${what}. Restore it to resume, or start anew with --overwrite.`,
  );
}
