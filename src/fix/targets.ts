/** The path of each tile's converted copy: its place below its input, with the new extension. */
import { basename, extname, isAbsolute, join, normalize, relative, resolve, sep } from "node:path";
import { placeOf } from "../remote/address.js";
import { type Tile, tileLocation } from "../tiles/tile.js";

export interface FixJob {
  tile: Tile;
  /** The file to write, or why there is none. */
  target: string | { code: "NAME"; message: string };
}

/**
 * Jobs in the order of the tiles. Of several tiles that would be written to one file the first gets it, the others are
 * refused; with `folds`, names that differ in case or Unicode form alone are one file.
 */
export function planTargets(
  tiles: Iterable<Tile>,
  inputs: readonly string[],
  out: string,
  extension: string,
  folds = false,
): FixJob[] {
  const roots = inputs.filter((input) => input !== "-" && !input.startsWith("@")).map((input) => resolve(input));
  const taken = new Map<string, Tile>();
  const jobs: FixJob[] = [];
  for (const tile of tiles) {
    const inner = innerPath(tile, roots);
    const target = resolve(out, `${inner.slice(0, inner.length - extname(inner).length)}.${extension}`);
    const key = folds ? target.normalize("NFC").toLowerCase() : target;
    const other = taken.get(key);
    if (other === undefined) {
      taken.set(key, tile);
      jobs.push({ tile, target });
    } else {
      const message = `${tileLocation(other)} is written to the same file; give inputs with equal names different output folders`;
      jobs.push({ tile, target: { code: "NAME", message } });
    }
  }
  return jobs;
}

/** A tile's path below its input: inside its archive, below the folder, or its file name. */
function innerPath(tile: Tile, roots: readonly string[]): string {
  if (tile.member !== undefined) {
    return contained(tile.member);
  }
  // A query of an address may hold slashes.
  const path = resolve(placeOf(tile.path));
  const root = roots.find((folder) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep));
  return root === undefined ? basename(path) : relative(root, path);
}

/** Archives come from strangers: a member's name must not lead outside the output folder. */
function contained(member: string): string {
  const inner = normalize(member);
  return isAbsolute(inner) || inner === ".." || inner.startsWith(`..${sep}`) ? basename(inner) : join(inner);
}
