/** Tiles named by the lines of a rejects file, so that they can be taken up again: `@out.csv.rejects.jsonl`. */
import { stat } from "node:fs/promises";
import { InputError } from "../errors.js";
import { readRegular } from "../files/open-regular.js";
import { tilesOfArchive } from "./archive.js";
import { tilesBelow, type WalkTally } from "./folder.js";
import { linesOf } from "./lines.js";
import { failedMember, failedTile, fileTile, hasTileExtension, isArchive } from "./names.js";
import { refusePackedName } from "./packed.js";
import { type Addresses, takePath } from "./remote-input.js";
import type { Tile, TileFailure } from "./tile.js";

/**
 * Yields the tiles that the lines of `file` name by their `path`: a file, an archive or a folder (both stand for their
 * tiles), or `archive.tar#member`. A path that no longer exists comes as a tile with a `failure`, or becomes a rejected
 * tile later. Throws an InputError for a line that is no JSON object with a path.
 */
export async function* tilesOfRecords(file: string, tally: WalkTally, addresses?: Addresses): AsyncGenerator<Tile> {
  let members: Members | undefined;
  for await (const path of pathsOf(file)) {
    const [, place = path, member] = MEMBER.exec(path) ?? [];
    const taken = takePath(place, addresses);
    const archive = member === undefined ? undefined : taken;
    if (members && members.archive !== archive) {
      yield* tilesOfMembers(members);
      members = undefined;
    }
    if (archive === undefined) yield* tilesAt(taken, tally);
    else {
      members ??= { archive, wanted: new Set() };
      members.wanted.add(member);
    }
  }
  if (members) yield* tilesOfMembers(members);
}

/** `archive.tar#member`; an address may have a query between. */
const MEMBER = /^(.*?\.(?:tar|zip|tar\.gz|tgz|tar\.zst|tzst)(?:\?[^#]*)?)#(.+)$/is;

/** Consecutive members of one archive, which is read once for all of them. */
interface Members {
  archive: string;
  wanted: Set<string>;
}

async function* pathsOf(file: string): AsyncGenerator<string> {
  let number = 0;
  for await (const line of linesOf(file, readRegular(file))) {
    number++;
    if (line.trim() === "") continue;
    const path = pathIn(line);
    if (path === undefined) {
      throw new InputError(
        `Line ${number} of ${file} names no tile: in a list that ends in .jsonl each line is a JSON object with a "path", as in a rejects file.`,
      );
    }
    yield path;
  }
}

function pathIn(line: string): string | undefined {
  try {
    const { path } = JSON.parse(line) as { path?: unknown };
    return typeof path === "string" ? path : undefined;
  } catch {
    return undefined;
  }
}

async function* tilesAt(path: string, tally: WalkTally): AsyncGenerator<Tile> {
  if (path.startsWith("-#"))
    yield failedTile(path, "READ", "it came in an archive on standard input, which is not kept");
  else if (isArchive(path)) yield* tilesOfArchive(path, tally);
  else if (!hasTileExtension(path) && (await isFolder(path))) yield* tilesBelow(path, tally);
  else {
    refusePackedName(path);
    yield fileTile(path);
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

async function* tilesOfMembers({ archive, wanted }: Members): AsyncGenerator<Tile> {
  const missing = new Set(wanted);
  let failure: TileFailure = { code: "READ", message: "the archive has no such member any more" };
  for await (const tile of tilesOfArchive(archive, { ignored: 0 })) {
    const { member } = tile;
    if (member === undefined) failure = tile.failure ?? failure;
    else if (wanted.has(member)) {
      missing.delete(member);
      yield tile;
    }
  }
  for (const member of missing) yield failedMember(archive, member, failure.code, failure.message);
}
