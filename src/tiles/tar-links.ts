/**
 * Links among the members of a tar archive: their targets are found in a second pass, so that only links are in memory.
 */
import { posix } from "node:path";
import { failedMember, hasTileExtension, memberName, memberTile } from "./names.js";
import { entriesOf, type TarFile, type TarLink } from "./tar-entries.js";
import type { Tile } from "./tile.js";
import type { WindowReader } from "./window-reader.js";

/** How many links in a row are followed, and how long a path may get. */
const MAX_STEPS = 40;
const MAX_NAME = 4096;

/**
 * Yields a tile for each of `links` (all of the archive's) that is named like one: the bytes of the member that it
 * leads to (of several of that name the last, as when they are unpacked), or a `failure`.
 */
export async function* tilesOfLinks(
  archive: string,
  reader: WindowReader,
  links: readonly TarLink[],
): AsyncGenerator<Tile> {
  const byName = new Map(links.map((link) => [memberName(link.path), link]));
  const ends = links
    .filter(({ path }) => hasTileExtension(path))
    .map(({ path, target }) => ({ path, end: follow(target, byName) }));
  const files = await findFiles(new Set(ends.map(({ end }) => end)), reader);
  for (const { path, end } of ends) {
    const file = files.get(end);
    if (file !== undefined) yield memberTile(archive, path, file);
    else yield failedMember(archive, path, "READ", `it is a link to ${end}, which is no file in the archive`);
  }
}

/** The name at the end of all links that `target` leads through. */
function follow(target: string, byName: ReadonlyMap<string, TarLink>): string {
  let name = target;
  for (let step = 0; step < MAX_STEPS && name.length <= MAX_NAME; step++) {
    const next = throughLink(name, byName);
    if (next === undefined) break;
    name = next;
  }
  return name;
}

/** Where `name` leads if it, or a folder that it lies in, is a link. */
function throughLink(name: string, byName: ReadonlyMap<string, TarLink>): string | undefined {
  for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1)) {
    const link = byName.get(name.slice(0, end));
    if (link !== undefined) return memberName(posix.join(link.target, name.slice(end)));
  }
  return undefined;
}

async function findFiles(names: ReadonlySet<string>, reader: WindowReader): Promise<Map<string, TarFile>> {
  const files = new Map<string, TarFile>();
  for await (const entry of entriesOf(reader)) {
    if (!("offset" in entry)) continue;
    const name = memberName(entry.path);
    if (names.has(name)) files.set(name, entry);
  }
  return files;
}
