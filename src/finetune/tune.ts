/**
 * One training of a backbone with its head: augmented tiles from disk, step by step, and after each epoch the loss on
 * tiles that it does not learn from. Everything random follows from the seed, so that a training that goes on from its state
 * has the same bits as one that never stopped.
 */
import { InterruptedError } from "../errors.js";
import { sigmoid } from "../head/head.js";
import type { HistoryRow } from "../head/history.js";
import { computeMetrics } from "../head/metrics.js";
import { createRandom, permutation } from "../random.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import type { FinetuneConfig } from "./config.js";
import { HEAD_WEIGHTS, type NetworkInput, type TuningBatch, type TuningEngine, type TuningState } from "./engine.js";
import { ratesOf } from "./schedule.js";
import type { TuningSource } from "./tuning-source.js";
import { WeightAverage, type Weights } from "./weight-average.js";

export interface TuneTask {
  engine: TuningEngine;
  source: TuningSource;
  /** Of all rows. */
  labels: LabelMatrix;
  /** Rows that are learnt. */
  train: Uint32Array;
  /** Rows that are not; none ends the training after `epochs`. */
  watched: Uint32Array;
  /** Weights of backbone and head to begin with. */
  start: Weights;
  /** Weights as they will be saved. */
  rounded: (weights: Weights) => Weights;
  config: FinetuneConfig;
  /** Distinguishes the random numbers of one training from another's. */
  stream: number;
  /** Stops after so many epochs of the schedule. @default all */
  epochs?: number;
  /** Called after each step. */
  onStep?: ((step: TuneStep) => void) | undefined;
  /** Whether the state is to be kept after a step within an epoch. @default never */
  isKeepDue?: () => boolean;
  /** Called with the state after each epoch, where it is due, and before InterruptedError. */
  keep: (state: TuneState) => Promise<void>;
  signal?: AbortSignal | undefined;
}

interface TuneStep {
  /** Tiles learnt so far, and in all epochs. */
  done: number;
  total: number;
  /** Running mean of this epoch. */
  loss: number;
  /** Of the last epoch, on unseen tiles. */
  heldOut: HistoryRow | undefined;
}

/** All there is to know to go on with the same bits. */
export interface TuneState {
  /** Epochs done, and steps of the next one. */
  epoch: number;
  step: number;
  lossSum: number;
  engine: TuningState;
  average: WeightAverage["state"];
  history: HistoryRow[];
  /** The epoch done last, and the one with the lowest loss. */
  last: EpochWeights | undefined;
  best: EpochWeights | undefined;
}

/** The averaged weights after an epoch. */
interface EpochWeights {
  epoch: number;
  /** On unseen tiles; of the training itself if there are none. */
  loss: number;
  weights: Weights;
}

export interface Tuned {
  /** Rounded. */
  weights: Weights;
  /** The epoch they are of. */
  epoch: number;
  history: HistoryRow[];
  /** The epoch in which a loss was no number; the weights are then those of an epoch before. */
  divergedIn: number | undefined;
}

/** Purposes of random numbers. */
const [ORDER, AUGMENTATION, DROPOUT] = [0, 1, 2];
/** The average takes weights so many times an epoch at most. */
const ADDITIONS = 10;

/**
 * Trains from `start`, or goes on from `state`. The weights are those of the last epoch, or of the best one if the loss on unseen
 * tiles has been too high since for too long. Returns undefined if a loss is no number before the end of the first epoch.
 * @throws InterruptedError if the signal stops it; the state has then been kept
 */
