/** A stretch of the tile list goes through the engine, watched: a tile that kills the process is found by the next try. */
import { rm } from "node:fs/promises";
import type { RunContext } from "../run-context.js";
import type { Tile, TileFailure, TileSource } from "../tiles/tile.js";
import { readJson, writeDurably } from "./durable.js";
import type { Engine, TaggedBatch } from "./engine.js";
import { InFlightJournal, readSuspects } from "./in-flight.js";
import { runFiles } from "./paths.js";
import { findCrashers } from "./suspects.js";
import { type ListRange, readTileList } from "./tile-list.js";

/** Tiles that are known to kill a process, by their number in the tile list. */
type Crashers = Record<number, TileFailure>;

/**
 * Tags the tiles of `range` in their order. `worker` names who does it: if an earlier worker of that name died, the tiles it had in flight
 * are first tried one by one in a child process. Throws InterruptedError on abort.
 */
export async function* tagRange(
  folder: string,
  range: ListRange,
  worker: string,
  engine: Engine,
  context: RunContext,
): AsyncGenerator<TaggedBatch> {
  const crashers = await findAndKeepCrashers(folder, range, worker, engine, context);
  const journal = new InFlightJournal(runFiles(folder).inFlight(worker), range.from);
  try {
    let done = range.from;
    for await (const batch of engine.tag(handOut(folder, range, crashers, journal), context.signal)) {
      done += batch.tiles.length;
      journal.returned(done);
      yield batch;
    }
  } finally {
    journal.close();
  }
}

async function* handOut(folder: string, range: ListRange, crashers: Crashers, journal: InFlightJournal): TileSource {
  let index = range.from;
  for await (const tile of readTileList(runFiles(folder).tiles, range)) {
    journal.handOut(index);
    yield withFailure(tile, crashers[index++]);
  }
}

function withFailure(tile: Tile, failure: TileFailure | undefined): Tile {
  return failure === undefined ? tile : { ...tile, offset: 0, byteLength: 0, failure };
}

/** Whoever kills the child process is remembered for good. */
async function findAndKeepCrashers(
  folder: string,
  range: ListRange,
  worker: string,
  engine: Engine,
  context: RunContext,
): Promise<Crashers> {
  const files = runFiles(folder);
  const known = (await readJson<Crashers>(files.crashers(worker))) ?? {};
  const suspects = await readSuspects(files.inFlight(worker));
  if (suspects === undefined || suspects.to <= suspects.from) return known;
  const tiles: Tile[] = [];
  let index = range.from;
  for await (const tile of readTileList(files.tiles, { ...range, to: suspects.to })) {
    if (index >= suspects.from) tiles.push(withFailure(tile, known[index]));
    index++;
  }
  const found = await findCrashers(tiles, engine.decode, context.signal);
  for (const [place, failure] of found) {
    known[suspects.from + place] = failure;
    context.onWarning?.(`${tiles[place]!.path} stopped the last run (${failure.message}) and is rejected.`);
  }
  if (found.size > 0) await writeDurably(files.crashers(worker), JSON.stringify(known));
  await rm(files.inFlight(worker), { force: true });
  return known;
}
