/**
 * The engine of prediction: a trained model with its decode workers and sessions. Tiles go in, tagged batches come out
 * in order; or other rows made of their features.
 */
import type { DecodeOptions, DecodeOutcome } from "../decode/decoder.js";
import type { DecodePool } from "../decode/pool.js";
import type { Backbone } from "../features/backbone.js";
import { BatchRunner } from "../features/batch-runner.js";
import type { Device } from "../features/device.js";
import { ALL_VARIANTS } from "../features/dihedral.js";
import type { FeatureBatch } from "../features/feature-batch.js";
import { openPipeline, type Pipeline } from "../features/pipeline.js";
import type { PipelinePlan } from "../features/plan.js";
import { BATCHES_PER_SESSION, streamFeatures } from "../features/stream.js";
import type { Checkpoint } from "../head/checkpoint.js";
import type { Preprocessing } from "../head/checkpoint-json.js";
import type { RunContext } from "../run-context.js";
import { chooseThresholds, type TaggedRow, tagFeatures } from "../tags/prediction.js";
import type { Tile, TileFeed } from "../tiles/tile.js";

/** A backbone that is ready to run, and what it is fed. */
export interface LoadedNetwork {
  /** The prepared backbone: `tiles` uint8 in, `features` out. */
  backbone: Uint8Array;
  device: Device;
  preprocessing: Preprocessing;
  numFeatures: number;
}

/** A model that is ready to run. */
export interface LoadedModel extends Pick<LoadedNetwork, "backbone" | "device"> {
  checkpoint: Checkpoint;
}

/** The network of a model. */
export function networkOf({ backbone, device, checkpoint }: LoadedModel): LoadedNetwork {
  return { backbone, device, preprocessing: checkpoint.preprocessing, numFeatures: checkpoint.head.numFeatures };
}

/** Features `[rows, numFeatures]` float32, which are only lent, to what becomes of each row. */
type ToRows<Row> = (features: Float32Array, rows: number) => Promise<Row[]>;

export interface EngineOptions {
  decode: Omit<DecodeOptions, "size">;
  /** Workers, sessions, batch size. */
  plan: PipelinePlan;
  /** One for all tags. @default the fitted ones */
  threshold?: number | undefined;
}

/** What a child process needs besides the backbone to try tiles like an engine. */
export interface ProbeSetup {
  decode: DecodeOptions;
  device: Device;
  numFeatures: number;
  variants: readonly number[];
}

export interface RowBatch<Row> {
  tiles: Tile[];
  /** `outcomes[i]` is undefined if tile i has a row. */
  outcomes: DecodeOutcome[];
  /** `rows[i]` is meaningless if tile i was rejected. */
  rows: Row[];
}

export type TaggedBatch = RowBatch<TaggedRow>;

/** Threads of an engine. */
export interface EngineThreads {
  /** Decode workers. */
  workers: number;
  sessions: number;
}

export class Engine<Row = TaggedRow> {
  readonly decode: DecodeOptions;
  /** Elements of the dihedral group whose features are averaged. */
  readonly variants: readonly number[];
  /** The prepared backbone. */
  readonly model: Uint8Array;
  readonly #plan: PipelinePlan;
  readonly #numFeatures: number;
  readonly #toRows: ToRows<Row>;
  readonly #backbone: Backbone;
  readonly #pool: DecodePool;
  /** For `tagBatch`, created at its first call. */
  #runner: BatchRunner | undefined;

  private constructor(
    network: LoadedNetwork,
    options: EngineOptions,
    toRows: ToRows<Row>,
    { backbone, pool }: Pipeline,
  ) {
    const { preprocessing, numFeatures } = network;
    this.model = network.backbone;
    this.variants = preprocessing.tta === "d4" ? ALL_VARIANTS : [0];
    this.decode = { ...options.decode, size: preprocessing.size };
    this.#plan = options.plan;
    this.#numFeatures = numFeatures;
    this.#toRows = toRows;
    this.#backbone = backbone;
    this.#pool = pool;
  }

