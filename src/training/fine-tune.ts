/**
 * Fine-tuning of a dataset's backbone, after its frozen head. With few tiles each fold tunes a backbone of its own, then all tiles
 * the final one, for as many epochs as the folds took; with many tiles there is one training, and tiles held out from it.
 * The tuned model is kept only if it scores better than the frozen one on tiles that neither has seen.
 */
import { InterruptedError } from "../errors.js";
import { ALL_VARIANTS } from "../features/dihedral.js";
import type { FinetuneConfig } from "../finetune/config.js";
import { HEAD_BIAS, HEAD_WEIGHTS, type TuningEngine } from "../finetune/engine.js";
import type { TunableBackbone } from "../finetune/tunable.js";
import { logitsOf, putWeights, type Tuned, type TuneState, type TuneTask, tune } from "../finetune/tune.js";
import type { Weights } from "../finetune/weight-average.js";
import type { Head } from "../head/head.js";
import type { HistoryRow } from "../head/history.js";
import type { Metrics } from "../head/metrics.js";
import { trainOnTiles } from "../head/train-tiles.js";
import { toVariants } from "../head/variants.js";
import type { ResolvedBackbone } from "../models/registry.js";
import type { RunContext } from "../run-context.js";
import type { Dataset } from "./dataset.js";
import { type FinetunePlan, type PlannedTuning, planFinetune, scoreFrozen } from "./finetune-plan.js";
import type { FinetuneStates, TunedPart } from "./finetune-states.js";
import { addReadout, type FittedHead } from "./fit.js";
import type { FittedDataset } from "./fit-dataset.js";
import type { FittedWeights, UnseenLogits } from "./fitted-weights.js";
import { scatterRows } from "./rows.js";
import type { TrainSettings } from "./settings.js";
import { openTuning } from "./tuning-setup.js";

/** What came of a fine-tuning. */
export interface FinetuneRecord {
  /** Whether it scores better than the frozen backbone, and so is the model. */
  kept: boolean;
  /** Epochs of the final weights. */
  epochs: number;
  /** On unseen tiles, with the frozen backbone and with the tuned one. */
  f2Before: number;
  f2After: number;
  mapBefore: number | null;
  mapAfter: number | null;
  /** What did the steps. */
  engine: "native" | "onnx";
  /** Wall clock of a step for each of its tiles, decoding left out; null if an interrupted run had done all steps. */
  msPerTile: number | null;
  seconds: number;
}

interface FineTuned {
  record: FinetuneRecord;
  /** The tuned model, if it is kept. */
  tuned?: { fitted: FittedDataset; backbone: ResolvedBackbone };
}

interface FineTuneInput {
  dataset: Dataset;
  /** The frozen backbone's head. */
  frozen: FittedDataset;
  settings: TrainSettings;
  config: FinetuneConfig;
  backbone: ResolvedBackbone;
  /** Pixels per side. */
  size: number;
  states: FinetuneStates;
}

/** What all trainings of a fine-tuning share. */
interface Bench extends Pick<TuneTask, "engine" | "source" | "labels" | "config" | "signal"> {
  input: FineTuneInput;
  tunable: TunableBackbone;
  plan: FinetunePlan;
  context: RunContext;
  time: { tiles: number; milliseconds: number };
}

/** @throws InterruptedError if the signal stops it: `states` has kept how far it came */
export async function fineTune(input: FineTuneInput, context: RunContext): Promise<FineTuned> {
  const { dataset, frozen, config, settings } = input;
  const { labels } = dataset;
  const startedAt = performance.now();
  const plan = planFinetune(labels, frozen.weights, config.seed);
  const head = { ...headOf(plan.watched[0].frozen.head), numTags: labels.tags.length };
  const { tunable, source, engine, close } = await openTuning(
    { ...input, workers: settings.data.workers, head },
    context,
  );
  try {
    const time = { tiles: 0, milliseconds: 0 };
    const common = { engine: timed(engine, time), source, labels, config, signal: context.signal };
    const { record, tuned } = await tuneAndCompare({ input, tunable, plan, context, time, ...common });
    const msPerTile = time.tiles === 0 ? null : time.milliseconds / time.tiles;
    const seconds = (performance.now() - startedAt) / 1000;
    return { record: { ...record, engine: engine.name, msPerTile, seconds }, ...(tuned && { tuned }) };
  } catch (error) {
    if (error instanceof InterruptedError) await input.states.save();
    throw error;
  } finally {
    await close();
  }
}

/** Adds up the time of the engine's steps. */
function timed(engine: TuningEngine, time: Bench["time"]): TuningEngine {
  return {
    ...engine,
    step: async (batch, rates) => {
      const startedAt = performance.now();
      const loss = await engine.step(batch, rates);
      time.milliseconds += performance.now() - startedAt;
      time.tiles += batch.count;
      return loss;
    },
  };
}

