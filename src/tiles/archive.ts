/** Archives that are read in place. */
import { extname } from "node:path";
import type { WalkTally } from "./folder.js";
import type { Tile } from "./tile.js";

/** The members of an archive that are tiles; see `isArchive`. The readers are loaded when there is an archive. */
export async function* tilesOfArchive(path: string, tally: WalkTally): AsyncGenerator<Tile> {
  if (extname(path).toLowerCase() === ".zip") yield* (await import("./zip.js")).tilesOfZip(path, tally);
  else yield* (await import("./tar.js")).tilesOfTar(path, tally);
}
