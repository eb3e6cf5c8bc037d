/** Tiles of a tar archive, found by its headers alone: each is a range of its bytes, and nothing is unpacked. */
import { openRegular } from "../files/open-regular.js";
import type { WalkTally } from "./folder.js";
import { failedMember, failedTile, hasTileExtension, memberTile } from "./names.js";
import { refusePackedBytes } from "./packed.js";
import { entriesOf, type TarEntry, type TarLink } from "./tar-entries.js";
import { tilesOfLinks } from "./tar-links.js";
import type { Tile } from "./tile.js";
import { WindowReader } from "./window-reader.js";

/**
 * Yields the members of `archive` (ustar, pax, GNU, v7) that are tiles by their name, in archive order; behind them
 * links to members. A member that is damaged, or is no file, comes as a tile with a `failure`. Throws an InputError for
 * a compressed archive.
 */
export async function* tilesOfTar(archive: string, tally: WalkTally): AsyncGenerator<Tile> {
  const file = await openRegular(archive).catch((error: NodeJS.ErrnoException) => error);
  if (file instanceof Error) {
    yield failedTile(archive, "READ", `the archive cannot be read (${file.code ?? file.message})`);
    return;
  }
  try {
    const reader = new WindowReader(file);
    refusePackedBytes(archive, await reader.read(0, 6));
    yield* memberTiles(archive, reader, (await file.stat()).size, tally);
  } finally {
    await file.close();
  }
}

async function* memberTiles(
  archive: string,
  reader: WindowReader,
  size: number,
  tally: WalkTally,
): AsyncGenerator<Tile> {
  const links: TarLink[] = [];
  for await (const entry of entriesOf(reader, size)) {
    const isTile = entry.path !== undefined && hasTileExtension(entry.path);
    if ("target" in entry) links.push(entry);
    if ("damage" in entry && !isTile) yield failedTile(archive, "FORMAT", entry.damage);
    else if (!isTile) tally.ignored++;
    else if (!("target" in entry)) yield tileOf(archive, entry);
  }
  if (links.some(({ path }) => hasTileExtension(path))) yield* tilesOfLinks(archive, reader, size, links);
}

function tileOf(archive: string, entry: Exclude<TarEntry, TarLink>): Tile {
  const { path: member = "" } = entry;
  if ("damage" in entry) return failedMember(archive, member, "FORMAT", entry.damage);
  if ("problem" in entry) return failedMember(archive, member, "FORMAT", entry.problem);
  return memberTile(archive, member, entry);
}