export async function tune(task: TuneTask, state?: TuneState): Promise<Tuned | undefined> {
  const { engine, config, epochs = config.epochs } = task;
  const now: TuneState = state ?? (await beginning(task));
  await engine.restore(now.engine);
  const additions = Math.min(ADDITIONS, stepsPerEpoch(task));
  const average = new WeightAverage(config.averagedEpochs * additions, now.average);
  let divergedIn: number | undefined;
  try {
    while (divergedIn === undefined && now.epoch < epochs && !isPastBest(now, task)) {
      if (!(await runEpoch(task, now, average))) divergedIn = now.epoch + 1;
    }
  } catch (error) {
    // It may also have come while tiles were read or scored.
    if (error instanceof InterruptedError) await keepNow(task, now, average);
    throw error;
  }
  const { history } = now;
  const chosen = isPastBest(now, task) || divergedIn !== undefined ? now.best : now.last;
  return chosen && { weights: chosen.weights, epoch: chosen.epoch, history, divergedIn };
}

/** `[rows, tags]` logits under the engine's weights: the mean over `views`, elements of the dihedral group. */
export async function logitsOf(
  { engine, source, labels, signal }: Pick<TuneTask, "engine" | "source" | "labels" | "signal">,
  rows: Uint32Array,
  views: readonly number[],
): Promise<Float32Array> {
  const logits = new Float32Array(rows.length * labels.tags.length);
  let at = 0;
  for await (const { rows: some, turned } of source.read(rows)) {
    if (signal?.aborted) throw new InterruptedError();
    const sums = new Float64Array(some.length * labels.tags.length);
    for (const view of views) {
      (await engine.logits(turned(view), some.length)).forEach((value, cell) => {
        sums[cell] += value;
      });
    }
    logits.set(
      sums.map((sum) => sum / views.length),
      at,
    );
    at += sums.length;
  }
  return logits;
}

/** Puts weights into an engine whose moments and steps do not matter any more. */
export async function putWeights(engine: TuningEngine, weights: Weights): Promise<void> {
  await engine.restore(freshState(weights));
}

async function beginning({ start }: TuneTask): Promise<TuneState> {
  const rest = { average: { count: 0 }, history: [], last: undefined, best: undefined };
  return { epoch: 0, step: 0, lossSum: 0, engine: freshState(start), ...rest };
}

function freshState(weights: Weights): TuningState {
  const zeros = () => new Map([...weights].map(([name, values]) => [name, new Float32Array(values.length)]));
  return { steps: 0, weights, firstMoments: zeros(), secondMoments: zeros() };
}

function stepsPerEpoch({ train, config }: TuneTask): number {
  return Math.ceil(train.length / config.batchSize);
}

/**
 * Whether the loss on unseen tiles has been too high for too long. While rates are high it is often a little above where it
 * began, and falls when they do.
 */
function isPastBest({ history, best }: TuneState, { watched, config: { patience, tolerance } }: TuneTask): boolean {
  if (watched.length === 0 || best === undefined || history.length < patience) return false;
  return history.slice(-patience).every(({ valLoss }) => (valLoss ?? 0) > best.loss * (1 + tolerance));
}

/** False if a loss was no number. */
async function runEpoch(task: TuneTask, now: TuneState, average: WeightAverage): Promise<boolean> {
  const { engine, source, train, config, stream } = task;
  const { seed, batchSize, augmentation } = config;
  const steps = stepsPerEpoch(task);
  const order = permutation(train.length, createRandom(seed, stream, ORDER, now.epoch)).map((place) => train[place]);
  const rest = order.subarray(now.step * batchSize);
  const altered = { ...augmentation, stream: [seed, stream, AUGMENTATION, now.epoch] as const };
  for await (const { rows, tiles } of source.read(rest, altered)) {
    const batch = makeBatch(task, now, rows, tiles);
    const loss = await engine.step(batch, ratesOf(now.epoch * steps + now.step, config.epochs * steps, config));
    if (!Number.isFinite(loss)) return false;
    now.step++;
    now.lossSum += loss * rows.length;
    if (isAdded(now.step, steps)) average.add(await engine.weights());
    tell(task, now, rows.length);
    if (task.signal?.aborted) throw new InterruptedError();
    if (task.isKeepDue?.()) await keepNow(task, now, average);
  }
  return endEpoch(task, now, average);
}

