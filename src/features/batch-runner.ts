/** BatchRunner: features of single batches, for tiles that do not come as a stream. */
import { startBatch } from "../batch/loader.js";
import { SlotRing } from "../batch/slot-ring.js";
import type { DecodeOptions } from "../decode/decoder.js";
import type { DecodePool } from "../decode/pool.js";
import type { Tile } from "../tiles/tile.js";
import type { Backbone } from "./backbone.js";
import type { FeatureBatch } from "./feature-batch.js";
import { extractBatch, type Spares } from "./stream.js";

interface BatchRunnerOptions {
  pool: DecodePool;
  backbone: Backbone;
  decode: DecodeOptions;
  /** Tiles of a batch at most. */
  batchSize: number;
  /** Batches at the same time; further ones wait. */
  slots: number;
  /** Elements of the dihedral group to extract (see dihedral.ts). */
  variants: readonly number[];
}

export class BatchRunner {
  readonly #options: BatchRunnerOptions;
  readonly #ring: SlotRing;
  readonly #spares: Spares = [];

  constructor(options: BatchRunnerOptions) {
    this.#options = options;
    this.#ring = new SlotRing(options.slots, options.batchSize * options.decode.size ** 2 * 3);
  }

  /**
   * Decodes and runs one batch; several calls may run at the same time. @throws ModelError if a session fails on each
   * of its tiles
   */
  async run(tiles: Tile[]): Promise<FeatureBatch> {
    const { pool, backbone, decode, batchSize, variants } = this.#options;
    const slot = await this.#ring.acquire();
    const { batch, decoded } = startBatch(tiles, 0, slot, pool, this.#ring, { decode, batchSize });
    try {
      await decoded;
      return await extractBatch(batch, this.#ring, backbone, variants, this.#spares);
    } finally {
      batch.release();
    }
  }

  /** Call it when no batch is running. */
  close(): void {
    this.#options.backbone.detach(this.#ring);
    this.#ring.close();
  }
}
