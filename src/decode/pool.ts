/** DecodePool: the decode workers. Tiles go in, pixels appear in shared memory, outcomes come back. */

import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { addonLoadError, loadAddon, type NativeTile } from "../addon.js";
import { checkInteger } from "../check.js";
import { usableCores } from "../machine.js";
import type { RunContext } from "../run-context.js";
import type { Tile } from "../tiles/tile.js";
import type { DecodeOptions, DecodeOutcome } from "./decoder.js";
import type { DecodeTask } from "./worker.js";

export interface DecodePoolOptions {
  /** Number of decode threads. @default one per core */
  workers?: number;
}

/** Where a chunk's pixels go: `[tiles, size, size, 3]` uint8 from `byteOffset` of `buffer`. */
export interface PixelTarget {
  buffer: SharedArrayBuffer;
  byteOffset: number;
}

/** Version of the pixels the sharp path makes; counted up whenever they may change. */
const SHARP_VERSION = 2;

export class DecodePool {
  readonly workers: number;
  readonly #workers: Workers;
  /** A thread for one tile at a time, started when a chunk made its worker fail. */
  #quarantine: Workers | undefined;

  constructor({ workers = usableCores() }: DecodePoolOptions = {}, context: RunContext = {}) {
    checkInteger("workers", workers, 1, 1024);
    this.workers = workers;
    if (loadAddon() === undefined) warnWithoutAddon(context);
    // While a worker decodes, its next chunk is there already: it never waits for the main thread to come to its turn.
    this.#workers = startWorkers(workers, 2);
  }

  /**
   * Decodes a chunk in one worker; tiles known to be bad are not touched.
   * @returns undefined if every tile is fine, else one outcome per tile. Never rejects for what a tile or its worker does: where a
   *   worker throws or dies, its tiles are tried again one by one, and the one that does it alone has the outcome CRASH.
   */
  async decode(
    tiles: readonly Tile[],
    target: PixelTarget,
    options: DecodeOptions,
  ): Promise<DecodeOutcome[] | undefined> {
    if (tiles.some((tile) => tile.failure)) {
      return decodeSingly(tiles, target, options, (tile, place) => this.decode([tile], place, options));
    }
    try {
      return await this.#workers.run({ tiles: tiles.map(placeOf), ...target, options });
    } catch {
      return decodeSingly(tiles, target, options, (tile, place) => this.#decodeAlone(tile, place, options));
    }
  }

  /** Nothing else is in the worker, so that nobody else's failure is taken for this tile's. */
  async #decodeAlone(tile: Tile, place: PixelTarget, options: DecodeOptions): Promise<DecodeOutcome[] | undefined> {
    this.#quarantine ??= startWorkers(1, 1);
    try {
      return await this.#quarantine.run({ tiles: [placeOf(tile)], ...place, options });
    } catch (error) {
      return [{ code: "CRASH", message: `Decode worker failed: ${(error as Error).message}` }];
    }
  }

  /** Waits for what is being decoded, then ends the workers. */
  async close(): Promise<void> {
    await Promise.all([this.#workers.close(), this.#quarantine?.close()]);
  }
}

type Workers = Piscina<DecodeTask, DecodeOutcome[] | undefined>;

function startWorkers(count: number, tasksPerWorker: number): Workers {
  return new Piscina({
    filename: fileURLToPath(new URL("./worker.js", import.meta.url)),
    name: "decodeChunk",
    // piscina's own defaults would start 1.5 threads per core and let them die between batches.
    minThreads: count,
    maxThreads: count,
    idleTimeout: Number.POSITIVE_INFINITY,
    concurrentTasksPerWorker: tasksPerWorker,
  });
}

async function decodeSingly(
  tiles: readonly Tile[],
  { buffer, byteOffset }: PixelTarget,
  options: DecodeOptions,
  decode: (tile: Tile, place: PixelTarget) => Promise<DecodeOutcome[] | undefined>,
): Promise<DecodeOutcome[]> {
  const outcomes: DecodeOutcome[] = [];
  for (const [i, tile] of tiles.entries()) {
    const place = { buffer, byteOffset: byteOffset + i * options.size ** 2 * 3 };
    outcomes.push(tile.failure ?? (await decode(tile, place))?.[0]);
  }
  return outcomes;
}

/** Says which code makes the pixels; part of every feature cache key. */
export function decoderVersion(): string {
  const addon = loadAddon();
  return addon ? `addon-${addon.decoderVersion}` : `sharp-${SHARP_VERSION}`;
}

/** Only what a worker needs; names stay here. */
function placeOf({ path, offset, byteLength }: Tile): NativeTile {
  return {
    path,
    ...(offset === undefined ? {} : { offset }),
    ...(byteLength === undefined ? {} : { byteLength }),
  };
}

const warned = new WeakSet<NonNullable<RunContext["onWarning"]>>();

function warnWithoutAddon({ onWarning }: RunContext): void {
  if (onWarning === undefined || warned.has(onWarning)) return;
  warned.add(onWarning);
  const reason = addonLoadError() === undefined ? "is switched off (CANOPY_NO_ADDON=1)" : "is not built";
  onWarning(
    `The native decoder ${reason}, so tiles are decoded through sharp: the colours are right, but it is several times slower. ` +
      "To mend it, install a C++ compiler and the libjpeg-turbo headers (Debian: apt-get install g++ make libjpeg-dev), then run " +
      "`npm rebuild canopy`, or `npm run build:native` in a checkout; `canopy doctor` says more.",
  );
}
