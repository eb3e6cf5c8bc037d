/**
 * INPUT arguments become a stream of tiles: folders, files, archives, `@list.txt` and `-`. The order is
 * deterministic, and only one folder's names are in memory.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { InputError } from "../errors.js";
import { tilesOfArchive } from "./archive.js";
import { indexPath } from "./archive-index.js";
import { statesOf } from "./file-state.js";
import { type WalkTally, walkFolder } from "./folder.js";
import { archivesInList, classify, type InputItem, isStdin, listOf, type TileInputs } from "./inputs.js";
import { tilesOfList } from "./list.js";
import { fileTile, type Naming, pathName, TILE_EXTENSIONS } from "./names.js";
import { isPacked } from "./packed.js";
import type { Addresses } from "./remote-input.js";
import { type Shard, type Share, shareOf } from "./shard.js";
import type { SpooledInput } from "./stdin.js";
import { type Tile, type TileFailure, type TileSource, tileLocation } from "./tile.js";

export interface OpenTilesOptions {
  /** The stream that `-` reads. @default process.stdin */
  stdin?: Readable;
  /**
   * Folder for the copy of standard input, which the caller then owns. @default a temporary folder, removed by
   * `close()`
   */
  spoolFolder?: string;
  /** Aborts the copying of standard input with InterruptedError. */
  signal?: AbortSignal | undefined;
  /** Called now and then with the bytes of standard input that have been copied. */
  onBytes?: ((bytes: number) => void) | undefined;
  /** Only this shard's archives, if there are at least as many as shards. @default all */
  shard?: Shard | undefined;
  /** Whether a tile's name keeps its folders. @default "file" */
  names?: Naming | undefined;
  /** Called at the end of a listing for archives that are broken or lie among tiles, and for indexes that are not used. */
  onWarning?: ((message: string) => void) | undefined;
}

/** An opened INPUT. */
export interface OpenedTiles {
  /** Lists the tiles again on each call. Throws an InputError at the end if there was none. */
  list(): TileSource;
  /** `list()`, for a single pass. */
  readonly tiles: TileSource;
  /** How many files the last listing has ignored so far because of their names. */
  ignored(): number;
  /** What the shard takes of the tiles that are listed; undefined for a run of all. */
  readonly share: Share | undefined;
  /** Of an archive on standard input; undefined if there is none. */
  readonly stdinSha256: string | undefined;
  /** Removes the copy of standard input. */
  close(): Promise<void>;
}

/**
 * Gives the tiles of `inputs` as a stream, in the order of the arguments. Throws an InputError for an input or list
 * that does not exist. Bad tiles, also files that vanish later, are not noticed here.
 */
export async function openTiles(input: TileInputs, options: OpenTilesOptions = {}): Promise<OpenedTiles> {
  const inputs = listOf(input);
  if (inputs.length === 0)
    throw new InputError("No input given: name a folder, files, archives, @list.txt, or - for stdin.");
  if (inputs.filter(isStdin).length > 1) throw new InputError("Standard input (-) can be given only once.");
  const items: InputItem[] = [];
  const addresses: Addresses = new Map();
  let spooled: Spooled | undefined;
  for (const input of inputs) {
    if (isStdin(input)) spooled = await spool(options);
    const found = isStdin(input) ? [spooled!.input] : await classify(input, options.signal, addresses);
    // A bucket may hold more than a call takes arguments.
    for (const item of found) items.push(item);
  }
  const share = options.shard && (await shareIn(items, options.shard));
  let tally: WalkTally = { ignored: 0 };
  const list = (): TileSource => {
    tally = { ignored: 0 };
    return listItems(items, inputs, { tally, share, addresses }, options);
  };
  return {
    list,
    get tiles() {
      return list();
    },
    share,
    stdinSha256: spooled?.input.kind === "archive" ? spooled.input.sha256 : undefined,
    ignored: () => tally.ignored,
    close: async () => {
      await spooled?.remove();
    },
  };
}

interface Spooled {
  input: SpooledInput;
  /** Removes the copy, unless it is the caller's. */
  remove(): Promise<void>;
}

