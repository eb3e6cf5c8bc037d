/** Tags a stretch of the tile list. If a tile kills the process, the next try finds it. */
import * as v from "valibot";
import type { Engine, RowBatch } from "../engine/engine.js";
import { ModelError } from "../errors.js";
import { readJson } from "../files/read-json.js";
import { writeWhole } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import type { Tile, TileFailure, TileFeed } from "../tiles/tile.js";
import { type ListRange, readTileBlocks, readTileList } from "../tiles/tile-list.js";
import { findCrashers } from "./crashers.js";
import { InFlightJournal, readInFlight, type TileRange } from "./in-flight.js";

/** The tiles to tag. */
interface Stretch {
  /** The tile list, and which of its tiles are meant. */
  list: string;
  range: ListRange;
  /** Files of this worker: its in-flight journal, and the tiles that are known to kill it. */
  inFlight: string;
  crashers: string;
}

/** The part of an engine that is needed here. */
type TaggingEngine<Row> = Pick<Engine<Row>, "batchSize" | "model" | "probeSetup" | "tag">;

/** Tiles that are known to kill a process, by their number in the tile list. */
const CRASHERS = v.record(v.string(), v.object({ code: v.literal("CRASH"), message: v.string() }));
type Crashers = v.InferOutput<typeof CRASHERS>;

/** State left by an earlier process. */
interface Legacy {
  crashers: Crashers;
  /** Tiles in flight when it died, if none of them crashes alone. */
  innocent?: TileRange;
}

/**
 * The rows of the tiles of `stretch`, in their order. If an earlier process died while it did so, the tiles it had in flight
 * are first tried one by one in a child process. Throws InterruptedError on abort.
 */
export async function* tagRange<Row>(
  stretch: Stretch,
  engine: TaggingEngine<Row>,
  context: RunContext,
): AsyncGenerator<RowBatch<Row>> {
  const { list, range } = stretch;
  const { crashers, innocent } = await readLegacy(stretch, engine, context);
  const journal = new InFlightJournal(stretch.inFlight, range.from);
  let done = range.from;
  try {
    for (const part of cutRange(range, engine.batchSize, innocent)) {
      const tiles = handOut(list, part, engine.batchSize, crashers, journal);
      for await (const batch of engine.tag(tiles, context.signal)) {
        done += batch.tiles.length;
        journal.returned(done);
        yield batch;
      }
    }
  } catch (error) {
    // Sessions do not fail without a cause: the tiles in flight are tried, as after a crash.
    if (error instanceof ModelError) journal.leave();
    throw error;
  } finally {
    journal.close();
  }
}

/**
 * If a process died over tiles that are fine alone, together they may have needed too much memory: they run one batch
 * at a time.
 */
function* cutRange(range: TileRange, batchSize: number, innocent: TileRange | undefined): Generator<TileRange> {
  let { from } = range;
  for (; innocent !== undefined && from < Math.min(innocent.to, range.to); from += batchSize) {
    yield { from, to: Math.min(range.to, from + batchSize) };
  }
  if (from < range.to) yield { from, to: range.to };
}

/** A batch at a time. */
async function* handOut(
  list: string,
  range: ListRange,
  batchSize: number,
  crashers: Crashers,
  journal: InFlightJournal,
): TileFeed {
  let index = range.from;
  for await (const block of readTileBlocks(list, range, batchSize)) {
    const tiles = block.map((tile, i) => withFailure(tile, crashers[index + i]));
    index += tiles.length;
    journal.handOut(index);
    yield tiles;
  }
}

function withFailure(tile: Tile, failure: TileFailure | undefined): Tile {
  return failure === undefined ? tile : { ...tile, offset: 0, byteLength: 0, failure };
}

/** Tiles that kill the child process are remembered for the whole run. */
async function readLegacy(
  { list, range, inFlight, crashers }: Stretch,
  engine: Pick<TaggingEngine<unknown>, "model" | "probeSetup">,
  context: RunContext,
): Promise<Legacy> {
  const known = (await readJson(crashers, CRASHERS)) ?? {};
  const left = await readInFlight(inFlight);
  if (left === undefined) return { crashers: known };
  const tiles: Tile[] = [];
  let index = range.from;
  for await (const tile of readTileList(list, { ...range, to: left.to })) {
    if (index >= left.from) tiles.push(withFailure(tile, known[index]));
    index++;
  }
  const found = await findCrashers(tiles, engine.model, engine.probeSetup, context.signal);
  if (found.size === 0) {
    warnOfDeath(tiles, context);
    return { crashers: known, innocent: left };
  }
  for (const [place, failure] of found) {
    known[left.from + place] = failure;
    context.onWarning?.(`${tiles[place].path} stopped the last run (${failure.message}) and is rejected.`);
  }
  await writeWhole(crashers, JSON.stringify(known));
  return { crashers: known };
}

function warnOfDeath(tiles: readonly Tile[], { onWarning }: RunContext): void {
  const others = tiles.length === 1 ? "" : ` and the ${tiles.length - 1} tiles after it`;
  onWarning?.(
    `The last run's process died with ${tiles[0]?.path}${others} in the works. Each of them is fine alone; they go ` +
      "through a batch at a time now. If it was memory that ran out, `memory` keeps it in bounds.",
  );
}
