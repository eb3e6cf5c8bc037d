/** Writes a tile list, and writes it again for a resumed run: files of tiles that are done must not have changed. */
import { createHash } from "node:crypto";
import { inChunks } from "../chunks.js";
import { InputError, InterruptedError } from "../errors.js";
import { writeWith } from "../files/write.js";
import { mapInFlight } from "../in-flight.js";
import { isRemote } from "../remote/address.js";
import { statesOf } from "./file-state.js";
import { hashName, type Share } from "./shard.js";
import { type Tile, type TileSource, tileLocation } from "./tile.js";
import { encodeLine, encodeTile, type ListedTile, readListedTiles } from "./tile-list.js";

interface TileListFacts {
  tiles: number;
  /** Over all tiles, without the states of their files. */
  sha256: string;
  /**
   * The whole input, of which a shard lists its share. The hash is over the names, so that shards may see it under
   * other paths. If archives are dealt out as a whole, nobody counts all tiles (null), and the hash is over the names and
   * sizes of archives and over the names of other tiles.
   */
  whole: { tiles: number | null; namesSha256: string };
}

export interface WrittenTileList extends TileListFacts {
  /** Of the file, states and all. */
  fileSha256: string;
  /** Tiles whose name another tile has already. */
  duplicates: number;
  /** Names that were compared: as many as are remembered, or all. */
  compared: number;
}

export interface ListOptions {
  /** Only this share's tiles. */
  share?: Share | undefined;
  /** Files that every process makes anew, so that their state says nothing. @default none */
  isCopy?: (path: string) => boolean;
  signal?: AbortSignal | undefined;
  onTile?: ((count: number) => void) | undefined;
}

/** What a run that goes on has done. */
export interface DoneTiles {
  /** Whether tile number `index` of the list is done. */
  isDone(index: number): boolean;
  /** Called with each tile that is done and was not there when the run began, but is now. */
  onAppeared(tile: Tile): void;
}

/** Tiles gone through between two writes. */
const BLOCK_TILES = 1024;
/** Names that are remembered to find duplicates, in 30 MiB. */
const MOST_NAMES = 500_000;

/** Lists `source` into `file`, durably. */
export function writeTileList(file: string, source: TileSource, options: ListOptions): Promise<WrittenTileList> {
  return write(file, listTiles(source, options), options);
}

/**
 * The same for a run of the list `file` that goes on. Throws an InputError that names the first difference if `source`
 * holds other tiles than the list, or if the file of a tile that is done has changed; the list then stays as it was.
 * Tiles that are not done may have changed: they are read as they are now.
 */
export function rewriteTileList(
  file: string,
  source: TileSource,
  done: DoneTiles,
  options: ListOptions,
): Promise<WrittenTileList> {
  return write(file, refuseChanges(file, listTiles(source, options), done), options);
}

/** The lines of `writeTileList`, without writing them. */
export function digestTileList(source: TileSource, options: ListOptions): Promise<WrittenTileList> {
  return encodeTiles(listTiles(source, options), async () => {}, options);
}

async function write(file: string, listing: Listing, options: ListOptions): Promise<WrittenTileList> {
  let written: WrittenTileList | undefined;
  await writeWith(file, async (draft) => {
    written = await encodeTiles(listing, (block) => draft.write(block), options);
  });
  return written!;
}

/** Some tiles of the whole input: their names, and what of them is to be listed. */
interface Block {
  names: string[];
  listed: ListedTile[];
}

type Listing = AsyncGenerator<Block>;

async function* listTiles(source: TileSource, options: ListOptions): Listing {
  yield* mapInFlight(inChunks(watched(source, options), BLOCK_TILES), 2, async (tiles) => {
    const { share } = options;
    const selected = share === undefined ? tiles : tiles.filter((tile) => share.has(tile));
    const named = share?.archives ? tiles.filter(({ offset }) => offset === undefined) : tiles;
    return { names: named.map(({ name }) => name), listed: await withStates(selected, options) };
  });
}