async function spool({ stdin = process.stdin, spoolFolder, signal, onBytes }: OpenTilesOptions): Promise<Spooled> {
  if (spoolFolder === undefined && stdin.readableEnded) {
    throw new InputError(
      "Standard input (-) has been read to its end, and its tiles are needed once more: store the list or the archive, and name that.",
    );
  }
  const folder = spoolFolder ?? (await mkdtemp(join(tmpdir(), "canopy-stdin-")));
  const remove = async (): Promise<void> => {
    if (spoolFolder === undefined) await rm(folder, { recursive: true, force: true });
  };
  const remedy =
    spoolFolder === undefined ? "let TMPDIR name a larger disk" : "put the output on a larger disk (`out`)";
  try {
    const { spoolInput } = await import("./stdin.js");
    return { input: await spoolInput(stdin, folder, { signal, onBytes, remedy }), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** All tiles of `inputs` as an array, for sets that are labelled and so fit in memory. `close()` when they have been read. */
export async function collectTiles(
  inputs: TileInputs,
  options: OpenTilesOptions = {},
): Promise<{ tiles: Tile[]; ignored: number; close(): Promise<void> }> {
  const opened = await openTiles(inputs, options);
  try {
    const tiles: Tile[] = [];
    for await (const tile of opened.tiles) tiles.push(tile);
    return { tiles, ignored: opened.ignored(), close: opened.close };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function* listItems(
  items: readonly InputItem[],
  inputs: readonly string[],
  listing: Listing,
  { names, onWarning }: OpenTilesOptions,
): AsyncGenerator<Tile> {
  const { tally, share } = listing;
  let count = 0;
  let hasGood = false;
  let failed: Tile | undefined;
  for (const item of items) {
    for await (const tile of tilesOf(item, listing)) {
      count++;
      if (tile.failure === undefined) hasGood = true;
      else failed ??= tile;
      yield names === "path" ? { ...tile, name: pathName(tile, item.kind === "folder" ? item.path : undefined) } : tile;
    }
  }
  // A shard that has no tiles is whole, too.
  if (count === 0 && share?.archives === undefined) throw new InputError(emptyMessage(inputs, tally));
  if (failed?.failure && !hasGood) throw nothingIn(failed, failed.failure, count);
  if (tally.staleIndex !== undefined) onWarning?.(describeStale(tally.staleIndex));
  if (tally.broken !== undefined) onWarning?.(describeBroken(tally.broken));
  if (tally.archive !== undefined) onWarning?.(`Archives among tiles are ignored, ${adviceOn(tally.archive)}.`);
}

/** What a listing has seen, what it leaves out, and the addresses of the input. */
interface Listing {
  tally: WalkTally;
  share: Share | undefined;
  addresses: Addresses;
}

async function* tilesOf({ kind, path, shown, others = 0 }: InputItem, listing: Listing): AsyncGenerator<Tile> {
  const { tally, share, addresses } = listing;
  tally.ignored += others;
  const isOurs = (archive: string): boolean => share?.archives?.has(archive) ?? true;
  if (kind === "file") yield fileTile(path);
  else if (kind === "folder") yield* tilesOfFolder(path, tally);
  else if (kind === "list") yield* tilesOfList(path, tally, { isOurs, shown, addresses });
  else if (isOurs(path)) yield* tilesOfArchive(path, tally);
}

async function shareIn(items: readonly InputItem[], shard: Shard): Promise<Share> {
  const archives: string[] = [];
  for (const { kind, path, shown } of items) {
    if (kind === "archive") archives.push(path);
    else if (kind === "list") archives.push(...(await archivesInList(path, shown)));
  }
  // One that is given twice is one shard's, both times.
  const distinct = [...new Set(archives)];
  const states = await statesOf(distinct);
  return shareOf(
    shard,
    distinct.map((path, i) => ({ path, bytes: states[i]?.size ?? 0 })),
  );
}

async function* tilesOfFolder(path: string, tally: WalkTally): AsyncGenerator<Tile> {
  try {
    yield* walkFolder(path, tally);
  } catch (error) {
    throw new InputError(`The folder ${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

function emptyMessage(inputs: readonly string[], { ignored, archive }: WalkTally): string {
  const others = ignored === 0 ? "" : `; ${ignored} other file${ignored === 1 ? " was" : "s were"} ignored`;
  const hint = archive === undefined ? "" : `, among them archives, ${adviceOn(archive)}`;
  const names = inputs.map((input) => (isStdin(input) ? "standard input" : input));
  return `No tiles in ${names.join(", ")}: looked for ${TILE_EXTENSIONS.join(" ")}${others}${hint}.`;
}

function describeBroken({ archives, first }: NonNullable<WalkTally["broken"]>): string {
  const what = archives.size === 1 ? "An archive is" : `${archives.size} archives are`;
  return `${what} damaged, cut off or cannot be read, and tiles behind that place are counted nowhere; the first, ${first}.`;
}

function describeStale(archive: string): string {
  return `${indexPath(archive)} is of another state of its archive, or of another version of canopy, and was not used: \`canopy index\` makes it again.`;
}

function adviceOn(archive: string): string {
  return isPacked(archive) ? `which are to be unpacked (${archive})` : `which are inputs of their own (${archive})`;
}

/** Where all that was listed is known to be bad, nothing would come of a run. */
function nothingIn(first: Tile, { message }: TileFailure, count: number): InputError {
  const others = count === 1 ? "" : ` So are ${count - 1} more.`;
  return new InputError(`Not one tile can be read. ${tileLocation(first)} is rejected: ${message}.${others}`);
}
