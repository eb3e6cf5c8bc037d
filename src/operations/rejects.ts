/** Rejected tiles of a command on labelled tiles. */
import { writeWhole } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import { tileLocation } from "../tiles/tile.js";
import type { RejectedTile } from "../training/dataset.js";

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
  await writeWhole(path, `${lines.join("\n")}\n`);
  return path;
}