async function withStates(tiles: readonly Tile[], { isCopy = () => false }: ListOptions): Promise<ListedTile[]> {
  const compared = tiles.filter(
    ({ path, offset, failure }) => failure === undefined && !isCopy(path) && !(offset === undefined && isRemote(path)),
  );
  const states = await statesOf(compared.map(({ path }) => path));
  const byTile = new Map(compared.map((tile, i) => [tile, states[i]]));
  return tiles.map((tile) => ({ tile, state: byTile.get(tile) }));
}

async function encodeTiles(
  listing: Listing,
  write: (block: string) => Promise<unknown>,
  { share }: ListOptions,
): Promise<WrittenTileList> {
  const archives = share?.archives;
  const [file, own, names] = [createHash("sha256"), createHash("sha256"), createHash("sha256")];
  const seen = new Set<number>();
  const facts = { tiles: 0, duplicates: 0, compared: 0 };
  let whole = 0;
  if (archives !== undefined) names.update(`${archives.facts.join("\n")}\n\n`);
  for await (const block of listing) {
    whole += block.names.length;
    names.update(block.names.map((name) => `${name}\n`).join(""));
    own.update(block.listed.map(({ tile }) => `${encodeTile(tile)}\n`).join(""));
    for (const { tile } of block.listed) countDuplicate(tile.name, seen, facts);
    facts.tiles += block.listed.length;
    const lines = block.listed.map(encodeLine).join("");
    file.update(lines);
    await write(lines);
  }
  const [sha256, fileSha256] = [own.digest("hex"), file.digest("hex")];
  return { ...facts, sha256, fileSha256, whole: { tiles: archives ? null : whole, namesSha256: names.digest("hex") } };
}

function countDuplicate(name: string, seen: Set<number>, facts: { duplicates: number; compared: number }): void {
  const key = hashName(name);
  if (seen.has(key)) facts.duplicates++;
  if (seen.size === MOST_NAMES) return;
  facts.compared++;
  seen.add(key);
}

/** Passes on what `listing` has, with the old states of tiles that are done. */
async function* refuseChanges(file: string, listing: Listing, done: DoneTiles): Listing {
  const known = readListedTiles(file);
  let index = 0;
  try {
    for await (const { names, listed } of listing) {
      const kept: ListedTile[] = [];
      for (const now of listed) kept.push(keep((await known.next()).value ?? undefined, now, index++, done));
      yield { names, listed: kept };
    }
    const missing = await known.next();
    if (!missing.done) throw changed(`${tileLocation(missing.value.tile)} is not there any more`);
  } finally {
    await known.return(undefined);
  }
}

function keep(then: ListedTile | undefined, now: ListedTile, index: number, done: DoneTiles): ListedTile {
  if (then === undefined)
    throw changed(`the run began with ${index} tiles, and now there is also ${tileLocation(now.tile)}`);
  if (encodeTile(then.tile) !== encodeTile(now.tile)) throw changed(describeChange(then.tile, now.tile, index));
  if (!done.isDone(index)) return now;
  if (then.state === undefined && now.state !== undefined) done.onAppeared(now.tile);
  // A file that is gone is not needed: its row is done.
  if (then.state === undefined || now.state === undefined) return then;
  if (then.state.size !== now.state.size || then.state.mtime !== now.state.mtime) throw otherFile(now.tile);
  return then;
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

function otherFile(tile: Tile): InputError {
  const { path, member } = tile;
  const file = member === undefined ? path : `${path} (which holds ${tileLocation(tile)})`;
  return new InputError(
    `The input has changed since the run began: ${file} has another size or time of modification. Restore it (with ` +
      "its time) to resume, or start anew with `overwrite`.",
  );
}

function changed(what: string): InputError {
  return new InputError(
    `The input has changed since the run began: ${what}. Restore it to resume, or start anew with \`overwrite\`.`,
  );
}
