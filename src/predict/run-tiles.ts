/** The loop of a run: tiles of the list, from where it stands to the end, into committed parts. */
import { rm } from "node:fs/promises";
import { InterruptedError } from "../errors.js";
import type { RunContext } from "../run-context.js";
import type { Tile, TileFailure, TileSource } from "../tiles/tile.js";
import { readJson, writeDurably } from "./durable.js";
import type { Engine } from "./engine.js";
import type { RunIdentity } from "./identity.js";
import { InFlightJournal, readSuspects } from "./in-flight.js";
import { lineFormat, rowOptions } from "./output.js";
import { PartBuffer } from "./part-buffer.js";
import { type Committed, commitPart } from "./parts.js";
import { runFiles } from "./paths.js";
import { findCrashers } from "./suspects.js";
import { readTileList } from "./tile-list.js";

/** How much work a power cut may cost at most: a part is committed when it has so many tiles or is so old. */
export interface CommitInterval {
  /** @default 8192 */
  tiles: number;
  /** @default 10 */
  seconds: number;
}

export const COMMIT_DEFAULTS: CommitInterval = { tiles: 8192, seconds: 10 };

/** Tiles that are known to kill a process, by their number in the tile list. */
type Crashers = Record<number, TileFailure>;

/** Takes the run in `folder` from `start` to its end; returns what is committed then. On abort it commits what is done and throws. */
export async function runTiles(
  folder: string,
  identity: RunIdentity,
  start: Committed,
  engine: Engine,
  interval: CommitInterval,
  context: RunContext,
): Promise<Committed> {
  const crashers = await findAndKeepCrashers(folder, engine, context);
  const committed = { ...start };
  const buffer = new PartBuffer(lineFormat(identity.settings.format, rowOptions(identity)));
  const commit = async (): Promise<void> => {
    if (buffer.tiles === 0) return;
    const record = await commitPart(folder, buffer.take(committed.parts, committed.tiles));
    committed.parts++;
    committed.tiles += record.tiles;
    committed.predicted += record.predicted;
    committed.rejected += record.rejected;
  };
  const journal = new InFlightJournal(runFiles(folder).inFlight, start.tiles);
  let due = Date.now() + interval.seconds * 1000;
  try {
    for await (const batch of engine.tag(handOut(folder, start.tiles, crashers, journal), context.signal)) {
      buffer.add(batch);
      const done = committed.tiles + buffer.tiles;
      journal.returned(done);
      context.onProgress?.({
        stage: "predict",
        done,
        total: identity.input.tiles,
        rejected: committed.rejected + buffer.rejected,
      });
      if (buffer.tiles >= interval.tiles || Date.now() >= due) {
        await commit();
        due = Date.now() + interval.seconds * 1000;
      }
    }
    await commit();
  } catch (error) {
    if (error instanceof InterruptedError) await commit();
    throw error;
  } finally {
    journal.close();
  }
  return committed;
}

async function* handOut(folder: string, from: number, crashers: Crashers, journal: InFlightJournal): TileSource {
  let index = from;
  for await (const tile of readTileList(runFiles(folder).tiles, from)) {
    journal.handOut(index);
    yield withFailure(tile, crashers[index++]);
  }
}

function withFailure(tile: Tile, failure: TileFailure | undefined): Tile {
  return failure === undefined ? tile : { ...tile, offset: 0, byteLength: 0, failure };
}

/** If the process before this one died, its tiles in flight are tried one by one; whoever kills is remembered for good. */
async function findAndKeepCrashers(folder: string, engine: Engine, context: RunContext): Promise<Crashers> {
  const files = runFiles(folder);
  const known = (await readJson<Crashers>(files.crashers)) ?? {};
  const suspects = await readSuspects(files.inFlight);
  if (suspects === undefined || suspects.to <= suspects.from) return known;
  const tiles: Tile[] = [];
  let index = suspects.from;
  for await (const tile of readTileList(files.tiles, suspects.from, suspects.to)) {
    tiles.push(withFailure(tile, known[index++]));
  }
  const found = await findCrashers(tiles, engine.decode, context.signal);
  for (const [place, failure] of found) {
    known[suspects.from + place] = failure;
    context.onWarning?.(`${tiles[place]!.path} stopped the last run (${failure.message}) and is rejected.`);
  }
  if (found.size > 0) await writeDurably(files.crashers, JSON.stringify(known));
  await rm(files.inFlight, { force: true });
  return known;
}
