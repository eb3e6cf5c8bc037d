/**
 * The fit for features larger than memory: one training by mini-batches, window by window, and a held-out sample small enough to hold,
 * on which thresholds are fitted and scored.
 */
import { InputError, InterruptedError } from "../errors.js";
import type { GradientConfig } from "../head/config.js";
import type { FeatureMatrix, FeatureSource } from "../head/feature-matrix.js";
import type { Head } from "../head/head.js";
import { computeLogits } from "../head/logits.js";
import { computeMetrics, type Metrics } from "../head/metrics.js";
import { trainHead } from "../head/train.js";
import type { TrainHeadOptions } from "../head/trained-head.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { kFold, splitRows } from "../tiles/split.js";
import type { FitOptions, FittedHead } from "./fit.js";
import type { CrossFitted } from "./readout.js";
import { chooseRefinement, refineHead } from "./refine.js";

export type StreamedFitOptions = Pick<
  FitOptions,
  | "holdOut"
  | "folds"
  | "seed"
  | "beta"
  | "shrinkage"
  | "calibrate"
  | "stacking"
  | "exclusive"
  | "signal"
  | "threads"
  | "stepper"
  | "onEpoch"
  | "states"
>;

export interface StreamedFit extends Pick<FittedHead, "exclusive" | "exclusiveGain" | "stacked" | "history" | "split"> {
  /** Has not seen the held-out tiles. */
  head: Head;
  /** `[tags]`, fitted on all held-out tiles. */
  thresholds: Float32Array;
  /** Held-out tiles, each at thresholds fitted on the others. */
  holdOut: Metrics;
  /** `[held-out rows, tags]`: what `holdOut` scores. */
  heldOut: CrossFitted;
}

/** Held-out tiles beyond this many would only cost memory (256 MB at 1280 features). */
const MAX_HELD_OUT = 50_000;

/**
 * Trains on `source` without a stratified sample of `holdOut` (default 0.2, at most 50,000 tiles). Memory: two windows of the source, the
 * sample, labels and weights.
 *
 * @throws InputError where too few tiles would be held out to fit thresholds on
 * @throws InterruptedError where the signal stops it; `states[0]` then says how far it came
 */
export async function fitStreamedHead(
  source: FeatureSource,
  labels: LabelMatrix,
  config: GradientConfig,
  options: StreamedFitOptions = {},
): Promise<StreamedFit> {
  const { holdOut = 0.2, folds = 5, seed = 1, states = [], signal, threads, stepper, onEpoch } = options;
  const split = splitRows(labels, Math.min(holdOut, MAX_HELD_OUT / labels.rows), seed);
  if (split.heldOut.length < folds) {
    throw new InputError(`${split.heldOut.length} held-out tiles are too few to fit thresholds on: hold out more.`);
  }
  const validation = { features: await gather(source, split.heldOut), labels: selectLabels(labels, split.heldOut) };
  const leaveOut = new Uint8Array(labels.rows);
  for (const row of split.heldOut) leaveOut[row] = 1;
  const running: TrainHeadOptions = {
    ...(signal && { signal }),
    ...(threads && { threads }),
    ...(stepper && { stepper }),
  };
  const { head, history, state } = await trainHead(source, labels, config, {
    ...running,
    validation,
    leaveOut,
    ...(onEpoch && { onEpoch }),
    ...(states[0] && { resumeFrom: states[0] }),
  });
  states[0] = state;
  if (signal?.aborted) throw new InterruptedError();
  const logits = await computeLogits(head, validation.features, threads);
  const parts = kFold(validation.labels, folds, seed);
  const refinement = chooseRefinement(logits, validation.labels, parts, options);
  const all = Uint32Array.from(split.heldOut.keys());
  const refined = refineHead(head, all, logits, validation.labels, refinement, options);
  const { exclusive, exclusiveGain, stackingL2, crossFitted } = refinement;
  const { probabilities, decisions } = crossFitted;
  return {
    ...refined,
    history,
    holdOut: computeMetrics(probabilities, validation.labels, refined.thresholds, { decisions }),
    heldOut: crossFitted,
    split,
    exclusive,
    exclusiveGain,
    stacked: stackingL2 !== undefined,
  };
}

/** The rows `indices` (ascending), read window by window. */
async function gather(source: FeatureSource, indices: Uint32Array): Promise<FeatureMatrix> {
  const { numFeatures, windowRows, rows } = source;
  const data = new Float32Array(indices.length * numFeatures);
  let done = 0;
  for (let start = 0; start < rows; start += windowRows) {
    const window = await source.read(start, Math.min(windowRows, rows - start));
    for (; done < indices.length && indices[done] < start + windowRows; done++) {
      const from = (indices[done] - start) * numFeatures;
      data.set(window.subarray(from, from + numFeatures), done * numFeatures);
    }
  }
  return { data, rows: indices.length, numFeatures };
}
