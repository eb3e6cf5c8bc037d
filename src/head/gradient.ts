/** Mini-batch descent: the training loop. */
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../errors.js";
import { createRandom, permutation } from "../random.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { allRows } from "../tiles/split.js";
import { type GradientConfig, momentCount } from "./config.js";
import { createStepper } from "./create-stepper.js";
import { measureHead, toHistoryRow, toMeans } from "./epoch.js";
import { type FeatureMatrix, type FeatureSource, toFeatureSource } from "./feature-matrix.js";
import type { Head } from "./head.js";
import type { HistoryRow } from "./history.js";
import { initHead } from "./init.js";
import type { EpochSums } from "./loss.js";
import { foldStandardization, measureStandardization, type Standardization } from "./standardize.js";
import type { Stepper, StepperShape, StepState } from "./stepper.js";
import type { TrainedHead, TrainHeadOptions, TrainState } from "./trained-head.js";

/** Names the stream of random numbers that orders tiles; the epoch chooses the order within it. */
const SHUFFLE_STREAM = 0x73687566;

export async function trainByGradient(
  features: FeatureMatrix | FeatureSource,
  labels: LabelMatrix,
  config: GradientConfig,
  options: TrainHeadOptions,
): Promise<TrainedHead> {
  const source = toFeatureSource(features);
  const shape = { numFeatures: source.numFeatures, numTags: labels.tags.length };
  const standardization = await measureStandardization(source, config.scaling, config.blocks);
  const state = startState(config, shape, options);
  const stepper = await createStepper(config, shape, options.stepper);
  try {
    while (state.epoch < config.epochs && !options.signal?.aborted) {
      const sums = await runEpoch(stepper, state, source, labels, config, standardization, options.leaveOut);
      state.epoch++;
      const row = await historyRow(state, sums, labels, toHead(state, shape, standardization), options);
      state.history.push(row);
      options.onEpoch?.(row);
    }
  } finally {
    await stepper.close();
  }
  const head = toHead(state, shape, standardization);
  return { head, history: state.history, completed: state.epoch >= config.epochs, state };
}

/** Each window of rows in turn, in an order that depends on seed and epoch alone; rows shuffled within their window. */
async function runEpoch(
  stepper: Stepper,
  state: TrainState,
  source: FeatureSource,
  labels: LabelMatrix,
  config: GradientConfig,
  standardization: Standardization | undefined,
  leaveOut: Uint8Array | undefined,
): Promise<EpochSums> {
  const numTags = labels.tags.length;
  const random = createRandom(config.seed, SHUFFLE_STREAM, state.epoch);
  const inOrder = (count: number) => (config.shuffle ? permutation(count, random) : allRows(count));
  const starts = [...inOrder(Math.ceil(source.rows / source.windowRows))].map((window) => window * source.windowRows);
  const countAt = (start: number) => Math.min(source.windowRows, source.rows - start);
  const total: EpochSums = { loss: 0, correct: 0, f2: 0 };
  let next = source.read(starts[0], countAt(starts[0]));
  for (const [i, start] of starts.entries()) {
    const rows = countAt(start);
    const data = await next;
    const following = starts[i + 1];
    if (following !== undefined) {
      next = source.read(following, countAt(following));
      // If the steps fail, nobody waits for it any more.
      next.catch(() => undefined);
    }
    const window = { data, rows, numFeatures: source.numFeatures, ...standardization };
    const cells = labels.data.subarray(start * numTags, (start + rows) * numTags);
    const order = inOrder(rows).filter((row) => leaveOut?.[start + row] !== 1);
    addSums(total, await stepper.run(state, window, cells, order));
  }
  return total;
}

function addSums(total: EpochSums, part: EpochSums): void {
  total.loss += part.loss;
  total.correct += part.correct;
  total.f2 += part.f2;
}

async function historyRow(
  state: TrainState,
  sums: EpochSums,
  labels: LabelMatrix,
  head: Head,
  { validation, threads, leaveOut }: TrainHeadOptions,
): Promise<HistoryRow> {
  const trained = labels.rows - (leaveOut?.reduce((sum, left) => sum + left, 0) ?? 0);
  const held = validation && (await measureHead(head, validation.features, validation.labels, threads));
  return toHistoryRow(state.epoch, toMeans(sums, trained, labels.tags.length), held);
}

function startState(
  config: GradientConfig,
  shape: StepperShape,
  { resumeFrom, initial }: TrainHeadOptions,
): TrainState {
  if (resumeFrom !== undefined) return resumedState(config, shape, resumeFrom);
  const { numFeatures, numTags } = shape;
  const head = initial ?? initHead(numFeatures, numTags, config.seed);
  const moments = Array.from({ length: momentCount(config) }, () => new Float32Array((numFeatures + 1) * numTags));
  const step: StepState = { weight: head.weight.slice(), bias: head.bias.slice(), moments, iterations: 0 };
  checkState(step, shape, momentCount(config));
  return { ...step, epoch: 0, config, history: [] };
}

function resumedState(config: GradientConfig, shape: StepperShape, from: TrainState): TrainState {
  for (const [name, value] of Object.entries(config)) {
    const before = from.config[name as keyof GradientConfig];
    if (name !== "epochs" && !isDeepStrictEqual(before, value)) {
      throw new InputError(
        `The interrupted training had ${name} ${before}, this one has ${value}: resume with the same settings, or start anew.`,
      );
    }
  }
  const copy = structuredClone(from);
  checkState(copy, shape, momentCount(config));
  return { ...copy, config };
}

function checkState({ weight, bias, moments }: StepState, { numFeatures, numTags }: StepperShape, count: number): void {
  const cells = (numFeatures + 1) * numTags;
  const fits = moments.length === count && moments.every((moment) => moment.length === cells);
  if (weight.length + bias.length !== cells || bias.length !== numTags || !fits) {
    throw new InputError(`The weights to start from are not those of ${numFeatures} features and ${numTags} tags.`);
  }
}

function toHead(state: StepState, { numFeatures, numTags }: StepperShape, standardization?: Standardization): Head {
  const head = { weight: state.weight.slice(), bias: state.bias.slice(), numFeatures, numTags };
  return standardization === undefined ? head : foldStandardization(head, standardization);
}
