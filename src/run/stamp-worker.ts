/** What runs in a thread of check-stamps.ts. */
import { stampFiles } from "../tiles/stamp.js";

/** The stamps of `paths`, in their order. */
export function takeStamps(paths: string[]): Uint32Array {
  const stamps = new Uint32Array(paths.length);
  stampFiles(paths, stamps);
  return stamps;
}
