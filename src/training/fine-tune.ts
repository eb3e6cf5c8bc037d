/**
 * Fine-tuning of a dataset's backbone, after its frozen head. With few tiles each fold tunes a backbone of its own, then all tiles
 * the final one, for as many epochs as the folds took; with many tiles there is one training, and tiles held out from it.
 * The tuned model is kept only if it scores better than the frozen one on tiles that neither has seen.
 */
import { InterruptedError } from "../errors.js";
import type { TuningEngine } from "../finetune/engine.js";
import type { Weights } from "../finetune/weight-average.js";
import type { Metrics } from "../head/metrics.js";
import type { ResolvedBackbone } from "../models/registry.js";
import type { Precision } from "../quantise/precision.js";
import type { RunContext } from "../run-context.js";
import { planFinetune, scoreFrozen } from "./finetune-plan.js";
import type { TunedPart } from "./finetune-states.js";
import { addReadout, type FittedHead } from "./fit.js";
import type { FittedDataset } from "./fit-dataset.js";
import type { FittedWeights, UnseenLogits } from "./fitted-weights.js";
import { type PrecisionChoice, timeBackbone, withPrecision } from "./precision.js";
import { scatterRows } from "./rows.js";
import { type Bench, type FineTuneInput, headOf, runTraining } from "./tune-part.js";
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
  tuned?: TunedModel;
}

interface TunedModel {
  fitted: FittedDataset;
  /** With the ranges that integers need. */
  backbone: ResolvedBackbone;
  precision: Precision;
  /** How it was chosen; null if there was no choice. */
  choice: PrecisionChoice | null;
}

/** @throws InterruptedError if the signal stops it: `states` has kept how far it came */
export async function fineTune(input: FineTuneInput, context: RunContext): Promise<FineTuned> {
  const { dataset, frozen, config, settings } = input;
  const { labels } = dataset;
  const startedAt = performance.now();
  const plan = planFinetune(labels, frozen.weights, config.seed);
  const { weight, bias, numFeatures } = plan.watched[0].frozen.head;
  const head = { head: { weights: weight, bias }, numFeatures, numTags: labels.tags.length };
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

/** What a summary shows of F2: with less than that the frozen backbone is as good. */
const LEAST_GAIN = 1e-4;

type Compared = { tuned?: FineTuned["tuned"] } & { record: Omit<FinetuneRecord, "engine" | "msPerTile" | "seconds"> };

async function tuneAndCompare(bench: Bench): Promise<Compared> {
  const { plan, input } = bench;
  const before = scoreFrozen(plan, input.frozen.weights, input.dataset.labels, input.settings.readout);
  const parts: TunedPart[] = [];
  for (const training of plan.watched) {
    const part = await runTraining(bench, training);
    if (part === undefined) return dropped(before, undefined);
    parts.push(part);
  }
  const { kept, choice } = await chooseReadout(bench, parts);
  const after = kept.fitted.scored.metrics;
  if (after.f2 - before.f2 < LEAST_GAIN) return dropped(before, after);
  const epochs = Math.round(parts.reduce((sum, { epoch }) => sum + epoch, 0) / parts.length);
  const final = await finalPart(bench, parts, epochs);
  if (final?.weights === undefined) return dropped(before, after);
  const tuned = { ...toModel(bench, kept, final), precision: kept.precision, choice };
  return { record: { kept: true, epochs: final.epoch, ...scores(before, after) }, tuned };
}

/** What the trainings' unseen tiles give with one precision. */
interface Readout {
  precision: Precision;
  weights: FittedWeights;
  fitted: FittedHead;
}

/** With the precision that was asked for, or the better one. */
function chooseReadout(
  bench: Bench,
  parts: readonly TunedPart[],
): Promise<{ kept: Readout; choice: PrecisionChoice | null }> {
  const { input, tunable, context } = bench;
  const { dataset, settings, size } = input;
  const attempt = async (precision: Precision) => {
    const weights = unseenWeights(bench, parts, precision);
    return { precision, weights, fitted: addReadout(weights, dataset.labels, settings.readout) };
  };
  // The time depends on what the network computes, not on its weights.
  const time = ({ precision }: Readout) =>
    timeBackbone(precision, tunable.save(tunable.weights, parts[0].ranges), size, dataset.device);
  const f2 = ({ fitted }: Readout) => fitted.scored.metrics.f2;
  const option = input.precisions.length > 1 ? "auto" : input.precisions[0];
  return withPrecision(option, { attempt, device: () => dataset.device, f2, time, tuned: true }, context);
}

function dropped(before: Metrics, after: Metrics | undefined): Compared {
  return { record: { kept: false, epochs: 0, ...scores(before, after ?? before) } };
}

function scores(before: Metrics, after: Metrics) {
  return { f2Before: before.f2, f2After: after.f2, mapBefore: before.map, mapAfter: after.map };
}

/** The tuned trainings' weights as a readout takes them, with the head they began with. */
function unseenWeights({ plan, input }: Bench, parts: readonly TunedPart[], precision: Precision): FittedWeights {
  const { frozen, dataset } = input;
  const numTags = dataset.labels.tags.length;
  const { rows } = plan.unseen;
  const places = new Map([...rows].map((row, place) => [row, place]));
  const logits = new Float32Array(rows.length * numTags);
  for (const [i, { scored }] of plan.watched.entries()) {
    const own = scored.map((row) => places.get(row) as number);
    scatterRows(logits, numTags, own, logitsWith(parts[i], precision));
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

function toModel(
  { tunable, input, plan }: Bench,
  { weights, precision }: Readout,
  part: TunedPart,
): Pick<TunedModel, "fitted" | "backbone"> {
  const { dataset, settings, frozen } = input;
  const all = part.weights as Weights;
  const heldOutLogits = logitsWith(part, precision);
  const fitted: FittedHead = addReadout(
    { ...weights, head: headOf(all, frozen.head), ...(plan.final && heldOutLogits.length > 0 && { heldOutLogits }) },
    dataset.labels,
    settings.readout,
  );
  const backbone = tunable.save(all, precision === "int8" ? part.ranges : undefined);
  return { fitted: { ...fitted, config: frozen.config }, backbone };
}

function logitsWith({ logits }: TunedPart, precision: Precision): Float32Array {
  return logits.get(precision) as Float32Array;
}