  /** Starts sessions and decode workers. Throws a ModelError if the device refuses the model. */
  static open(model: LoadedModel, options: EngineOptions, context: RunContext = {}): Promise<Engine> {
    const { checkpoint } = model;
    const thresholds = chooseThresholds(checkpoint, options.threshold);
    const toRows = (features: Float32Array, rows: number) => tagFeatures(checkpoint, thresholds, features, rows);
    return Engine.openWith(networkOf(model), options, toRows, context);
  }

  /** The same for other rows than tags. */
  static async openWith<Row>(
    network: LoadedNetwork,
    options: EngineOptions,
    toRows: ToRows<Row>,
    context: RunContext = {},
  ): Promise<Engine<Row>> {
    const { backbone: model, device, preprocessing, numFeatures } = network;
    const { workers, sessions } = options.plan;
    const setup = { model, device, size: preprocessing.size, numFeatures, sessions };
    return new Engine(network, options, toRows, await openPipeline(setup, workers, context));
  }

  /** The provider that runs. */
  get provider(): Device {
    return this.#backbone.device;
  }

  /** What a child process needs besides `model` to try tiles like this engine. */
  get probeSetup(): ProbeSetup {
    const { decode, variants, provider: device } = this;
    return { decode, variants, device, numFeatures: this.#numFeatures };
  }

  get batchSize(): number {
    return this.#plan.batchSize;
  }

  /** Batches that keep all workers and sessions busy, with some decoded ahead. */
  get mostBatches(): number {
    return this.#plan.sessions * BATCHES_PER_SESSION + this.batchesAhead;
  }

  /** Batches that may be read at the same time. */
  get batchesAhead(): number {
    return this.#plan.batchesAhead;
  }

  get threads(): EngineThreads {
    const { workers, sessions } = this.#plan;
    return { workers, sessions };
  }

  /**
   * The rows of a source. Batches keep its order and, except the last, have `batchSize` tiles. Throws InterruptedError
   * on abort.
   */
  async *tag(source: TileFeed, signal?: AbortSignal): AsyncGenerator<RowBatch<Row>> {
    const { decode, variants } = this;
    const { batchSize, batchesAhead } = this.#plan;
    const stream = streamFeatures(source, {
      pool: this.#pool,
      backbone: this.#backbone,
      decode,
      batchSize,
      batchesAhead,
      variants,
      ...(signal === undefined ? {} : { signal }),
    });
    for await (const batch of stream) yield await this.#rowsOf(batch);
  }

  /** The rows of one batch of at most `batchSize` tiles. Up to `mostBatches` may run at the same time; further ones wait. */
  async tagBatch(tiles: Tile[]): Promise<RowBatch<Row>> {
    this.#runner ??= new BatchRunner({
      pool: this.#pool,
      backbone: this.#backbone,
      decode: this.decode,
      batchSize: this.batchSize,
      slots: this.mostBatches,
      variants: this.variants,
    });
    return this.#rowsOf(await this.#runner.run(tiles));
  }

  async #rowsOf({ tiles, outcomes, features, recycle }: FeatureBatch): Promise<RowBatch<Row>> {
    const mean = averageVariants(features, tiles.length, this.variants.length, this.#numFeatures);
    const rows = await this.#toRows(mean, tiles.length);
    recycle();
    return { tiles, outcomes, rows };
  }

  async close(): Promise<void> {
    this.#runner?.close();
    await Promise.all([this.#pool.close(), this.#backbone.close()]);
  }
}

/**
 * `[rows, variants, numFeatures]` to `[rows, numFeatures]` by the mean over variants, summed in float64 in a fixed
 * order.
 */
function averageVariants(features: Float32Array, rows: number, variants: number, numFeatures: number): Float32Array {
  if (variants === 1) return features;
  const mean = new Float32Array(rows * numFeatures);
  for (let row = 0; row < rows; row++) {
    for (let feature = 0; feature < numFeatures; feature++) {
      let sum = 0;
      for (let v = 0; v < variants; v++) sum += features[(row * variants + v) * numFeatures + feature];
      mean[row * numFeatures + feature] = sum / variants;
    }
  }
  return mean;
}
