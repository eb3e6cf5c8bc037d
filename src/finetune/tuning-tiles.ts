/** TuningTiles: tiles as pixels, read from disk each time they are wanted. */
import { loadBatches } from "../batch/loader.js";
import { SlotRing } from "../batch/slot-ring.js";
import { drawAugmentation } from "../decode/augmentation.js";
import type { DecodeOptions } from "../decode/decoder.js";
import type { DecodePool } from "../decode/pool.js";
import { InputError } from "../errors.js";
import { applyDihedral } from "../features/dihedral.js";
import { createRandom } from "../random.js";
import type { Tile } from "../tiles/tile.js";
import type { Altered, SourceBatch, TuningSource } from "./tuning-source.js";

interface TuningTilesOptions {
  pool: DecodePool;
  tiles: readonly Tile[];
  decode: DecodeOptions;
  batchSize: number;
  signal?: AbortSignal | undefined;
}

/** Batches that are decoded while one is being used. */
const AHEAD = 2;

export class TuningTiles implements TuningSource {
  readonly #options: TuningTilesOptions;
  readonly #pixels: Uint8Array;
  readonly #turned: Uint8Array;

  constructor(options: TuningTilesOptions) {
    this.#options = options;
    this.#pixels = new Uint8Array(options.batchSize * options.decode.size ** 2 * 3);
    this.#turned = new Uint8Array(this.#pixels.length);
  }

  async *read(rows: Uint32Array, altered?: Altered): AsyncGenerator<SourceBatch, void, undefined> {
    const { pool, tiles, decode, batchSize, signal } = this.#options;
    const ring = new SlotRing(AHEAD + 1, this.#pixels.length);
    const augment = altered && ((i: number) => drawAugmentation(createRandom(...altered.stream, rows[i]), altered));
    const load = { decode, batchSize, batchesAhead: AHEAD, ...(augment && { augment }), ...(signal && { signal }) };
    try {
      for await (const batch of loadBatches(pickTiles(tiles, rows), pool, ring, load)) {
        const first = batch.index * batchSize;
        refuseFailures(batch.tiles, batch.outcomes);
        const count = batch.tiles.length;
        const tiles = this.#pixels.subarray(0, batch.pixels.length);
        // Copied, because engines do not take shared memory.
        tiles.set(batch.pixels);
        batch.release();
        const turned = (view: number) => {
          const target = this.#turned.subarray(0, tiles.length);
          applyDihedral(tiles, target, count, decode.size, view);
          return target;
        };
        yield { rows: rows.subarray(first, first + count), tiles, turned };
      }
    } finally {
      ring.close();
    }
  }
}

/** The tiles of `rows`, in their order. */
export async function* pickTiles(tiles: readonly Tile[], rows: Uint32Array): AsyncGenerator<Tile, void, undefined> {
  for (const row of rows) yield tiles[row];
}

/** @throws InputError for a tile that could be decoded when the training began */
export function refuseFailures(tiles: readonly Tile[], outcomes: readonly ({ message: string } | undefined)[]): void {
  for (const [i, failure] of outcomes.entries()) {
    if (failure !== undefined) {
      throw new InputError(`${tiles[i].path} could be decoded before, and cannot now: ${failure.message}.`);
    }
  }
}
