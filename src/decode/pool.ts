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
const SHARP_VERSION = 1;

export class DecodePool {
  readonly workers: number;
  readonly #piscina: Piscina<DecodeTask, DecodeOutcome[] | undefined>;

  constructor({ workers = usableCores() }: DecodePoolOptions = {}, context: RunContext = {}) {
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
   * Decodes a chunk in one worker; tiles known to be bad are not touched.
   * @returns undefined if every tile is fine, else one outcome per tile. Never rejects for what a tile or its worker does: where a
   *   worker throws or dies, its tiles are tried again one by one, and the one that does it alone has the outcome CRASH.
   */
  async decode(
    tiles: readonly Tile[],
    target: PixelTarget,
    options: DecodeOptions,
  ): Promise<DecodeOutcome[] | undefined> {
    if (tiles.some((tile) => tile.failure)) return this.#decodeSingly(tiles, target, options);
    try {
      return await this.#piscina.run({ tiles: tiles.map(placeOf), ...target, options });
    } catch (error) {
      if (tiles.length > 1) return this.#decodeSingly(tiles, target, options);
      return [{ code: "CRASH", message: `Decode worker failed: ${(error as Error).message}` }];
    }
  }

  async #decodeSingly(tiles: readonly Tile[], { buffer, byteOffset }: PixelTarget, options: DecodeOptions) {
    const outcomes: DecodeOutcome[] = [];
    for (const [i, tile] of tiles.entries()) {
      const place = { buffer, byteOffset: byteOffset + i * options.size ** 2 * 3 };
      outcomes.push(tile.failure ?? (await this.decode([tile], place, options))?.[0]);
    }
    return outcomes;
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
