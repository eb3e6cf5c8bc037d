/**
 * TuningMaps: tiles as the stored results of the part of a network that does not learn. Each is computed once for each of the eight
 * flips and quarter turns, and kept in the feature store, where an interrupted run goes on.
 */
import { statfs } from "node:fs/promises";
import type { DecodeOptions } from "../decode/decoder.js";
import { InputError } from "../errors.js";
import type { Device } from "../features/device.js";
import { ALL_VARIANTS } from "../features/dihedral.js";
import { readingIdentity } from "../features/extractor.js";
import { openPipeline } from "../features/pipeline.js";
import { FeatureStore } from "../features/store.js";
import { extractToStore, type StoredFeatures } from "../features/stored.js";
import { defaultBatchSize } from "../features/stream.js";
import { tileKeys } from "../features/tile-key.js";
import { usableCores } from "../machine.js";
import { sha256Of } from "../models/sha256.js";
import { createRandom } from "../random.js";
import type { RunContext } from "../run-context.js";
import type { Tile } from "../tiles/tile.js";
import type { SplitNetwork } from "./split-network.js";
import type { Altered, SourceBatch, TuningSource } from "./tuning-source.js";

interface TuningMapsOptions {
  split: Pick<SplitNetwork, "lower" | "floats">;
  tiles: readonly Tile[];
  decode: DecodeOptions;
  device: Device;
  workers: number;
  batchSize: number;
}

/** Bytes of the maps of a batch while they are computed. */
const BATCH_BYTES = 32 << 20;
/** Of a row's key and checksum. */
const ROW_BYTES = 20;

/**
 * Computes what the store lacks.
 * @throws InputError if the disk has no room for it, or a tile can no longer be decoded; InterruptedError on abort
 */
export async function openTuningMaps(options: TuningMapsOptions, context: RunContext): Promise<TuningMaps> {
  const { split, decode, device } = options;
  const identity = { network: sha256Of(split.lower), numFeatures: split.floats, ...readingIdentity(decode, device) };
  const store = new FeatureStore(identity, context);
  try {
    await checkRoom(store, options, context);
    return new TuningMaps(store, await extract(store, options, context), options.batchSize);
  } catch (error) {
    store.close();
    throw error;
  }
}

async function checkRoom(
  store: FeatureStore,
  { split, tiles }: TuningMapsOptions,
  { onNotice }: RunContext,
): Promise<void> {
  const missing = store.find(await tileKeys(tiles), ALL_VARIANTS).filter((row) => row < 0).length;
  const needed = missing * (split.floats * 4 + ROW_BYTES);
  if (needed === 0) return;
  const maps = "The maps below the blocks that learn";
  const advice =
    "Set CANOPY_CACHE to a folder with room, or let all blocks learn (`finetune.blocks: all`), which needs no maps.";
  if (!store.isWritable) throw new InputError(`${maps} cannot be kept in ${store.folder}. ${advice}`);
  const { bavail, bsize } = await statfs(store.folder);
  const free = bavail * bsize;
  if (needed > free) {
    throw new InputError(
      `${maps} take ${describe(needed)} in ${store.folder}, where ${describe(free)} are free. ${advice}`,
    );
  }
  onNotice?.(`The maps below the blocks that learn are kept in ${store.folder}: ${describe(needed)} more.`);
}

function describe(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

async function extract(
  store: FeatureStore,
  { split, tiles, decode, device, workers }: TuningMapsOptions,
  context: RunContext,
): Promise<StoredFeatures> {
  const sessions = device === "cpu" ? usableCores() : 1;
  const setup = { model: split.lower, size: decode.size, numFeatures: split.floats, device, sessions };
  const { backbone, pool } = await openPipeline(setup, workers, context);
  try {
    const most = Math.max(1, Math.floor(BATCH_BYTES / (split.floats * 4 * ALL_VARIANTS.length)));
    const batchSize = Math.min(defaultBatchSize(backbone), most);
    const use = { pool, backbone, decode, store, variants: ALL_VARIANTS, batchSize };
    const stored = await extractToStore(tiles, use, context);
    const failed = stored.outcomes.findIndex((outcome) => outcome !== undefined);
    if (failed !== -1) {
      throw new InputError(
        `${tiles[failed].path} could be decoded before, and cannot now: ${stored.outcomes[failed]?.message}.`,
      );
    }
    return stored;
  } finally {
    await Promise.all([pool.close(), backbone.close()]);
  }
}

class TuningMaps implements TuningSource {
  readonly #store: FeatureStore;
  readonly #stored: StoredFeatures;
  readonly #batchSize: number;
  readonly #floats: Float32Array;

  /** Closes `store` with itself. */
  constructor(store: FeatureStore, stored: StoredFeatures, batchSize: number) {
    this.#store = store;
    this.#stored = stored;
    this.#batchSize = batchSize;
    this.#floats = new Float32Array(batchSize * stored.numFeatures);
  }

  /** Of `altered` only flips and turns are drawn: other windows and light would need maps of their own. */
  async *read(rows: Uint32Array, altered?: Altered): AsyncGenerator<SourceBatch, void, undefined> {
    for (let from = 0; from < rows.length; from += this.#batchSize) {
      const some = rows.subarray(from, from + this.#batchSize);
      const views = Array.from(some, (row) => (altered ? createRandom(...altered.stream, row).below(8) : 0));
      const turned = (view: number) => this.#pick(some, new Array(some.length).fill(view));
      yield { rows: some, tiles: this.#pick(some, views), turned };
    }
  }

  close(): void {
    this.#store.close();
  }

  #pick(rows: Uint32Array, views: number[]): Float32Array {
    const target = this.#floats.subarray(0, rows.length * this.#stored.numFeatures);
    this.#stored.pick(rows, views, target);
    return target;
  }
}