type Compared = { tuned?: FineTuned["tuned"] } & { record: Omit<FinetuneRecord, "engine" | "msPerTile" | "seconds"> };

async function tuneAndCompare(bench: Bench): Promise<Compared> {
  const { plan, input } = bench;
  const { labels } = input.dataset;
  const { readout } = input.settings;
  const before = scoreFrozen(plan, input.frozen.weights, labels, readout);
  const parts: TunedPart[] = [];
  for (const training of plan.watched) {
    const part = await runTraining(bench, training);
    if (part === undefined) return dropped(before, undefined);
    parts.push(part);
  }
  const weights = unseenWeights(bench, parts);
  const after = addReadout(weights, labels, readout);
  if (after.scored.metrics.f2 <= before.f2) return dropped(before, after.scored.metrics);
  const epochs = Math.round(parts.reduce((sum, { epoch }) => sum + epoch, 0) / parts.length);
  const final = await finalPart(bench, parts, epochs);
  if (final?.weights === undefined) return dropped(before, after.scored.metrics);
  const tuned = toModel(bench, weights, final);
  return { record: { kept: true, epochs: final.epoch, ...scores(before, after.scored.metrics) }, tuned };
}

function dropped(before: Metrics, after: Metrics | undefined): Compared {
  return { record: { kept: false, epochs: 0, ...scores(before, after ?? before) } };
}

function scores(before: Metrics, after: Metrics) {
  return { f2Before: before.f2, f2After: after.f2, mapBefore: before.map, mapAfter: after.map };
}

/** Undefined if its loss was no number from the first epoch on. */
async function runTraining(bench: Bench, training: PlannedTuning, epochs?: number): Promise<TunedPart | undefined> {
  const { input, plan, context } = bench;
  const { states, settings } = input;
  const { name, scored } = training;
  const earlier = states.done.get(name);
  if (earlier !== undefined) return earlier;
  const task = makeTask(bench, training, await startHead(input, training), epochs);
  const tuned = await tune(task, states.running(name));
  warnOfDivergence(name, tuned, context);
  if (tuned === undefined) return undefined;
  await putWeights(bench.engine, tuned.weights);
  const logits = await logitsOf(bench, scored, settings.fit.tta === "d4" ? ALL_VARIANTS : [0]);
  const isFinal = plan.final === undefined || name === "final";
  const part = { logits, epoch: tuned.epoch, history: tuned.history, ...(isFinal && { weights: tuned.weights }) };
  await states.finish(name, part);
  return part;
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
    const unseen = heldOut?.valF2 == null ? "" : `, F2 at 0.5 of unseen tiles ${heldOut.valF2.toFixed(3)}`;
    const note = `${which}loss ${loss.toFixed(4)}${unseen}`;
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

/** The tuned trainings' weights as a readout takes them, with the head they began with. */
function unseenWeights({ plan, input }: Bench, parts: readonly TunedPart[]): FittedWeights {
  const { frozen, dataset } = input;
  const numTags = dataset.labels.tags.length;
  const { rows } = plan.unseen;
  const places = new Map([...rows].map((row, place) => [row, place]));
  const logits = new Float32Array(rows.length * numTags);
  for (const [i, { scored }] of plan.watched.entries()) {
    const own = scored.map((row) => places.get(row) as number);
    scatterRows(logits, numTags, own, parts[i].logits);
  }
  const unseen: UnseenLogits = { ...plan.unseen, logits };
  const { head, heads, split } = frozen.weights;
  return { head, heads, history: parts[0].history, split, unseen };
}

/** With folds, a further training on all tiles; its logits are those of tiles that a `split` column holds out. */
async function finalPart(bench: Bench, [first]: readonly TunedPart[], epochs: number): Promise<TunedPart | undefined> {
  const { final } = bench.plan;
  return final === undefined ? first : runTraining(bench, final, epochs);
}

function toModel({ tunable, input, plan }: Bench, weights: FittedWeights, part: TunedPart): FineTuned["tuned"] {
  const { dataset, settings, frozen } = input;
  const all = part.weights as Weights;
  const { numFeatures, numTags } = frozen.head;
  const weight = all.get(HEAD_WEIGHTS) as Float32Array;
  const head: Head = { weight, bias: all.get(HEAD_BIAS) as Float32Array, numFeatures, numTags };
  const fitted: FittedHead = addReadout(
    { ...weights, head, ...(plan.final && part.logits.length > 0 && { heldOutLogits: part.logits }) },
    dataset.labels,
    settings.readout,
  );
  return { fitted: { ...fitted, config: frozen.config }, backbone: tunable.save(all) };
}

function headOf({ weight, bias, numFeatures }: Head) {
  return { head: { weights: weight, bias }, numFeatures };
}
