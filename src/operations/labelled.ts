/** Small things the commands on labelled tiles share. */
import { rename, writeFile } from "node:fs/promises";
import type { RunContext } from "../run-context.js";
import { tileLocation } from "../tiles/tile.js";
import type { RejectedTile } from "./dataset.js";

/** The dihedral group (src/features/dihedral.ts). */
const D4 = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** Elements of the dihedral group that training with `augment` and scoring with `tta` need. */
export function variantsFor(augment: "none" | "d4", tta: "none" | "d4"): readonly number[] {
  return augment === "d4" || tta === "d4" ? D4 : [0];
}

/** `[0, rows)` */
export function allRows(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

/**
 * Warns of rejected tiles and, where `out` is given, writes them with their reasons to `<out>.rejects.jsonl`; the path, or null where
 * nothing was rejected.
 */
export async function rejectsBeside(
  out: string | undefined,
  rejected: readonly RejectedTile[],
  { onWarning }: RunContext,
): Promise<string | null> {
  const first = rejected[0];
  if (first === undefined) {
    return null;
  }
  onWarning?.(
    `${rejected.length} ${rejected.length === 1 ? "tile was" : "tiles were"} rejected; ${tileLocation(first.tile)} ${first.failure.message}`,
  );
  if (out === undefined) {
    return null;
  }
  const path = `${out}.rejects.jsonl`;
  const lines = rejected.map(({ tile, failure }) =>
    JSON.stringify({ path: tileLocation(tile), name: tile.name, code: failure.code, message: failure.message }),
  );
  await writeFile(`${path}.partial`, `${lines.join("\n")}\n`);
  await rename(`${path}.partial`, path);
  return path;
}
