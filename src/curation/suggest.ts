/**
 * Which unlabelled tiles to label next: those the model is unsure about, and of different kinds. Greedy, deterministic:
 * each pick is the tile with the largest product of uncertainty and squared distance to the nearest tile already
 * picked.
 */
import { checkInteger } from "../check.js";
import type { FeatureMatrix } from "../head/feature-matrix.js";
import { logit, sigmoid } from "../head/head.js";

export interface Suggestion {
  row: number;
  /** 0..1: how near the probabilities of the tile's most doubtful tags are to their thresholds. */
  uncertainty: number;
}

/** Distances are compared among this many candidates for each pick, the most uncertain ones. */
export const CANDIDATES_PER_PICK = 20;
/** Number of a tile's most doubtful tags that are averaged: further doubts do not make it more useful. */
const DOUBTFUL_TAGS = 3;

/** `count` rows (or all, if there are fewer) in the order to label them; `probabilities` is `[features.rows, tags]`. */
export function suggestTiles(
  probabilities: Float32Array,
  thresholds: Float32Array,
  features: FeatureMatrix,
  count: number,
): Suggestion[] {
  checkInteger("count", count, 1);
  const candidates = rankByUncertainty(probabilities, thresholds).slice(0, count * CANDIDATES_PER_PICK);
  const distances = new Float64Array(candidates.length).fill(Number.POSITIVE_INFINITY);
  const picks: Suggestion[] = [];
  while (picks.length < Math.min(count, candidates.length)) {
    const index = picks.length === 0 ? 0 : largestProduct(candidates, distances);
    const pick = candidates[index];
    picks.push(pick);
    candidates.forEach(({ row }, i) => {
      distances[i] = Math.min(distances[i], squaredDistance(features, pick.row, row));
    });
    // Not picked again, even if another tile has the same features.
    distances[index] = -1;
  }
  return picks;
}

/** All rows, most uncertain first. */
function rankByUncertainty(probabilities: Float32Array, thresholds: Float32Array): Suggestion[] {
  const numTags = thresholds.length;
  return Array.from({ length: probabilities.length / numTags }, (_, row) => ({
    row,
    uncertainty: uncertaintyOf(probabilities.subarray(row * numTags, (row + 1) * numTags), thresholds),
  })).sort((a, b) => b.uncertainty - a.uncertainty || a.row - b.row);
}

/** Mean doubt of the most doubtful tags. */
export function uncertaintyOf(probabilities: Float32Array, thresholds: Float32Array): number {
  const doubts = Array.from(probabilities, (probability, tag) => doubtOf(probability, thresholds[tag]));
  const most = doubts.sort((a, b) => b - a).slice(0, DOUBTFUL_TAGS);
  return most.reduce((sum, doubt) => sum + doubt, 0) / most.length;
}

/** How unsure a decision is: 1 at the threshold, approaching 0 far from it (on the scale of logits). */
export function doubtOf(probability: number, threshold: number): number {
  const distance = logit(clamp(probability)) - logit(clamp(threshold));
  return 1 - Math.abs(2 * sigmoid(distance) - 1);
}

function clamp(probability: number): number {
  return Math.min(1 - 1e-6, Math.max(1e-6, probability));
}

function largestProduct(candidates: readonly Suggestion[], distances: Float64Array): number {
  const worth = (i: number) => (distances[i] < 0 ? -1 : candidates[i].uncertainty * distances[i]);
  return candidates.reduce((best, _, i) => (worth(i) > worth(best) ? i : best), 0);
}

function squaredDistance({ data, numFeatures }: FeatureMatrix, a: number, b: number): number {
  let sum = 0;
  for (let f = 0; f < numFeatures; f++) sum += (data[a * numFeatures + f] - data[b * numFeatures + f]) ** 2;
  return sum;
}
