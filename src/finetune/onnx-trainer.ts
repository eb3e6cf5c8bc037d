/** OnnxTrainer: the steps of a fine-tuning by ONNX Runtime. Its runs block the thread; onnx-worker.ts gives it one of its own. */
import type * as Ort from "onnxruntime-node";
import { ModelError } from "../errors.js";
import { checkDevice, fillWithNoise } from "../features/agreement.js";
import type { Device } from "../features/device.js";
import { sessionOptions } from "../features/session-options.js";
import { TILES } from "../onnx/prepare.js";
import { elementCount } from "../onnx/tensor.js";
import { loadOnnxRuntime } from "../onnx-runtime.js";
import { type Learning, stepAdamW } from "./adamw.js";
import {
  HEAD_BIAS,
  HEAD_WEIGHTS,
  type NetworkInput,
  type StepRates,
  type TuningBatch,
  type TuningEngine,
  type TuningState,
} from "./engine.js";
import {
  DROPOUT,
  gradientName,
  LOGITS,
  LOSS,
  type Parameter,
  SHARE,
  TARGETS,
  type TrainingGraphs,
} from "./training-graph.js";

export interface TrainerSetup extends TrainingGraphs {
  device: Device;
  threads: number;
  /** Sizes of a tile as it comes in. */
  tile: readonly number[];
  numFeatures: number;
  numTags: number;
  /** Tiles per call of ONNX Runtime; a batch with more is cut, and its gradients are added up in the order of the tiles. */
  tilesPerRun: number;
}

const ort = loadOnnxRuntime();

interface Weight extends Learning {
  name: string;
  dims: readonly number[];
  /** Sum over the runs of a step. */
  gradient: Float32Array;
  /** `values` as ONNX Runtime takes them: over the same memory. */
  tensor: Ort.Tensor;
}

type Feeds = Record<string, Ort.Tensor>;

export class OnnxTrainer implements Omit<TuningEngine, "name" | "close"> {
  readonly #setup: TrainerSetup;
  readonly #training: Ort.InferenceSession;
  readonly #inference: Ort.InferenceSession;
  readonly #weights: readonly Weight[];
  readonly #feeds: Feeds;
  #steps = 0;

  private constructor(setup: TrainerSetup, training: Ort.InferenceSession, inference: Ort.InferenceSession) {
    this.#setup = setup;
    this.#training = training;
    this.#inference = inference;
    this.#weights = setup.parameters.map(beginLearning);
    this.#feeds = Object.fromEntries(this.#weights.map(({ name, tensor }) => [name, tensor]));
  }

  static async open(setup: TrainerSetup): Promise<OnnxTrainer> {
    const options = sessionOptions(setup.device, setup.threads);
    const training = await ort.InferenceSession.create(setup.training, options);
    const trainer = new OnnxTrainer(setup, training, await ort.InferenceSession.create(setup.inference, options));
    await trainer.#check();
    return trainer;
  }

