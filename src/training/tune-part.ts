/** One training of a fine-tuning: what it begins with, what is kept of it, and the logits of tiles it has not seen. */
import { ALL_VARIANTS } from "../features/dihedral.js";
import type { FinetuneConfig } from "../finetune/config.js";
import { HEAD_BIAS, HEAD_WEIGHTS } from "../finetune/engine.js";
import type { TunableBackbone } from "../finetune/tunable.js";
import { logitsOf, putWeights, type Tuned, type TuneState, type TuneTask, tune } from "../finetune/tune.js";
import type { Weights } from "../finetune/weight-average.js";
import type { Head } from "../head/head.js";
import type { HistoryRow } from "../head/history.js";
import { trainOnTiles } from "../head/train-tiles.js";
import { toVariants } from "../head/variants.js";
import type { ResolvedBackbone } from "../models/registry.js";
import type { Precision } from "../quantise/precision.js";
import type { RunContext } from "../run-context.js";
import type { Dataset } from "./dataset.js";
import type { FinetunePlan, PlannedTuning } from "./finetune-plan.js";
import type { FinetuneStates, TunedPart } from "./finetune-states.js";
import type { FittedDataset } from "./fit-dataset.js";
import { scoreTuned } from "./score-tuned.js";
import type { TrainSettings } from "./settings.js";

export interface FineTuneInput {
  dataset: Dataset;
  /** The frozen backbone's head. */
  frozen: FittedDataset;
  settings: TrainSettings;
  config: FinetuneConfig;
  backbone: ResolvedBackbone;
  /** Pixels per side. */
  size: number;
  /** Those of which one will be chosen. */
  precisions: readonly Precision[];
  states: FinetuneStates;
}

/** What all trainings of a fine-tuning share. */
export interface Bench extends Pick<TuneTask, "engine" | "source" | "labels" | "config" | "signal"> {
  input: FineTuneInput;
  tunable: TunableBackbone;
  plan: FinetunePlan;
  context: RunContext;
  time: { tiles: number; milliseconds: number };
}

/** Undefined if its loss was no number from the first epoch on. */
export async function runTraining(
  bench: Bench,
  training: PlannedTuning,
  epochs?: number,
): Promise<TunedPart | undefined> {
  const { input, plan, context } = bench;
  const { states } = input;
  const { name } = training;
  const earlier = states.done.get(name);
  if (earlier !== undefined) return earlier;
  const task = makeTask(bench, training, await startHead(input, training), epochs);
  const tuned = await tune(task, states.running(name));
  warnOfDivergence(name, tuned, context);
  if (tuned === undefined) return undefined;
  const isFinal = plan.final === undefined || name === "final";
  const scored = await scoreUnseen(bench, training, tuned.weights);
  const part = { ...scored, epoch: tuned.epoch, history: tuned.history, ...(isFinal && { weights: tuned.weights }) };
  await states.finish(name, part);
  return part;
}

/** Logits of the tiles that the weights have not seen, with each precision. */
async function scoreUnseen(
  bench: Bench,
  { train, scored }: PlannedTuning,
  weights: Weights,
): Promise<Pick<TunedPart, "logits" | "ranges">> {
  const { engine, input, tunable, context } = bench;
  const { dataset, settings, size, frozen, precisions } = input;
  const views = settings.fit.tta === "d4" ? ALL_VARIANTS : [0];
  const tuned = { backbone: tunable.save(weights), head: headOf(weights, frozen.head), size, dataset };
  const use = { train, scored, views, workers: settings.data.workers };
  const result: Pick<TunedPart, "logits" | "ranges"> = { logits: new Map() };
  for (const precision of precisions) {
    if (precision === "fp32") {
      await putWeights(engine, weights);
      result.logits.set("fp32", await logitsOf(bench, scored, views));
    } else {
      const { logits, ranges } = await scoreTuned({ ...tuned, ...use, precision }, context);
      result.logits.set(precision, logits);
      if (ranges !== undefined) result.ranges = ranges;
    }
  }
  return result;
}

/** The tuned head, as long and wide as the frozen one. */
export function headOf(weights: Weights, { numFeatures, numTags }: Head): Head {
  const values = (name: string) => weights.get(name) as Float32Array;
  return { weight: values(HEAD_WEIGHTS), bias: values(HEAD_BIAS), numFeatures, numTags };
}

/**
 * The head to begin with. The best one for a frozen backbone knows its tiles nearly by heart, and would leave the backbone little to
 * learn from them, so that it is fitted with a stronger penalty.
 */
async function startHead({ dataset, frozen, settings, config }: FineTuneInput, { train, frozen: own }: PlannedTuning) {
  const { features, labels } = dataset;
  if (own.l2 === undefined || frozen.config.optimizer !== "lbfgs" || features.length === 0) return own.head;
  const penalty = { ...frozen.config, l2: Math.max(own.l2, config.startPenalty) };
  const { augment, tta } = settings.fit;
  const use = { augment, tta, seed: frozen.config.seed };
  return (await trainOnTiles(toVariants(features, labels.rows), labels, train, penalty, use)).head;
}

function makeTask(
  bench: Bench,
  { name, train, watched }: PlannedTuning,
  head: Head,
  epochs: number | undefined,
): TuneTask {
  const { tunable, input, plan } = bench;
  const trainings = [...plan.watched, ...(plan.final ? [plan.final] : [])];
  const place = trainings.findIndex((each) => each.name === name);
  return {
    ...bench,
    train,
    watched,
    stream: place,
    start: new Map([...tunable.weights, [HEAD_WEIGHTS, head.weight], [HEAD_BIAS, head.bias]]),
    rounded: tunable.rounded,
    ...(epochs !== undefined && { epochs }),
    onStep: reporting(bench, trainings, place),
    isKeepDue: () => input.states.isDue(),
    keep: (state: TuneState) => input.states.keep(name, state),
  };
}

/** Progress in tiles of all trainings, so that the time that is left is that of all. */
function reporting({ context, config }: Bench, trainings: readonly PlannedTuning[], place: number) {
  const tilesOf = (some: readonly PlannedTuning[]) =>
    some.reduce((sum, { train }) => sum + train.length * config.epochs, 0);
  const [earlier, total] = [tilesOf(trainings.slice(0, place)), tilesOf(trainings)];
  const which = trainings.length === 1 ? "" : `${place + 1} of ${trainings.length}, `;
  return ({ done, loss, heldOut }: { done: number; loss: number; heldOut: HistoryRow | undefined }) => {
    // Short, so that a terminal of 80 columns has room for it. At a threshold of 0.5.
    const unseen = heldOut?.valF2 == null ? "" : `, unseen F2 ${heldOut.valF2.toFixed(3)}`;
    const note = `${which}loss ${loss.toFixed(3)}${unseen}`;
    context.onProgress?.({ stage: "fine-tune", done: earlier + done, total, rejected: 0, note });
  };
}

function warnOfDivergence(name: string, tuned: Tuned | undefined, { onWarning }: RunContext): void {
  const epoch = tuned === undefined ? 1 : tuned.divergedIn;
  if (epoch === undefined) return;
  const kept = tuned === undefined ? "the frozen model is kept" : `the weights of epoch ${tuned.epoch} are kept`;
  onWarning?.(
    `The loss of the fine-tuning (${name}) is no number in epoch ${epoch}, so ${kept}; a lower \`finetune.learningRate\` may help.`,
  );
}
