/**
 * Tells an input that is gone (a share, a disk, an archive) from bad tiles: very many tiles in a row cannot be read.
 * Such a run stops, and passes on no tile that the loss may have touched: once committed, these tiles would stay
 * rejected for good.
 */
import type { RowBatch } from "../engine/engine.js";
import { CanopyError } from "../errors.js";
import { openRegular } from "../files/open-regular.js";
import { isRemote } from "../remote/address.js";
import { type Tile, tileLocation } from "../tiles/tile.js";
import { type ListRange, readTileList } from "../tiles/tile-list.js";

/** Far more missing files in a row than lists have, and far fewer than the tiles of a part. */
export const MAX_UNREADABLE = 1000;

/** Very many tiles in a row cannot be read: their share, disk or archive is gone. What was done before is committed. */
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
  /** So many unreadable tiles in a row mean a lost input; null: any number of them are bad tiles. */
  maxUnreadable: number | null;
}

/** A batch that is held back. */
interface Held<Row> {
  batch: RowBatch<Row>;
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
 * Passes on the `batches` of a stretch, in their order. A batch with unreadable tiles is held back until the loss of
 * the whole input is ruled out. That takes a few batches: several are read at the same time, so some tiles may still
 * have been read before the loss, and earlier ones after it. Throws a LostInputError; all batches passed on by then
 * were read before the loss.
 */
export async function* watchInput<Row>(
  batches: AsyncIterable<RowBatch<Row>>,
  options: WatchOptions,
): AsyncGenerator<RowBatch<Row>> {
  const { maxUnreadable, batchesAhead, range } = options;
  if (maxUnreadable === null) return yield* batches;
  const held: Held<Row>[] = [];
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

function failureOf({ outcomes }: RowBatch<unknown>, i: number, tile: Tile) {
  return tile.failure ?? outcomes[i];
}

/** The streak at the end of `batch`, number `index`, whose first tile has number `from`. */
function continueStreak(
  before: Streak | undefined,
  batch: RowBatch<unknown>,
  index: number,
  from: number,
  most: number,
): Streak | undefined {
  let streak = before;
  for (const [i, tile] of batch.tiles.entries()) {
    const failure = failureOf(batch, i, tile);
    if (failure?.code !== "READ") {
      // Tiles known to be bad were not read now, so they neither end nor continue a streak.
      if (tile.failure === undefined) streak = undefined;
      continue;
    }
    streak ??= { count: 0, first: tile, reason: failure.message, from: from + i, batch: index };
    if (++streak.count >= most) throw lost(streak);
  }
  return streak;
}

/**
 * The stretch ends in a streak that may be longer: tiles after the stretch belong to other parts, and tiles before the
 * streak may have gone since they were read. As many of them as needed are tried.
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
  // A server that is gone has stopped the run already.
  if (isRemote(path)) return false;
  const file = await openRegular(path).catch(() => undefined);
  try {
    if (file === undefined || offset > (await file.stat()).size) return true;
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
