/** The loop batches -> backbone: tiles in, feature rows out, in source order, with decoding and all sessions busy at once. */

import type { Batch } from "../batch/batch.js";
import { loadBatches } from "../batch/loader.js";
import { SlotRing } from "../batch/slot-ring.js";
import { checkInteger } from "../check.js";
import { DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import type { DecodePool } from "../decode/pool.js";
import { InterruptedError } from "../errors.js";
import type { TileFeed } from "../tiles/tile.js";
import { type Backbone, defaultTilesPerRun } from "./backbone.js";
import type { FeatureBatch } from "./feature-batch.js";
import { runSingly } from "./isolate.js";
import { rejectUnsound } from "./unsound.js";

export interface StreamOptions {
  /** What decodes. */
  pool: DecodePool;
  /** Turns pixels into features. */
  backbone: Backbone;
  /** How tiles are decoded; the size is the backbone's. @default DECODE_DEFAULTS */
  decode?: Partial<Omit<DecodeOptions, "size">>;
  /** Tiles per batch: what is decoded into one slot and handed to one session. @default see `defaultBatchSize` */
  batchSize?: number;
  /** Batches that may be decoding or wait decoded, beside those the sessions have. @default 1 per session, and 1 more */
  batchesAhead?: number;
  /** Elements of the dihedral group to extract (see dihedral.ts); features then are `[tiles, variants, numFeatures]`. @default [0] */
  variants?: readonly number[];
  /** Aborting ends the stream with InterruptedError. */
  signal?: AbortSignal;
}

/** Batches given to a session at once: one it works on, and the next ones while results wait for their turn. */
export const BATCHES_PER_SESSION = 2;

/**
 * Streams the features of a source, in its order. Rows of rejected tiles are zeros, their outcomes say why.
 * @returns batches whose `features` are `[tiles, numFeatures]` float32, or `[tiles, variants, numFeatures]` with several variants.
 * @throws ModelError if a session fails on every tile of a batch; InterruptedError on abort; whatever the source
 * throws. All slots are given back and all runs have ended by then.
 */
export async function* streamFeatures(
  source: TileFeed,
  options: StreamOptions,
): AsyncGenerator<FeatureBatch, void, undefined> {
  const {
    pool,
    backbone,
    signal,
    batchSize = defaultBatchSize(backbone),
    batchesAhead = backbone.sessions + 1,
  } = options;
  checkInteger("batchSize", batchSize, 1, 4096);
  checkInteger("batchesAhead", batchesAhead, 1, 4096);
  const decode: DecodeOptions = { ...DECODE_DEFAULTS, ...options.decode, size: backbone.size };
  const running = backbone.sessions * BATCHES_PER_SESSION;
  const ring = new SlotRing(running + batchesAhead, batchSize * backbone.size ** 2 * 3);
  const results: Promise<FeatureBatch>[] = [];
  const spares: Spares = [];
  // Nobody waits for these runs: with large batches and all variants they could take many seconds.
  const onAbort = () => backbone.cancelRuns();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const load = { decode, batchSize, batchesAhead, ...(signal ? { signal } : {}) };
    for await (const batch of loadBatches(source, pool, ring, load)) {
      const result = extractBatch(batch, ring, backbone, options.variants ?? [0], spares);
      result.catch(() => {}); // Its turn comes below; until then a failure must not be reported as unhandled.
      results.push(result);
      if (results.length === running) yield await results.shift()!;
    }
    while (results.length > 0) yield await results.shift()!;
  } catch (error) {
    throw signal?.aborted ? new InterruptedError() : error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await Promise.allSettled(results);
    if (signal?.aborted) backbone.acceptRuns();
    backbone.detach(ring);
    ring.close();
  }
}

/** Calls of ONNX Runtime that a batch is cut into on the CPU. */
const RUNS_PER_BATCH = 8;

/**
 * Tiles per batch. On the CPU eight calls of ONNX Runtime: 24 tiles of 224 pixels, 72 of 128, a tenth of a second. A
 * batch costs the main thread half a millisecond, most of it for waking up, so batches should be large. But at the end
 * of a run sessions may be idle for as long as the last batch takes. 32 on a GPU.
 */
export function defaultBatchSize({ device, size }: Pick<Backbone, "device" | "size">): number {
  return device === "cpu" ? Math.min(256, RUNS_PER_BATCH * defaultTilesPerRun(device, size)) : 32;
}

/** Recycled memory of features. New memory for each batch costs as much as handing the batch over. */
export type Spares = Float32Array[];

/** Features of a decoded batch, which is released. @throws ModelError if a session fails on each of its tiles */
export async function extractBatch(
  batch: Batch,
  ring: SlotRing,
  backbone: Backbone,
  variants: readonly number[],
  spares: Spares,
): Promise<FeatureBatch> {
  const { tiles, outcomes } = batch;
  const { numFeatures } = backbone;
  const rowLength = variants.length * numFeatures;
  try {
    if (outcomes.every((outcome) => outcome !== undefined)) {
      return { tiles, outcomes, features: new Float32Array(tiles.length * rowLength), recycle: () => {} };
    }
    const rows = await runBatch(batch, ring, backbone, variants, spares.pop());
    const features = tilesFirst(rows, tiles.length, variants.length, numFeatures);
    if (features !== rows) spares.push(rows);
    rejectUnsound(features, outcomes, rowLength);
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome !== undefined) features.fill(0, i * rowLength, (i + 1) * rowLength);
    }
    return { tiles, outcomes, features, recycle: features === rows ? recycler(rows, spares) : () => {} };
  } finally {
    batch.release();
  }
}

function recycler(features: Float32Array, spares: Spares): () => void {
  let owned = true;
  return () => {
    if (owned) spares.push(features);
    owned = false;
  };
}

async function runBatch(
  batch: Batch,
  ring: SlotRing,
  backbone: Backbone,
  variants: readonly number[],
  spare: Float32Array | undefined,
) {
  try {
    return await backbone.run(batch, ring, variants, spare);
  } catch (error) {
    return await runSingly(batch, ring, backbone, variants, error);
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
