/**
 * From labelled features to head, thresholds, history, and scores on unseen tiles. First the weights are fitted, with
 * logits of tiles that they have not seen; then the readout, on these logits.
 */
import type { HeadConfig } from "../head/config.js";
import type { FeatureMatrix, FeatureSource } from "../head/feature-matrix.js";
import type { Head } from "../head/head.js";
import { computeMetrics, type Metrics } from "../head/metrics.js";
import { toVariants } from "../head/variants.js";
import { type ExclusiveGroups, settledGroups } from "../tags/exclusive.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { foldCalibration } from "./calibration.js";
import { fitFromDisk } from "./fit-from-disk.js";
import { fitInMemory } from "./fit-in-memory.js";
import type { FitOptions, FittedWeights, UnseenLogits } from "./fitted-weights.js";
import {
  type ChosenExclusive,
  type CrossFitted,
  chooseExclusive,
  fitReadout,
  type ReadoutOptions,
  readProbabilities,
} from "./readout.js";
import { selectRows } from "./rows.js";

export interface FittedHead
  extends Pick<FittedWeights, "l2" | "history" | "split">,
    Pick<ChosenExclusive, "exclusive" | "exactlyOne" | "exclusiveGain"> {
  /** Calibration is folded in. Probabilities of tags in a group of `exclusive` are divided by their sum. */
  head: Head;
  /** `[tags]` */
  thresholds: Float32Array;
  scored: ScoredTiles;
  /** Held-out tiles under a head and thresholds that have not seen them; absent without held-out tiles. */
  holdOut?: Metrics;
  /** What the readout was fitted on. */
  weights: FittedWeights;
}

/** Tiles under weights and a readout that have not seen them. */
export interface ScoredTiles extends CrossFitted, Pick<UnseenLogits, "rows" | "folds" | "measuredOn"> {
  metrics: Metrics;
}

/**
 * Fits head and readout. Features in memory (one matrix, or one per variant of the tiles): cross-validation gives every
 * tile logits of a head that has not seen it, and the head is trained again on all tiles. Features on disk: one
 * training by a gradient optimiser, and the tiles held out from it (at most 50,000). The readout is fitted on these
 * logits; on each fold it is scored as fitted on the other folds.
 *
 * @throws InputError for too few tiles
 * @throws InterruptedError if the signal stops it; `states` then says how far it came
 */
export async function fitHead(
  features: FeatureMatrix | readonly FeatureMatrix[] | FeatureSource,
  labels: LabelMatrix,
  config: HeadConfig,
  options: FitOptions & ReadoutOptions = {},
): Promise<FittedHead> {
  const weights =
    "read" in features
      ? await fitFromDisk(features, labels, config, options)
      : await fitInMemory(toVariants(features, labels.rows), labels, config, options);
  return addReadout(weights, labels, options);
}

/** The model of these weights. */
export function addReadout(weights: FittedWeights, labels: LabelMatrix, options: ReadoutOptions): FittedHead {
  const { head, l2, history, split, unseen } = weights;
  const chosen = chooseExclusive(unseen, options);
  const { exclusive, exactlyOne, exclusiveGain } = chosen;
  const { calibration, thresholds } = fitReadout(unseen.logits, unseen.labels, chosen, options);
  const scored = scoreUnseen(unseen, chosen, thresholds);
  const holdOut = unseen.measuredOn === "hold-out" ? scored.metrics : scoreHeldOut(weights, labels, chosen, options);
  return {
    head: foldCalibration(head, calibration),
    thresholds,
    ...(l2 !== undefined && { l2 }),
    history,
    split,
    exclusive,
    exactlyOne,
    exclusiveGain,
    scored,
    ...(holdOut && { holdOut }),
    weights,
  };
}

/** Tags are given by each fold's thresholds, fitted on the others; the table shows the final ones. */
function scoreUnseen(
  { rows, logits, labels, folds, measuredOn }: UnseenLogits,
  chosen: ChosenExclusive,
  thresholds: Float32Array,
): ScoredTiles {
  const { probabilities, decisions, margins } = chosen.crossFitted;
  // Calibrations of folds differ, but each keeps the order of its tag's logits. Dividing within exclusive groups does
  // not.
  const shared = new Set(chosen.exclusive.flat());
  const ranking = logits.map((z, cell) => (shared.has(cell % thresholds.length) ? probabilities[cell] : z));
  const metrics = computeMetrics(probabilities, labels, thresholds, {
    settled: settledGroups(chosen),
    decisions,
    ranking,
  });
  return { rows, probabilities, decisions, margins, folds, measuredOn, metrics };
}

/** The held-out tiles under a readout that was fitted on the others. */
function scoreHeldOut(
  { heldOutLogits, split, unseen }: FittedWeights,
  labels: LabelMatrix,
  groups: ExclusiveGroups,
  options: ReadoutOptions,
): Metrics | undefined {
  if (heldOutLogits === undefined) return undefined;
  const { train, heldOut } = split;
  const place = new Map([...unseen.rows].map((row, i) => [row, i]));
  const others = selectRows(
    unseen.logits,
    labels.tags.length,
    Array.from(train, (row) => place.get(row) as number),
  );
  const readout = fitReadout(others, selectLabels(labels, train), groups, options);
  const probabilities = readProbabilities(readout, heldOutLogits);
  return computeMetrics(probabilities, selectLabels(labels, heldOut), readout.thresholds, {
    settled: settledGroups(groups),
  });
}
