/** Archives that are read in place. */
import { extname } from "node:path";
import { findIndex, tilesOfIndex } from "./archive-index.js";
import type { WalkTally } from "./folder.js";
import type { Tile } from "./tile.js";

/** The members of an archive that are tiles, by its index if it has one; see `isArchive`. */
export async function* tilesOfArchive(path: string, tally: WalkTally): AsyncGenerator<Tile> {
  const index = await findIndex(path);
  if (index === "stale") tally.staleIndex ??= path;
  yield* index === "fresh" ? tilesOfIndex(path, tally) : tilesByHeaders(path, tally);
}

/** The same without an index. The readers are loaded when there is an archive. */
export async function* tilesByHeaders(path: string, tally: WalkTally): AsyncGenerator<Tile> {
  if (extname(path).toLowerCase() === ".zip") yield* (await import("./zip.js")).tilesOfZip(path, tally);
  else yield* (await import("./tar.js")).tilesOfTar(path, tally);
}
