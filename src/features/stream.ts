/** The loop batches -> backbone: tiles in, feature rows out, in source order, with decoding and all sessions busy at once. */

import type { Batch } from "../batch/batch.js";
import { loadBatches } from "../batch/loader.js";
import { SlotRing } from "../batch/slot-ring.js";
import { checkInteger } from "../check.js";
import { DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import type { DecodePool } from "../decode/pool.js";
import type { TileSource } from "../tiles/tile.js";
import type { Backbone } from "./backbone.js";
import type { FeatureBatch } from "./feature-batch.js";
import { BATCHES_PER_SESSION } from "./plan.js";

export interface StreamOptions {
  pool: DecodePool;
  backbone: Backbone;
  /** How tiles are decoded; the size is the backbone's. @default DECODE_DEFAULTS */
  decode?: Partial<Omit<DecodeOptions, "size">>;
  /** Tiles per run of a session. @default 8 on the CPU, 32 on a GPU */
  batchSize?: number;
  /** Decoded batches kept ready beside those the sessions have. @default 2 per session */
  batchesAhead?: number;
  /** Elements of the dihedral group to extract (see dihedral.ts); features then are `[tiles, variants, numFeatures]`. @default [0] */
  variants?: readonly number[];
  signal?: AbortSignal;
}

/**
 * Streams the features of a source, in its order. Rows of rejected tiles are zeros, their outcomes say why.
 * @returns batches whose `features` are `[tiles, numFeatures]` float32, or `[tiles, variants, numFeatures]` with several variants.
 * @throws ModelError where a session fails; InterruptedError on abort; whatever the source throws. All slots and runs are settled first.
 */
export async function* streamFeatures(
  source: TileSource,
  options: StreamOptions,
): AsyncGenerator<FeatureBatch, void, undefined> {
  const { pool, backbone, batchSize = defaultBatchSize(backbone), batchesAhead = 2 * backbone.sessions } = options;
  checkInteger("batchSize", batchSize, 1, 4096);
  checkInteger("batchesAhead", batchesAhead, 1, 4096);
  const decode: DecodeOptions = { ...DECODE_DEFAULTS, ...options.decode, size: backbone.size };
  const running = backbone.sessions * BATCHES_PER_SESSION;
  const ring = new SlotRing(running + batchesAhead, batchSize * backbone.size ** 2 * 3);
  const results: Promise<FeatureBatch>[] = [];
  try {
    const load = { decode, batchSize, batchesAhead, ...(options.signal ? { signal: options.signal } : {}) };
    for await (const batch of loadBatches(source, pool, ring, load)) {
      const result = extract(batch, ring, backbone, options.variants ?? [0]);
      result.catch(() => {}); // Its turn comes below; until then a failure must not count as unhandled.
      results.push(result);
      if (results.length === running) yield await results.shift()!;
    }
    while (results.length > 0) yield await results.shift()!;
  } finally {
    await Promise.allSettled(results);
    backbone.detach(ring);
    ring.close();
  }
}

export function defaultBatchSize(backbone: Backbone): number {
  return backbone.device === "cpu" ? 8 : 32;
}

async function extract(
  batch: Batch,
  ring: SlotRing,
  backbone: Backbone,
  variants: readonly number[],
): Promise<FeatureBatch> {
  const { tiles, outcomes } = batch;
  const { numFeatures } = backbone;
  try {
    if (outcomes.every((outcome) => outcome !== undefined)) {
      return { tiles, outcomes, features: new Float32Array(tiles.length * variants.length * numFeatures) };
    }
    const features = tilesFirst(await backbone.run(batch, ring, variants), tiles.length, variants.length, numFeatures);
    const rowLength = variants.length * numFeatures;
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome !== undefined) features.fill(0, i * rowLength, (i + 1) * rowLength);
    }
    return { tiles, outcomes, features };
  } finally {
    batch.release();
  }
}

/** `[variants, tiles, numFeatures]` to `[tiles, variants, numFeatures]`. */
function tilesFirst(features: Float32Array, tiles: number, variants: number, numFeatures: number): Float32Array {
  if (variants === 1) return features;
  const turned = new Float32Array(features.length);
  for (let v = 0; v < variants; v++) {
    for (let i = 0; i < tiles; i++) {
      const from = (v * tiles + i) * numFeatures;
      turned.set(features.subarray(from, from + numFeatures), (i * variants + v) * numFeatures);
    }
  }
  return turned;
}
