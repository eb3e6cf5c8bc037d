/**
 * Tells an input that is gone (a share, a disk, an archive) from tiles that are bad: very many tiles in a row cannot be
 * read. Such a run stops, and nothing of what the loss has touched is passed on: where it would be committed, the tiles
 * would stay rejected for good.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { TaggedBatch } from "../engine/engine.js";
import { CanopyError } from "../errors.js";
import { type Tile, tileLocation } from "../tiles/tile.js";
import { type ListRange, readTileList } from "../tiles/tile-list.js";

/** Far more than lists have of missing files in a row, and far less than a part of a run has tiles. */
export const MAX_UNREADABLE = 1000;

/** Very many tiles in a row cannot be read: what they lie in is gone. What was done before is committed. */
export class LostInputError extends CanopyError {
  override readonly name = "LostInputError";
  constructor(count: number, first: Tile, reason: string) {
    super(
      "LOST_INPUT",
      `${count} tiles in a row cannot be read, the first is ${tileLocation(first)} (${reason}): has the disk or share ` +
        "they lie on gone? What was done before is safe: bring it back and go on with `resume`. If the list is wrong, " +
        "mend it and start anew with `overwrite`; if so many tiles are really missing, `resume` with a larger " +
        "`maxUnreadable`, or none, rejects them and goes on.",
    );
  }
}

export interface WatchOptions {
  /** The tile list, and the stretch of it that is tagged. */
  list: string;
  range: ListRange;
  /** Batches that may be read at the same time. */
  batchesAhead: number;
  /** So many tiles in a row that cannot be read are a lost input; null: however many there are, they are bad tiles. */
  maxUnreadable: number | null;
}

/** A batch that is not passed on yet. */
interface Held {
  batch: TaggedBatch;
  index: number;
  /** A tile of it could not be read. */
  unreadable: boolean;
}

/** Tiles in a row that could not be read. */
interface Streak {
  count: number;
  first: Tile;
  reason: string;
  /** Number of its first tile in the list, and of the batch that has it. */
  from: number;
  batch: number;
}

/**
 * Passes on the `batches` of a stretch, in their order. A batch with tiles that could not be read is held back until it
 * is certain that the loss of the whole input was not why. That takes a few batches: several are read at the same time,
 * so that some tiles may still have been read when earlier ones could not. Throws a LostInputError; what it has passed
 * on by then was read in good order.
 */
export async function* watchInput(
  batches: AsyncIterable<TaggedBatch>,
  options: WatchOptions,
): AsyncGenerator<TaggedBatch> {
  const { maxUnreadable, batchesAhead, range } = options;
  if (maxUnreadable === null) return yield* batches;
  const held: Held[] = [];
  let streak: Streak | undefined;
  let [index, from] = [0, range.from];
  for await (const batch of batches) {
    const unreadable = batch.tiles.some((tile, i) => failureOf(batch, i, tile)?.code === "READ");
    streak = continueStreak(streak, batch, index, from, maxUnreadable);
    held.push({ batch, index: index++, unreadable });
    from += batch.tiles.length;
    const safe = (streak?.batch ?? index) - batchesAhead;
    while (held[0] && (!held[0].unreadable || held[0].index < safe)) yield held.shift()!.batch;
  }
  if (streak) await refuseLongerStreak(streak, from, options, maxUnreadable);
  for (const { batch } of held) yield batch;
}

function failureOf({ outcomes }: TaggedBatch, i: number, tile: Tile) {
  return tile.failure ?? outcomes[i];
}

/** The streak at the end of `batch`, number `index`, whose first tile has number `from`. */
function continueStreak(
  before: Streak | undefined,
  batch: TaggedBatch,
  index: number,
  from: number,
  most: number,
): Streak | undefined {
  let streak = before;
  for (const [i, tile] of batch.tiles.entries()) {
    const failure = failureOf(batch, i, tile);
    if (failure?.code !== "READ") {
      // What was known to be bad was not looked at now, and says nothing.
      if (tile.failure === undefined) streak = undefined;
      continue;
    }
    streak ??= { count: 0, first: tile, reason: failure.message, from: from + i, batch: index };
    if (++streak.count >= most) throw lost(streak);
  }
  return streak;
}

/**
 * The stretch ends in a streak that may be longer than what is seen of it: tiles after it in the list belong to other
 * parts, and tiles before it may have gone since they were read. They are looked at, as far as needed.
 */
async function refuseLongerStreak(streak: Streak, end: number, { list }: WatchOptions, most: number): Promise<void> {
  const missing = most - streak.count;
  for await (const tile of readTileList(list, { from: end, to: end + missing })) {
    if (!(await isGone(tile))) break;
    if (++streak.count >= most) throw lost(streak);
  }
  const before: Tile[] = [];
  const range = { from: Math.max(0, streak.from - most + streak.count), to: streak.from };
  for await (const tile of readTileList(list, range)) before.push(tile);
  for (const tile of before.reverse()) {
    if (!(await isGone(tile))) return;
    if (++streak.count >= most) throw lost(streak);
  }
}

/** Whether the tile's first byte cannot be read. */
async function isGone({ path, offset = 0, failure }: Tile): Promise<boolean> {
  if (failure !== undefined) return failure.code === "READ";
  // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => undefined);
  try {
    const info = await file?.stat();
    if (file === undefined || !info?.isFile() || offset > info.size) return true;
    await file.read(Buffer.alloc(1), 0, 1, offset);
    return false;
  } catch {
    return true;
  } finally {
    await file?.close();
  }
}

function lost({ count, first, reason }: Streak): LostInputError {
  return new LostInputError(count, first, reason);
}
