/** Tiles of a folder and all folders below it, listed as a stream: in order, one folder's names in memory at a time. */
import type { Dirent, Stats } from "node:fs";
import { lstat, opendir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { failedTile, fileTile, hasTileExtension, isArchive } from "./names.js";
import { isPacked } from "./packed.js";
import { SortedNames } from "./sorted-names.js";
import type { Tile, TileFailure } from "./tile.js";

/** Counts the files that a walk ignored. */
export interface WalkTally {
  /** Files whose names are not those of tiles. */
  ignored: number;
  /** The first archive among them. */
  archive?: string;
  /** The first archive whose index is of another state of it, so that it was not used. */
  staleIndex?: string;
  /** Archives of which a part, or all, cannot be read. */
  broken?: { archives: Set<string>; first: string };
}

/** Of `archive` tiles are lost that nobody can count: `why`, for a warning. */
export function noteBroken(tally: WalkTally, archive: string, why: string): void {
  tally.broken ??= { archives: new Set(), first: `${archive}: ${why}` };
  tally.broken.archives.add(archive);
}

/** The place in an archive from which tiles are lost, as a tile. */
export function brokenArchive(tally: WalkTally, archive: string, code: TileFailure["code"], why: string): Tile {
  noteBroken(tally, archive, why);
  return failedTile(archive, code, why);
}

/** Marks a folder in the sorted names; it cannot occur in a name. */
const FOLDER_MARK = "/";

/** A walk: where it began, and what it ignored. */
interface Walk {
  top: string;
  tally: WalkTally;
}

/**
 * Yields the tiles under `folder`, names sorted by code unit within each folder, sub-folders at their place among them.
 * Links to files and folders are followed, except into a folder that the link lies in. A sub-folder that cannot be read
 * comes as a tile with a `failure`, as does a folder that is named like a tile and holds none. Throws if `folder`
 * itself cannot be read, or disappears while it is walked (is unmounted, for example).
 */
export async function* walkFolder(folder: string, tally: WalkTally): AsyncGenerator<Tile> {
  const info = await stat(folder);
  yield* walk(folder, await sortedEntries(folder, tally), [identity(info)], { top: folder, tally });
}

/** The same for a folder named in a list: if it cannot be read, it comes as a tile with a `failure`, too. */
export async function* tilesBelow(folder: string, tally: WalkTally): AsyncGenerator<Tile> {
  try {
    yield* walkFolder(folder, tally);
  } catch (error) {
    yield unreadableFolder(folder, error);
  }
}

async function* walk(folder: string, names: SortedNames, above: string[], context: Walk): AsyncGenerator<Tile> {
  for (const name of names.take()) {
    if (name.endsWith(FOLDER_MARK)) {
      yield* walkBelow(join(folder, name.slice(0, -FOLDER_MARK.length)), above, context);
    } else {
      const path = join(folder, name);
      yield name.includes(LOST_BYTES) ? await tileOfOddName(path) : fileTile(path);
    }
  }
}

async function* walkBelow(folder: string, above: string[], context: Walk): AsyncGenerator<Tile> {
  let found = false;
  try {
    const self = identity(await stat(folder));
    if (above.includes(self)) return;
    const names = await sortedEntries(folder, context.tally);
    for await (const tile of walk(folder, names, [...above, self], context)) {
      found = true;
      yield tile;
    }
  } catch (error) {
    if (await isGone(context.top)) throw error;
    yield unreadableFolder(folder, error);
    return;
  }
  if (!found && hasTileExtension(basename(folder))) {
    yield failedTile(folder, "READ", "is a folder, not a file, and holds no tiles");
  }
}

/** Bytes that are no UTF-8 are lost in names, and the file cannot be found by the rest. */
async function tileOfOddName(path: string): Promise<Tile> {
  const found = await lstat(path).catch(() => undefined);
  return found ? fileTile(path) : failedTile(path, "READ", BAD_NAME);
}

const LOST_BYTES = "\uFFFD";
const BAD_NAME = "its name holds bytes that are no UTF-8: rename it (convmv renames whole folders)";

function unreadableFolder(folder: string, error: unknown): Tile {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" && folder.includes(LOST_BYTES)) return failedTile(folder, "READ", BAD_NAME);
  return failedTile(folder, "READ", `the folder cannot be read (${code ?? message})`);
}

/**
 * Whether a folder that had sub-folders cannot be read any more, or is empty, as a mount point is once its volume has
 * gone.
 */
async function isGone(folder: string): Promise<boolean> {
  try {
    const entries = await opendir(folder);
    const first = await entries.read();
    await entries.close();
    return first === null;
  } catch {
    return true;
  }
}

async function sortedEntries(folder: string, tally: WalkTally): Promise<SortedNames> {
  const names = new SortedNames();
  for await (const entry of await opendir(folder, { bufferSize: 1024 })) {
    if (await isFolder(folder, entry)) names.add(entry.name + FOLDER_MARK);
    else if (hasTileExtension(entry.name)) names.add(entry.name);
    else passOver(join(folder, entry.name), tally);
  }
  return names;
}

function passOver(path: string, tally: WalkTally): void {
  tally.ignored++;
  if (isArchive(path) || isPacked(path)) tally.archive ??= path;
}

/** A folder without tiles that holds archives. */
export interface FolderOfArchives {
  /** Sorted as tiles would be. */
  archives: string[];
  /** Number of other files. */
  others: number;
}

/**
 * The archives in `folder` and below it, if it has some and no tiles; undefined otherwise. It looks no further than to
 * the first tile.
 */
export async function archivesBelow(folder: string): Promise<FolderOfArchives | undefined> {
  const found: FolderOfArchives = { archives: [], others: 0 };
  const hasTiles = await findArchives(folder, found, []).catch(() => true);
  return hasTiles || found.archives.length === 0 ? undefined : found;
}

/** Returns true at the first tile. */
async function findArchives(folder: string, found: FolderOfArchives, above: readonly string[]): Promise<boolean> {
  const self = identity(await stat(folder));
  if (above.includes(self)) return false;
  const names: string[] = [];
  for await (const entry of await opendir(folder)) {
    if (await isFolder(folder, entry)) names.push(entry.name + FOLDER_MARK);
    else if (hasTileExtension(entry.name)) return true;
    else if (isArchive(entry.name) && !entry.name.startsWith("._")) names.push(entry.name);
    else found.others++;
  }
  for (const name of names.sort()) {
    if (!name.endsWith(FOLDER_MARK)) found.archives.push(join(folder, name));
    else if (await findArchives(join(folder, name.slice(0, -1)), found, [...above, self])) return true;
  }
  return false;
}

/** A link named like a tile is taken for one without a check, so that millions of links are fast to list. */
async function isFolder(folder: string, entry: Dirent): Promise<boolean> {
  if (entry.isDirectory()) return true;
  if (entry.isFile() || hasTileExtension(entry.name)) return false;
  return stat(join(folder, entry.name)).then(
    (target) => target.isDirectory(),
    () => false,
  );
}

function identity(info: Stats): string {
  return `${info.dev}:${info.ino}`;
}
