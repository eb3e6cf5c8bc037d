/** Archives that are read in place. */
import { extname } from "node:path";
import type { WalkTally } from "./folder.js";
import { tilesOfTar } from "./tar.js";
import type { Tile } from "./tile.js";
import { tilesOfZip } from "./zip.js";

/** The members of an archive that are tiles; see `isArchive`. */
export function tilesOfArchive(path: string, tally: WalkTally): AsyncGenerator<Tile> {
  return extname(path).toLowerCase() === ".zip" ? tilesOfZip(path, tally) : tilesOfTar(path, tally);
}