/** Evenly spaced, the last step of an epoch included. */
function isAdded(step: number, steps: number): boolean {
  const additions = Math.min(ADDITIONS, steps);
  return Math.floor((step * additions) / steps) > Math.floor(((step - 1) * additions) / steps);
}

function makeBatch(task: TuneTask, now: TuneState, rows: Uint32Array, tiles: NetworkInput): TuningBatch {
  const { labels, config, start } = task;
  const targets = Float32Array.from(selectLabels(labels, rows).data);
  const batch = { tiles, count: rows.length, targets };
  if (config.dropout === 0) return batch;
  const numFeatures = numFeaturesOf(start, labels);
  const random = createRandom(config.seed, task.stream, DROPOUT, now.epoch, now.step);
  const kept = 1 / (1 - config.dropout);
  const dropout = Float32Array.from({ length: rows.length * numFeatures }, () =>
    random.uniform() < config.dropout ? 0 : kept,
  );
  return { ...batch, dropout };
}

function numFeaturesOf(start: Weights, labels: LabelMatrix): number {
  return (start.get(HEAD_WEIGHTS)?.length ?? 0) / labels.tags.length;
}

function tell({ onStep, train, config, epochs = config.epochs }: TuneTask, now: TuneState, last: number): void {
  const seen = Math.min(now.step * config.batchSize, train.length);
  const [done, total] = [now.epoch * train.length + seen, epochs * train.length];
  onStep?.({ done, total, loss: now.lossSum / Math.max(seen, last), heldOut: now.history.at(-1) });
}

async function keepNow(task: TuneTask, now: TuneState, average: WeightAverage): Promise<void> {
  now.engine = await task.engine.state();
  now.average = average.state;
  await task.keep(now);
}

/** Scores the averaged weights and keeps the best. False if they give no numbers. */
async function endEpoch(task: TuneTask, now: TuneState, average: WeightAverage): Promise<boolean> {
  const { engine, train, watched } = task;
  const training = now.lossSum / train.length;
  const weights = task.rounded(average.state.mean as Weights);
  now.engine = await engine.state();
  const scores = watched.length > 0 ? await score(task, weights).finally(() => engine.restore(now.engine)) : undefined;
  const loss = scores?.loss ?? (areNumbers(weights) ? training : Number.NaN);
  if (!Number.isFinite(loss)) return false;
  now.epoch++;
  now.step = 0;
  now.lossSum = 0;
  now.average = average.state;
  now.history.push({
    epoch: now.epoch,
    loss: training,
    binaryAccuracy: null,
    f2: null,
    valLoss: scores?.loss ?? null,
    valBinaryAccuracy: scores?.binaryAccuracy ?? null,
    valF2: scores?.f2 ?? null,
  });
  now.last = { epoch: now.epoch, loss, weights };
  if (loss < (now.best?.loss ?? Number.POSITIVE_INFINITY)) now.best = now.last;
  await task.keep(now);
  return true;
}

function areNumbers(weights: Weights): boolean {
  return [...weights.values()].every((values) => values.every(Number.isFinite));
}

interface Scores {
  loss: number;
  binaryAccuracy: number;
  f2: number;
}

async function score(task: TuneTask, weights: Weights): Promise<Scores> {
  await putWeights(task.engine, weights);
  const labels = selectLabels(task.labels, task.watched);
  const logits = await logitsOf(task, task.watched, [0]);
  const half = new Float32Array(labels.tags.length).fill(0.5);
  const { binaryAccuracy, f2 } = computeMetrics(logits.map(sigmoid), labels, half);
  return { loss: crossEntropy(logits, labels), binaryAccuracy, f2 };
}

function crossEntropy(logits: Float32Array, { data }: LabelMatrix): number {
  const sum = logits.reduce((total, z, cell) => {
    return total + Math.max(z, 0) - z * data[cell] + Math.log1p(Math.exp(-Math.abs(z)));
  }, 0);
  return sum / logits.length;
}
