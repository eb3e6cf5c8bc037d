/** A stretch of the tile list goes through the engine, watched: a tile that kills the process is found by the next try. */

import type { Engine, TaggedBatch } from "../engine/engine.js";
import { ModelError } from "../errors.js";
import { writeWhole } from "../files/write.js";
import { readJson } from "../predict/durable.js";
import { type ListRange, readTileBlocks, readTileList } from "../predict/tile-list.js";
import type { RunContext } from "../run-context.js";
import type { Tile, TileFailure, TileFeed } from "../tiles/tile.js";
import { InFlightJournal, readSuspects, type Suspects } from "./in-flight.js";
import { findCrashers } from "./suspects.js";

/** What is tagged in one go. */
export interface Stretch {
  /** The tile list, and which of its tiles are meant. */
  list: string;
  range: ListRange;
  /** Files of whoever does it: its in-flight journal, and the tiles that are known to kill it. */
  inFlight: string;
  crashers: string;
}

/** Tiles that are known to kill a process, by their number in the tile list. */
type Crashers = Record<number, TileFailure>;

/** What an earlier process left behind. */
interface Legacy {
  crashers: Crashers;
  /** Tiles that were in the works when it died, where none of them is to blame alone. */
  innocent?: Suspects;
}

/**
 * Tags the tiles of `stretch` in their order. If an earlier process died while it did so, the tiles it had in flight are first tried one
 * by one in a child process. Throws InterruptedError on abort.
 */
export async function* tagRange(stretch: Stretch, engine: Engine, context: RunContext): AsyncGenerator<TaggedBatch> {
  const { list, range } = stretch;
  const { crashers, innocent } = await readLegacy(stretch, engine, context);
  const journal = new InFlightJournal(stretch.inFlight, range.from, innocent);
  let done = range.from;
  try {
    for (const { gently, ...part } of cutRange(range, engine.batchSize, innocent)) {
      const tiles = handOut(list, part, engine.batchSize, crashers, journal);
      for await (const batch of engine.tag(tiles, { gently, signal: context.signal })) {
        done += batch.tiles.length;
        journal.returned(done);
        yield batch;
      }
    }
  } catch (error) {
    // Sessions do not break of themselves: what they were at is suspected, as after a crash.
    if (error instanceof ModelError) journal.leave();
    throw error;
  } finally {
    journal.close();
  }
}

/** Where a process died twice over the same tiles, and each is fine alone, they may have been too much together: they are taken gently. */
function cutRange(range: ListRange, batchSize: number, innocent: Suspects | undefined) {
  if (innocent === undefined || innocent.deaths === 0) return [{ ...range, gently: false }];
  const batches = Math.ceil((innocent.to - range.from) / batchSize);
  const to = Math.min(range.to, range.from + batches * batchSize);
  return [
    { ...range, to, gently: true },
    { from: to, to: range.to, gently: false },
  ];
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

/** Whoever kills the child process is remembered for good. */
async function readLegacy(
  { list, range, inFlight, crashers }: Stretch,
  engine: Engine,
  context: RunContext,
): Promise<Legacy> {
  const known = (await readJson<Crashers>(crashers)) ?? {};
  const suspects = await readSuspects(inFlight);
  if (suspects === undefined || suspects.to <= suspects.from) return { crashers: known };
  const tiles: Tile[] = [];
  let index = range.from;
  for await (const tile of readTileList(list, { ...range, to: suspects.to })) {
    if (index >= suspects.from) tiles.push(withFailure(tile, known[index]));
    index++;
  }
  const found = await findCrashers(tiles, engine.model, engine.probeSetup, context.signal);
  if (found.size === 0) return { crashers: known, innocent: warnOfDeaths(suspects, tiles, context) };
  for (const [place, failure] of found) {
    known[suspects.from + place] = failure;
    context.onWarning?.(`${tiles[place].path} stopped the last run (${failure.message}) and is rejected.`);
  }
  await writeWhole(crashers, JSON.stringify(known));
  return { crashers: known };
}

function warnOfDeaths(suspects: Suspects, tiles: readonly Tile[], { onWarning }: RunContext): Suspects {
  if (suspects.deaths > 0) {
    onWarning?.(
      `${suspects.deaths + 1} processes in a row died with ${tiles[0]?.path} and the ${tiles.length - 1} tiles after it in the works, though each ` +
        "of them is fine alone: they go through one worker and one session now. If it was memory that ran out, --memory keeps it in bounds.",
    );
  }
  return suspects;
}
