/** Whether stacking helps tiles it has not seen, judged on out-of-fold logits; and what thresholds fitted on other folds decide. */
import { crossFit } from "../head/cross-validate.js";
import { type Head, sigmoid } from "../head/head.js";
import { decide, meanFBeta } from "../head/metrics.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { applyStacking, fitStacking, foldStacking } from "./stacking.js";
import { fitThresholds, type ThresholdOptions } from "./thresholds.js";

export interface StackingTrial {
  /** Out-of-fold logits as stacking would make them, each row by a layer that has not seen it: `[rows, tags]`. */
  logits: Float32Array;
  /** The penalty of the layer. */
  l2: number;
  /** Cross-fitted F-beta with and without it. */
  score: number;
  plainScore: number;
}

const PENALTIES = [0.01, 0.1, 1];
/** F-beta that stacking must gain to be kept: less is luck. */
const SMALLEST_GAIN = 0.001;

/** The best stacking of out-of-fold `logits` `[labels.rows, tags]`, or undefined where none gains enough. */
export function tryStacking(
  logits: Float32Array,
  labels: LabelMatrix,
  folds: Uint8Array,
  options: ThresholdOptions = {},
): StackingTrial | undefined {
  const plainScore = crossFittedScore(logits, labels, folds, options);
  const trials = PENALTIES.map((l2) => {
    const out = new Float32Array(logits.length);
    const stacked = crossFit(
      logits,
      labels,
      folds,
      (z, y) => fitStacking(z, y, l2),
      (s, z) => applyStacking(z, s),
      out,
    );
    return { logits: stacked, l2, score: crossFittedScore(stacked, labels, folds, options), plainScore };
  });
  const best = trials.reduce((a, b) => (b.score > a.score ? b : a));
  return best.score >= plainScore + SMALLEST_GAIN ? best : undefined;
}

/** `head` with a stacking layer fitted on all out-of-fold logits. */
export function stackHead(head: Head, logits: Float32Array, labels: LabelMatrix, l2: number): Head {
  return foldStacking(head, fitStacking(logits, labels, l2));
}

/** F-beta of each fold at thresholds fitted on the others. */
export function crossFittedScore(
  logits: Float32Array,
  labels: LabelMatrix,
  folds: Uint8Array,
  options: ThresholdOptions,
): number {
  return meanFBeta(crossFittedDecisions(logits.map(sigmoid), labels, folds, options), labels, options.beta ?? 2);
}

/** The tags given to each row by thresholds that were fitted on the other folds: `[rows, tags]`. */
export function crossFittedDecisions(
  probabilities: Float32Array,
  labels: LabelMatrix,
  folds: Uint8Array,
  options: ThresholdOptions,
): Uint8Array {
  const fit = (values: Float32Array, those: LabelMatrix) => fitThresholds(values, those, options).thresholds;
  const apply = (fitted: Float32Array, values: Float32Array) => decide(values, fitted);
  return crossFit(probabilities, labels, folds, fit, apply, new Uint8Array(probabilities.length));
}
