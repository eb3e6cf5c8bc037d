/** Tiles of a tar archive, found by its headers alone: each is a range of its bytes, and nothing is unpacked. */
import { RemoteError } from "../remote/request-error.js";
import { brokenArchive, noteBroken, type WalkTally } from "./folder.js";
import { failedMember, failedTile, hasTileExtension, isCompressed, memberTile } from "./names.js";
import { openSource } from "./open-source.js";
import { refusePackedBytes } from "./packed.js";
import { entriesOf, type TarEntry, type TarLink } from "./tar-entries.js";
import { tilesOfLinks } from "./tar-links.js";
import type { Tile } from "./tile.js";
import { CompressionError } from "./unpack.js";
import { WindowReader } from "./window-reader.js";

/**
 * Yields the members of `archive` (ustar, pax, GNU, v7) that are tiles by their name, in archive order; behind them
 * links to members. A member that is damaged, or is no file, comes as a tile with a `failure`, as does the place where
 * compressed data are damaged. Throws an InputError for a compressed archive whose name does not say so.
 */
export async function* tilesOfTar(archive: string, tally: WalkTally): AsyncGenerator<Tile> {
  const source = await openSource(archive).catch((error: NodeJS.ErrnoException) => error);
  if (source instanceof RemoteError) {
    if (source.isUnreachable) throw source;
    yield brokenArchive(tally, archive, "READ", `the archive cannot be read (${source.reason})`);
    return;
  }
  if (source instanceof Error) {
    yield brokenArchive(tally, archive, "READ", `the archive cannot be read (${source.code ?? source.message})`);
    return;
  }
  try {
    const reader = new WindowReader(source);
    if (!isCompressed(archive)) refusePackedBytes(archive, await reader.read(0, 6));
    yield* memberTiles(archive, reader, tally);
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    yield brokenArchive(tally, archive, "FORMAT", error.message);
  } finally {
    await source.close();
  }
}

async function* memberTiles(archive: string, reader: WindowReader, tally: WalkTally): AsyncGenerator<Tile> {
  const links: TarLink[] = [];
  for await (const entry of entriesOf(reader)) {
    const isTile = entry.path !== undefined && hasTileExtension(entry.path);
    if ("target" in entry) links.push(entry);
    if ("damage" in entry) noteBroken(tally, archive, entry.damage);
    if ("damage" in entry && !isTile) yield failedTile(archive, "FORMAT", entry.damage);
    else if (!isTile) tally.ignored++;
    else if (!("target" in entry)) yield tileOf(archive, entry);
  }
  if (links.some(({ path }) => hasTileExtension(path))) yield* tilesOfLinks(archive, reader, links);
}

function tileOf(archive: string, entry: Exclude<TarEntry, TarLink>): Tile {
  const { path: member = "" } = entry;
  if ("damage" in entry) return failedMember(archive, member, "FORMAT", entry.damage);
  if ("problem" in entry) return failedMember(archive, member, "FORMAT", entry.problem);
  return memberTile(archive, member, entry);
}
