/** Rejected tiles: warned of, and written beside an output. */
import { rm } from "node:fs/promises";
import { beside } from "../files/output.js";
import { writeWhole } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import { tileLocation } from "../tiles/tile.js";
import type { RejectedTile } from "../training/dataset.js";

/** Warns of rejected tiles and writes them: see `writeRejects`. */
export async function rejectsBeside(
  out: string,
  rejected: readonly RejectedTile[],
  context: RunContext,
): Promise<string | null> {
  warnOfRejects(rejected, context);
  return writeRejects(out, rejected);
}

export function warnOfRejects(rejected: readonly RejectedTile[], { onWarning }: RunContext): void {
  const [first] = rejected;
  if (first === undefined) return;
  onWarning?.(
    `${rejected.length} ${rejected.length === 1 ? "tile was" : "tiles were"} rejected; ${tileLocation(first.tile)} ${first.failure.message}`,
  );
}

/**
 * Writes rejected tiles with their reasons to `<out>.rejects.jsonl`. If there are none, the file of an earlier run is
 * removed. Returns the path, or null if nothing was rejected.
 */
export async function writeRejects(out: string, rejected: readonly RejectedTile[]): Promise<string | null> {
  const path = beside(out, ".rejects.jsonl");
  if (rejected.length === 0) {
    await rm(path, { force: true });
    return null;
  }
  const lines = rejected.map(({ tile, failure: { code, message } }) =>
    JSON.stringify({ path: tileLocation(tile), name: tile.name, code, message }),
  );
  await writeWhole(path, `${lines.join("\n")}\n`);
  return path;
}
