/** Steps by ONNX Runtime: one run per batch, weights and optimiser state going in and out. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { NativeFeatures } from "../addon.js";
import { loadOnnxRuntime } from "../onnx-runtime.js";
import type { GradientConfig } from "./config.js";
import { type EpochSums, sumLogits } from "./loss.js";
import { buildStepGraph, variableNames } from "./step-graph.js";
import type { Stepper, StepperShape, StepState } from "./stepper.js";

type Feeds = Record<string, OrtTensor>;

/** Each run blocks the calling thread for the length of one step (about half a millisecond). */
export async function createOnnxStepper(config: GradientConfig, shape: StepperShape): Promise<Stepper> {
  // Loaded only if needed: it takes 100 ms, and the native kernels do not need it.
  const { InferenceSession, Tensor } = loadOnnxRuntime();
  const session = await InferenceSession.create(buildStepGraph(config, shape), {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
  });
  const run = new OnnxRun(session, (data, dims) => new Tensor("float32", data, dims), config, shape);
  return {
    kind: "onnx",
    run: (state, features, labels, order) => run.steps(state, features, labels, order),
    close: () => session.release(),
  };
}

class OnnxRun {
  readonly #session: InferenceSession;
  readonly #tensor: (data: Float32Array, dims: readonly number[]) => OrtTensor;
  readonly #config: GradientConfig;
  readonly #shape: StepperShape;

  constructor(
    session: InferenceSession,
    tensor: (data: Float32Array, dims: readonly number[]) => OrtTensor,
    config: GradientConfig,
    shape: StepperShape,
  ) {
    this.#session = session;
    this.#tensor = tensor;
    this.#config = config;
    this.#shape = shape;
  }

  async steps(state: StepState, features: NativeFeatures, labels: Uint8Array, order: Uint32Array): Promise<EpochSums> {
    const total: EpochSums = { loss: 0, correct: 0, f2: 0 };
    let variables = this.#toFeeds(state);
    for (let first = 0; first < order.length; first += this.#config.batchSize) {
      const rows = order.subarray(first, first + this.#config.batchSize);
      state.iterations++;
      variables = await this.#step(variables, state.iterations, features, labels, rows, total);
    }
    this.#store(variables, state);
    return total;
  }

  async #step(
    variables: Feeds,
    iteration: number,
    features: NativeFeatures,
    labels: Uint8Array,
    rows: Uint32Array,
    total: EpochSums,
  ): Promise<Feeds> {
    const { numFeatures, numTags } = this.#shape;
    const y = gatherLabels(labels, rows, numTags);
    const outputs = await this.#session.run({
      ...variables,
      x: this.#tensor(gatherFeatures(features, rows), [rows.length, numFeatures]),
      y: this.#tensor(Float32Array.from(y), [rows.length, numTags]),
      share: this.#tensor(Float32Array.of(1 / (rows.length * numTags)), []),
      step_size: this.#tensor(Float32Array.of(stepSize(this.#config, iteration)), []),
    });
    const logits = outputs["logits"].data as Float32Array;
    const sums = sumLogits(logits, { data: y, rows: rows.length, tags: { length: numTags } });
    total.loss += (outputs["loss"].data as Float32Array)[0] * rows.length;
    total.correct += sums.correct;
    total.f2 += sums.f2;
    return Object.fromEntries(Object.keys(variables).map((name) => [name, outputs[`${name}_next`] as OrtTensor]));
  }

  #toFeeds({ weight, bias, moments }: StepState): Feeds {
    const { numFeatures, numTags } = this.#shape;
    const names = variableNames(this.#config);
    const weights = [weight, ...moments.map((moment) => moment.subarray(0, numFeatures * numTags))];
    const biases = [bias, ...moments.map((moment) => moment.subarray(numFeatures * numTags))];
    return Object.fromEntries([
      ...names.weight.map((name, i) => [name, this.#tensor(weights[i], [numFeatures, numTags])] as const),
      ...names.bias.map((name, i) => [name, this.#tensor(biases[i], [numTags])] as const),
    ]);
  }

  #store(variables: Feeds, { weight, bias, moments }: StepState): void {
    const names = variableNames(this.#config);
    const data = (name: string) => variables[name].data as Float32Array;
    weight.set(data(names.weight[0]));
    bias.set(data(names.bias[0]));
    moments.forEach((moment, i) => {
      moment.set(data(names.weight[i + 1]));
      moment.set(data(names.bias[i + 1]), weight.length);
    });
  }
}

/** The learning rate, for Adam with its bias correction at `iteration` (from 1). */
function stepSize({ optimizer, learningRate, beta1, beta2 }: GradientConfig, iteration: number): number {
  if (optimizer !== "adam") return learningRate;
  return (learningRate * Math.sqrt(1 - beta2 ** iteration)) / (1 - beta1 ** iteration);
}

function gatherFeatures({ data, numFeatures, mean, scale }: NativeFeatures, rows: Uint32Array): Float32Array {
  const gathered = new Float32Array(rows.length * numFeatures);
  rows.forEach((row, i) => {
    gathered.set(data.subarray(row * numFeatures, (row + 1) * numFeatures), i * numFeatures);
  });
  if (mean !== undefined && scale !== undefined) {
    for (let i = 0; i < gathered.length; i++) {
      gathered[i] = Math.fround(gathered[i] - mean[i % numFeatures]) * scale[i % numFeatures];
    }
  }
  return gathered;
}

function gatherLabels(labels: Uint8Array, rows: Uint32Array, numTags: number): Uint8Array {
  const gathered = new Uint8Array(rows.length * numTags);
  rows.forEach((row, i) => {
    gathered.set(labels.subarray(row * numTags, (row + 1) * numTags), i * numTags);
  });
  return gathered;
}
