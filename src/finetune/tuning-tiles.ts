/** TuningTiles: reads tiles from disk in any order, batch by batch, augmented for training or as they are. */
import { loadBatches } from "../batch/loader.js";
import { SlotRing } from "../batch/slot-ring.js";
import { type AugmentationRanges, drawAugmentation } from "../decode/augmentation.js";
import type { DecodeOptions } from "../decode/decoder.js";
import type { DecodePool } from "../decode/pool.js";
import { InputError } from "../errors.js";
import { createRandom } from "../random.js";
import type { Tile } from "../tiles/tile.js";

export interface TuningTilesOptions {
  pool: DecodePool;
  tiles: readonly Tile[];
  decode: DecodeOptions;
  batchSize: number;
  signal?: AbortSignal | undefined;
}

export interface TileBatch {
  /** Rows of the tiles. */
  rows: Uint32Array;
  /** `[rows, size, size, 3]`, valid until the next batch. */
  pixels: Uint8Array;
}

/** The draw of a tile's augmentation depends on `stream`, the tile's row and nothing else. */
export interface AugmentedReading extends AugmentationRanges {
  stream: readonly [seed: number, ...rest: number[]];
}

/** Batches that are decoded while one is being used. */
const AHEAD = 2;

export class TuningTiles {
  readonly #options: TuningTilesOptions;
  readonly #pixels: Uint8Array;

  constructor(options: TuningTilesOptions) {
    this.#options = options;
    this.#pixels = new Uint8Array(options.batchSize * options.decode.size ** 2 * 3);
  }

  /** @throws InputError if a tile can no longer be decoded; InterruptedError on abort */
  async *read(rows: Uint32Array, augmented?: AugmentedReading): AsyncGenerator<TileBatch, void, undefined> {
    const { pool, tiles, decode, batchSize, signal } = this.#options;
    const ring = new SlotRing(AHEAD + 1, this.#pixels.length);
    const augment =
      augmented && ((i: number) => drawAugmentation(createRandom(...augmented.stream, rows[i]), augmented));
    const load = { decode, batchSize, batchesAhead: AHEAD, ...(augment && { augment }), ...(signal && { signal }) };
    try {
      for await (const batch of loadBatches(pick(tiles, rows), pool, ring, load)) {
        const first = batch.index * batchSize;
        refuseFailures(batch.tiles, batch.outcomes);
        const pixels = this.#pixels.subarray(0, batch.pixels.length);
        // Copied, because engines do not take shared memory.
        pixels.set(batch.pixels);
        batch.release();
        yield { rows: rows.subarray(first, first + batch.tiles.length), pixels };
      }
    } finally {
      ring.close();
    }
  }
}

async function* pick(tiles: readonly Tile[], rows: Uint32Array): AsyncGenerator<Tile, void, undefined> {
  for (const row of rows) yield tiles[row];
}

function refuseFailures(tiles: readonly Tile[], outcomes: readonly ({ message: string } | undefined)[]): void {
  for (const [i, failure] of outcomes.entries()) {
    if (failure !== undefined) {
      throw new InputError(`${tiles[i].path} could be decoded before, and cannot now: ${failure.message}.`);
    }
  }
}