  async step(batch: TuningBatch, rates: StepRates): Promise<number> {
    for (const { gradient } of this.#weights) gradient.fill(0);
    let loss = 0;
    for (const [from, count] of this.#runs(batch.count)) loss += await this.#addGradients(batch, from, count);
    this.#steps++;
    for (const weight of this.#weights) {
      const isHead = weight.name === HEAD_WEIGHTS || weight.name === HEAD_BIAS;
      const rate = isHead ? rates.head : rates.backbone;
      stepAdamW(weight, weight.gradient, rate, rates.weightDecay, this.#steps);
    }
    return loss;
  }

  async logits(tiles: NetworkInput, count: number): Promise<Float32Array> {
    const { numTags } = this.#setup;
    const logits = new Float32Array(count * numTags);
    for (const [from, some] of this.#runs(count)) {
      const outputs = await this.#inference.run({ ...this.#feeds, [TILES]: this.#tiles(tiles, from, some) });
      logits.set(outputs[LOGITS].data as Float32Array, from * numTags);
    }
    return logits;
  }

  async weights(): Promise<Map<string, Float32Array>> {
    return this.#copies("values");
  }

  async state(): Promise<TuningState> {
    return {
      steps: this.#steps,
      weights: this.#copies("values"),
      firstMoments: this.#copies("firstMoment"),
      secondMoments: this.#copies("secondMoment"),
    };
  }

  async restore({ steps, weights, firstMoments, secondMoments }: TuningState): Promise<void> {
    const find = (map: ReadonlyMap<string, Float32Array>, { name, values }: Weight) => {
      const found = map.get(name);
      if (found?.length === values.length) return found;
      throw new ModelError(`The state to go on from has no weight "${name}" of ${values.length} numbers.`);
    };
    const found = this.#weights.map((weight) => [weights, firstMoments, secondMoments].map((map) => find(map, weight)));
    for (const [i, weight] of this.#weights.entries()) {
      weight.values.set(found[i][0]);
      weight.firstMoment.set(found[i][1]);
      weight.secondMoment.set(found[i][2]);
    }
    this.#steps = steps;
  }

  /** Gradients of a made-up tile with every second tag. @throws ModelError if the device gets them wrong */
  async #check(): Promise<void> {
    const { device, training, tile, numTags } = this.#setup;
    const noise = fillWithNoise(new Uint8Array(elementCount(tile)));
    const tiles = tile.length === 1 ? Float32Array.from(noise, (value) => value / 255) : noise;
    const batch = { tiles, count: 1, targets: Float32Array.from({ length: numTags }, (_, tag) => tag % 2) };
    await checkDevice(device, this.#training, training, this.#batchFeeds(batch, 0, 1));
  }

  /** Adds the gradients of some of the batch's tiles, and returns their part of the loss. */
  async #addGradients(batch: TuningBatch, from: number, count: number): Promise<number> {
    const outputs = await this.#training.run(this.#batchFeeds(batch, from, count));
    for (const { name, gradient } of this.#weights) {
      const part = outputs[gradientName(name)].data as Float32Array;
      for (let i = 0; i < gradient.length; i++) gradient[i] += part[i];
    }
    return (outputs[LOSS].data as Float32Array)[0];
  }

  #batchFeeds(batch: TuningBatch, from: number, count: number): Feeds {
    const { numFeatures, numTags } = this.#setup;
    const rows = (data: Float32Array, width: number) =>
      new ort.Tensor("float32", data.subarray(from * width, (from + count) * width), [count, width]);
    const kept = batch.dropout ?? new Float32Array(batch.count * numFeatures).fill(1);
    return {
      ...this.#feeds,
      [TILES]: this.#tiles(batch.tiles, from, count),
      [TARGETS]: rows(batch.targets, numTags),
      [DROPOUT]: rows(kept, numFeatures),
      [SHARE]: new ort.Tensor("float32", Float32Array.of(1 / (batch.count * numTags)), []),
    };
  }

  #tiles(tiles: NetworkInput, from: number, count: number): Ort.Tensor {
    const { tile } = this.#setup;
    const length = elementCount(tile);
    const some = tiles.subarray(from * length, (from + count) * length);
    return new ort.Tensor(some instanceof Float32Array ? "float32" : "uint8", some, [count, ...tile]);
  }

  /** First tile and number of tiles of each run. */
  #runs(count: number): [number, number][] {
    const { tilesPerRun } = this.#setup;
    return Array.from({ length: Math.ceil(count / tilesPerRun) }, (_, run) => {
      const from = run * tilesPerRun;
      return [from, Math.min(tilesPerRun, count - from)];
    });
  }

  #copies(what: "values" | "firstMoment" | "secondMoment"): Map<string, Float32Array> {
    return new Map(this.#weights.map((weight) => [weight.name, weight[what].slice()]));
  }
}

function beginLearning({ name, dims, data }: Parameter): Weight {
  const values = Float32Array.from(data);
  const zeros = () => new Float32Array(values.length);
  const tensor = new ort.Tensor("float32", values, dims);
  return { name, dims, values, firstMoment: zeros(), secondMoment: zeros(), gradient: zeros(), tensor };
}
