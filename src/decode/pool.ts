/** DecodePool: the decode workers. Tiles go in, pixels appear in shared memory, outcomes come back. */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { addonLoadError, loadAddon, type NativeTile } from "../addon.js";
import { checkInteger } from "../check.js";
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
const SHARP_VERSION = 1;

export class DecodePool {
  readonly workers: number;
  readonly #piscina: Piscina<DecodeTask, DecodeOutcome[] | undefined>;

  constructor({ workers = availableParallelism() }: DecodePoolOptions = {}, context: RunContext = {}) {
    checkInteger("workers", workers, 1, 1024);
    this.workers = workers;
    if (loadAddon() === undefined) warnWithoutAddon(context);
    this.#piscina = new Piscina({
      filename: fileURLToPath(new URL("./worker.js", import.meta.url)),
      name: "decodeChunk",
      // piscina's own defaults would start 1.5 threads per core and let them die between batches.
      minThreads: workers,
      maxThreads: workers,
      idleTimeout: Number.POSITIVE_INFINITY,
    });
  }

  /**
   * Decodes a chunk in one worker.
   * @returns undefined if every tile is fine, else one outcome per tile. Never rejects for what a tile or its worker does: a worker that
   *   throws or dies makes CRASH outcomes.
   */
  async decode(
    tiles: readonly Tile[],
    target: PixelTarget,
    options: DecodeOptions,
  ): Promise<DecodeOutcome[] | undefined> {
    try {
      const outcomes = await this.#piscina.run({ tiles: tiles.map(placeOf), ...target, options });
      return tiles.some((tile) => tile.failure) ? tiles.map((tile, i) => tile.failure ?? outcomes?.[i]) : outcomes;
    } catch (error) {
      const message = `Decode worker failed: ${(error as Error).message}`;
      return tiles.map(() => ({ code: "CRASH", message }));
    }
  }

  /** Waits for what is being decoded, then ends the workers. */
  async close(): Promise<void> {
    await this.#piscina.close();
  }
}

/** Says which code makes the pixels; part of every feature cache key. */
export function decoderVersion(): string {
  const addon = loadAddon();
  return addon ? `addon-${addon.decoderVersion}` : `sharp-${SHARP_VERSION}`;
}

/** Only what a worker needs; names stay here. A tile known to be bad has no bytes, so that nothing touches its file's contents. */
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
