/** Features of a list of tiles, through the store: only tiles that it lacks are decoded. */
import type { DecodeOutcome } from "../decode/decoder.js";
import type { RunContext } from "../run-context.js";
import type { Tile } from "../tiles/tile.js";
import { KEY_BYTES } from "./segment.js";
import type { FeatureStore } from "./store.js";
import { type StreamOptions, streamFeatures } from "./stream.js";
import { isUnkeyed, tileKeys } from "./tile-key.js";

export interface ExtractOptions extends Omit<StreamOptions, "signal"> {
  /** Where features are looked up and kept; without it everything is decoded. */
  store?: FeatureStore;
}

export interface ExtractedFeatures {
  /** One `[tiles, numFeatures]` float32 per variant, in the order of `options.variants`; rows of rejected tiles are zeros. */
  features: Float32Array[];
  numFeatures: number;
  /** `outcomes[i]` is undefined if tile i has features. */
  outcomes: DecodeOutcome[];
  /**
   * Tiles that were decoded now, rejected ones included: rejections are not stored, so that a repaired file is seen.
   */
  decoded: number;
  /** Tiles whose features came from the store. */
  cached: number;
}

/** The features and outcomes so far. */
interface Progress {
  outcomes: DecodeOutcome[];
  done: number;
  rejected: number;
}

/**
 * Features of `tiles`, in their order.
 * @throws InterruptedError on abort (what was extracted so far is in the store); ModelError if a session fails.
 */
export async function extractFeatures(
  tiles: readonly Tile[],
  options: ExtractOptions,
  context: RunContext = {},
): Promise<ExtractedFeatures> {
  const { store, variants = [0], backbone } = options;
  const { numFeatures } = backbone;
  const features = variants.map(() => new Float32Array(tiles.length * numFeatures));
  const keys = store ? await tileKeys(tiles) : new Uint8Array(tiles.length * KEY_BYTES);
  const missing = readCached(tiles.length, keys, features, variants, store);
  const progress: Progress = {
    outcomes: new Array(tiles.length).fill(undefined),
    done: tiles.length - missing.length,
    rejected: 0,
  };
  const cached = progress.done;
  report(progress, tiles.length, context);
  for await (const { positions, rows } of extractMissing(tiles, missing, keys, progress, options, context)) {
    for (const [i, position] of positions.entries()) {
      for (const [v, matrix] of features.entries()) {
        const from = (i * variants.length + v) * numFeatures;
        matrix.set(rows.subarray(from, from + numFeatures), position * numFeatures);
      }
    }
  }
  return { features, numFeatures, outcomes: progress.outcomes, decoded: missing.length, cached };
}

/** Fills in what the store has; returns the positions of tiles of which it lacks a variant. */
function readCached(
  count: number,
  keys: Uint8Array,
  features: Float32Array[],
  variants: readonly number[],
  store: FeatureStore | undefined,
): number[] {
  if (store === undefined) return Array.from({ length: count }, (_, i) => i);
  const rows = store.find(keys, variants);
  const missing = new Set<number>();
  for (const [i, row] of rows.entries()) if (row < 0) missing.add(Math.floor(i / variants.length));
  for (const [v, matrix] of features.entries()) {
    const ofVariant = Int32Array.from({ length: count }, (_, i) =>
      missing.has(i) ? -1 : rows[i * variants.length + v],
    );
    for (const position of store.read(ofVariant, matrix)) missing.add(position);
  }
  return [...missing].sort((a, b) => a - b);
}

/**
 * Decodes the tiles at `missing`, keeps their features in the store, and yields them: `rows` is `[positions, variants, numFeatures]`.
 */
export async function* extractMissing(
  tiles: readonly Tile[],
  missing: readonly number[],
  keys: Uint8Array,
  progress: Progress,
  options: ExtractOptions,
  context: RunContext,
): AsyncGenerator<{ positions: readonly number[]; rows: Float32Array }, void, undefined> {
  if (missing.length === 0) return;
  const { store, variants = [0] } = options;
  const stream = { ...options, ...(context.signal ? { signal: context.signal } : {}) };
  let at = 0;
  try {
    for await (const batch of streamFeatures(pick(tiles, missing), stream)) {
      const positions = missing.slice(at, at + batch.tiles.length);
      at += batch.tiles.length;
      for (const [i, outcome] of batch.outcomes.entries()) progress.outcomes[positions[i]] = outcome;
      if (store) keep(store, positions, keys, batch.outcomes, batch.features, variants);
      progress.done += positions.length;
      progress.rejected += batch.outcomes.filter((outcome) => outcome !== undefined).length;
      report(progress, tiles.length, context);
      yield { positions, rows: batch.features };
      batch.recycle();
    }
  } finally {
    store?.flush();
  }
}

async function* pick(tiles: readonly Tile[], positions: readonly number[]): AsyncGenerator<Tile, void, undefined> {
  for (const position of positions) yield tiles[position];
}

/** Appends the good rows to the store, one variant after the other. */
function keep(
  store: FeatureStore,
  positions: readonly number[],
  keys: Uint8Array,
  outcomes: readonly DecodeOutcome[],
  rows: Float32Array,
  variants: readonly number[],
): void {
  const { numFeatures } = store;
  const keyAt = (i: number) => keys.subarray(positions[i] * KEY_BYTES, (positions[i] + 1) * KEY_BYTES);
  const good = [...outcomes.keys()].filter((i) => outcomes[i] === undefined && !isUnkeyed(keyAt(i)));
  const goodKeys = Buffer.concat(good.map(keyAt));
  for (const [v, variant] of variants.entries()) {
    const features = new Float32Array(good.length * numFeatures);
    for (const [k, i] of good.entries()) {
      const from = (i * variants.length + v) * numFeatures;
      features.set(rows.subarray(from, from + numFeatures), k * numFeatures);
    }
    store.append(goodKeys, features, variant);
  }
}

function report({ done, rejected }: Progress, total: number, { onProgress }: RunContext) {
  onProgress?.({ stage: "features", done, total, rejected });
}
