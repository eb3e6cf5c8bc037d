/** The engine of prediction: a trained model with its decode workers and sessions. Tiles go in, tagged batches come out in order. */
import type { DecodeOptions, DecodeOutcome } from "../decode/decoder.js";
import { DecodePool } from "../decode/pool.js";
import { Backbone } from "../features/backbone.js";
import type { Device } from "../features/device.js";
import { defaultBatchSize, streamFeatures } from "../features/stream.js";
import type { Checkpoint } from "../head/checkpoint.js";
import type { RunContext } from "../run-context.js";
import { chooseThresholds, type TaggedRow, tagFeatures } from "../tags/prediction.js";
import type { Tile, TileSource } from "../tiles/tile.js";

export interface EngineOptions {
  checkpoint: Checkpoint;
  /** The prepared backbone: `tiles` uint8 in, `features` out. */
  model: Uint8Array;
  device: Device;
  decode: Omit<DecodeOptions, "size">;
  threshold?: number | undefined;
  /** Decode threads. @default one per core */
  workers?: number | undefined;
  /** @default one per core on the CPU, 1 on a GPU */
  sessions?: number | undefined;
  /** @default 8 on the CPU, 32 on a GPU */
  batchSize?: number | undefined;
  batchesAhead?: number | undefined;
}

export interface TaggedBatch {
  tiles: Tile[];
  /** `outcomes[i]` is undefined where tile i was tagged. */
  outcomes: DecodeOutcome[];
  /** `rows[i]` is meaningless where tile i was rejected. */
  rows: TaggedRow[];
}

const ALL_VARIANTS = [0, 1, 2, 3, 4, 5, 6, 7];

export class Engine {
  readonly checkpoint: Checkpoint;
  readonly batchSize: number;
  readonly decode: DecodeOptions;
  readonly #options: EngineOptions;
  readonly #thresholds: Float32Array;
  readonly #backbone: Backbone;
  readonly #pool: DecodePool;

  private constructor(options: EngineOptions, backbone: Backbone, pool: DecodePool) {
    this.#options = options;
    this.#backbone = backbone;
    this.#pool = pool;
    this.checkpoint = options.checkpoint;
    this.batchSize = options.batchSize ?? defaultBatchSize(backbone);
    this.decode = { ...options.decode, size: options.checkpoint.preprocessing.size };
    this.#thresholds = chooseThresholds(options.checkpoint, options.threshold);
  }

  /** Starts sessions and decode workers. Throws a ModelError where the device refuses the model. */
  static async open(options: EngineOptions, context: RunContext = {}): Promise<Engine> {
    const { checkpoint, model, device, sessions, workers } = options;
    const backbone = await Backbone.open({
      model,
      device,
      size: checkpoint.preprocessing.size,
      numFeatures: checkpoint.head.numFeatures,
      ...(sessions === undefined ? {} : { sessions }),
    });
    return new Engine(options, backbone, new DecodePool(workers === undefined ? {} : { workers }, context));
  }

  /** The provider that runs. */
  get provider(): Device {
    return this.#backbone.device;
  }

  /** Tags a source; batches keep its order and, but for the last, hold `batchSize` tiles. Throws InterruptedError on abort. */
  async *tag(source: TileSource, signal?: AbortSignal): AsyncGenerator<TaggedBatch> {
    const { checkpoint, decode, batchesAhead } = this.#options;
    const variants = checkpoint.preprocessing.tta === "d4" ? ALL_VARIANTS : [0];
    const stream = streamFeatures(source, {
      pool: this.#pool,
      backbone: this.#backbone,
      decode,
      batchSize: this.batchSize,
      variants,
      ...(batchesAhead === undefined ? {} : { batchesAhead }),
      ...(signal === undefined ? {} : { signal }),
    });
    for await (const { tiles, outcomes, features } of stream) {
      const mean = averageVariants(features, tiles.length, variants.length, checkpoint.head.numFeatures);
      yield { tiles, outcomes, rows: await tagFeatures(checkpoint, this.#thresholds, mean, tiles.length) };
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#backbone.close()]);
  }
}

/** `[rows, variants, numFeatures]` to `[rows, numFeatures]` by the mean over variants, summed in float64 in a fixed order. */
export function averageVariants(
  features: Float32Array,
  rows: number,
  variants: number,
  numFeatures: number,
): Float32Array {
  if (variants === 1) return features;
  const mean = new Float32Array(rows * numFeatures);
  for (let row = 0; row < rows; row++) {
    for (let feature = 0; feature < numFeatures; feature++) {
      let sum = 0;
      for (let v = 0; v < variants; v++) sum += features[(row * variants + v) * numFeatures + feature]!;
      mean[row * numFeatures + feature] = sum / variants;
    }
  }
  return mean;
}
