/** Whether the files a run has read are still what they were: their stamps are taken again, by several threads, and compared. */
import { createHash } from "node:crypto";
import { inChunks } from "../chunks.js";
import { InputError, InterruptedError } from "../errors.js";
import { mapInFlight } from "../in-flight.js";
import { readTileList } from "../predict/tile-list.js";
import type { RunContext } from "../run-context.js";
import { ABSENT_STAMP, NO_STAMP } from "../tiles/stamp.js";
import { type Tile, tileLocation } from "../tiles/tile.js";
import { createWorkerPool, endWorkerPool } from "../worker-pool.js";
import { listParts, readRecord, readStamps } from "./parts.js";
import { isSpooled, runFiles } from "./paths.js";

/** Threads that look at files: on a network file system each waits for its answers. */
const THREADS = 8;
/** Files asked for in one message. */
const CHUNK_TILES = 1024;

/**
 * Compares the tiles of all committed parts in `folder` with what they were when they were read. Warns of tiles that were not there then
 * and are now: they stay rejected. Throws an InputError that names the first that has changed, InterruptedError on abort.
 */
export async function checkStamps(folder: string, context: RunContext): Promise<void> {
  await withThreads(async (take) => {
    const stamped = mapInFlight(inChunks(readTiles(folder), CHUNK_TILES), 2 * THREADS, async (chunk) => ({
      chunk,
      now: await take(chunk.map(({ tile }) => tile)),
    }));
    let done = 0;
    let first: Tile | undefined;
    let found = 0;
    for await (const { chunk, now } of stamped) {
      for (const [i, { tile, stamp }] of chunk.entries()) {
        if (now[i] === stamp) continue;
        if (stamp !== ABSENT_STAMP) throw changed(tile, now[i]);
        first ??= tile;
        found++;
      }
      done += chunk.length;
      report(done, context);
    }
    if (first) warnOfFound(first, found, context);
  });
}

/** SHA-256 over the stamps of `tiles` as they are now, as `RunManifest.contents` has it. Throws InterruptedError on abort. */
export async function digestStamps(tiles: AsyncIterable<Tile>, context: RunContext): Promise<string> {
  const hash = createHash("sha256");
  await withThreads(async (take) => {
    let done = 0;
    for await (const stamps of mapInFlight(inChunks(tiles, CHUNK_TILES), 2 * THREADS, take)) {
      hash.update(Buffer.from(stamps.buffer));
      done += stamps.length;
      report(done, context);
    }
  });
  return hash.digest("hex");
}

/** Every tile of a committed part in `folder` that was read, with the stamp it had. */
async function* readTiles(folder: string): AsyncGenerator<{ tile: Tile; stamp: number }> {
  const tiles = readTileList(runFiles(folder).tiles, { from: 0, to: Number.POSITIVE_INFINITY });
  let index = 0;
  for (const part of await listParts(folder)) {
    const record = await readRecord(folder, part);
    if (record === undefined) continue;
    for (; index < record.first; index++) await tiles.next();
    for (const stamp of readStamps(record)) {
      index++;
      const tile = (await tiles.next()).value as Tile;
      if (stamp !== NO_STAMP) yield { tile, stamp };
    }
  }
  await tiles.return(undefined);
}

type TakeStamps = (tiles: readonly Tile[]) => Promise<Uint32Array>;

async function withThreads(work: (take: TakeStamps) => Promise<void>): Promise<void> {
  const threads = createWorkerPool<string[], Uint32Array>(
    new URL("./stamp-worker.js", import.meta.url),
    "takeStamps",
    THREADS,
  );
  try {
    await work(async (tiles) => {
      const stamps = await threads.run(tiles.map(({ path }) => path));
      // What was not read has no stamp: see PartBuffer.
      for (const [i, tile] of tiles.entries()) if (tile.failure || isSpooled(tile.path)) stamps[i] = NO_STAMP;
      return stamps;
    });
  } finally {
    await endWorkerPool(threads);
  }
}

function report(done: number, { signal, onProgress }: RunContext): void {
  if (signal?.aborted) throw new InterruptedError();
  onProgress?.({ stage: "check", done, rejected: 0 });
}

/** A share that was away for a moment must not cost the whole run. */
function warnOfFound(first: Tile, count: number, { onWarning }: RunContext): void {
  const tiles =
    count === 1 ? `${tileLocation(first)} was` : `${count} tiles, the first is ${tileLocation(first)}, were`;
  onWarning?.(
    `${tiles} not there when the run came to ${count === 1 ? "it, and is" : "them, and are"} now: still rejected; a run of @<out>.rejects.jsonl takes up what was rejected.`,
  );
}

function changed(tile: Tile, now: number): InputError {
  const { path, member } = tile;
  const file = member === undefined ? path : `${path} (which holds ${tileLocation(tile)})`;
  const how =
    now === ABSENT_STAMP
      ? "was read by the run, and is not there any more"
      : "has another size or time of modification than when the run read it";
  return new InputError(
    `The input has changed since the run began: ${file} ${how}. Restore it (with its time) to resume, or start anew with --overwrite.`,
  );
}
