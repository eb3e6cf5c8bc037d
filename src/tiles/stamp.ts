/** Stamps: four bytes that tell a file from a later version of itself, by its size and its time of modification. */
import { type Stats, statSync } from "node:fs";

/** Bytes of a stamp. */
export const STAMP_BYTES = 4;
/** Nobody has looked. */
export const NO_STAMP = 0;
/** There was no such file, or it could not be looked at. */
export const ABSENT_STAMP = 1;

/** The stamp of the file `path` (of an archive, for its members) as it is now. Synchronous, for worker threads. */
export function stampFile(path: string): number {
  try {
    return stampOf(statSync(path));
  } catch {
    return ABSENT_STAMP;
  }
}

/** Stamps of `paths` into `stamps`; of neighbours with the same path, such as members of an archive, one is looked at. */
export function stampFiles(paths: readonly string[], stamps: Uint32Array): void {
  for (const [i, path] of paths.entries()) {
    stamps[i] = i > 0 && path === paths[i - 1] ? stamps[i - 1] : stampFile(path);
  }
}

/** 32 bits of size and time (in whole milliseconds: what most tools restore), mixed as in FNV-1a; never one of the two above. */
export function stampOf({ size, mtimeMs }: Pick<Stats, "size" | "mtimeMs">): number {
  let hash = 0x811c9dc5;
  for (const word of new Uint32Array(Float64Array.of(size, Math.round(mtimeMs)).buffer)) {
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }
  return Math.max(hash >>> 0, ABSENT_STAMP + 1);
}
