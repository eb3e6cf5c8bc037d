/** The loop of a run: turns the remaining tiles of the list into committed parts. */

import type { Engine } from "../engine/engine.js";
import { watchInput } from "../isolation/lost-input.js";
import { tagRange } from "../isolation/tag-range.js";
import type { ProgressState, RunContext } from "../run-context.js";
import type { Placed, RowFormat } from "../tags/rows.js";
import type { RunIdentity } from "./formats.js";
import { PartBuffer } from "./part-buffer.js";
import { addPart, type Committed, commitPart } from "./parts.js";
import { runFiles } from "./paths.js";

/** A part is committed when it has so many tiles or is so old. That is the most work a power cut can cost. */
export interface CommitInterval {
  /** @default 8192 */
  tiles: number;
  /** @default 10 */
  seconds: number;
}

export const COMMIT_DEFAULTS: CommitInterval = { tiles: 8192, seconds: 10 };

interface RunPolicy<Row> {
  /** How rows are written into parts. */
  format: RowFormat<Placed & Row>;
  commit: CommitInterval;
  /** See `WatchOptions`. */
  maxUnreadable: number | null;
}

/**
 * Does the tiles of the run in `folder` from `start` to the end; returns what is committed then. Before it throws, it
 * commits what is done.
 */
export async function runTiles<Row extends object>(
  folder: string,
  identity: RunIdentity,
  start: Committed,
  engine: Engine<Row>,
  { commit: interval, maxUnreadable, format }: RunPolicy<Row>,
  context: RunContext,
): Promise<Committed> {
  const committed = { ...start };
  const buffer = new PartBuffer(format);
  const commit = async (): Promise<void> => {
    if (buffer.tiles === 0) return;
    const record = await commitPart(folder, buffer.take(committed.parts, committed.tiles));
    addPart(committed, record);
  };
  const range = { from: start.tiles, to: identity.input.tiles };
  let due = Date.now() + interval.seconds * 1000;
  const files = runFiles(folder);
  const stretch = { list: files.tiles, range, ...files.isolation("run") };
  const watch = { ...stretch, batchesAhead: engine.batchesAhead, maxUnreadable };
  try {
    for await (const batch of watchInput(tagRange(stretch, engine, context), watch)) {
      buffer.add(batch);
      context.onProgress?.(progress(identity, committed, buffer));
      if (buffer.tiles >= interval.tiles || Date.now() >= due) {
        await commit();
        due = Date.now() + interval.seconds * 1000;
      }
    }
  } catch (error) {
    await commit().catch(() => {});
    throw error;
  }
  await commit();
  return committed;
}

function progress(
  { input, settings }: RunIdentity,
  committed: Committed,
  buffer: Pick<PartBuffer<never>, "tiles" | "rejected">,
): ProgressState {
  const done = committed.tiles + buffer.tiles;
  const stage = settings.numFeatures === undefined ? "predict" : "embed";
  return { stage, done, total: input.tiles, rejected: committed.rejected + buffer.rejected };
}
