/**
 * Thresholds: from which probability on a tag is given. They are fitted for samples-averaged F-beta on probabilities of
 * tiles that the head has not seen: first the best threshold common to all tags, then tag by tag. Each is pulled back
 * towards the common one; the rarer the tag, the more.
 */
import { checkInRange } from "../check.js";
import { rankRows } from "../head/average-precision.js";
import { logit, sigmoid } from "../head/head.js";
import { fBeta, sampleFBeta } from "../head/metrics.js";
import { type LabelMatrix, tagSupport } from "../tiles/label-matrix.js";

export interface ThresholdOptions {
  /** How many times recall counts as much as precision. @default 2 */
  beta?: number;
  /**
   * A tag with this many tiles keeps half of its distance (in logits) from the common threshold. 0 gives every tag its
   * own, Infinity gives all the common one. The default was best in nested cross-validation. @default 100
   */
  shrinkage?: number;
}

export interface FittedThresholds {
  /** `[tags]` */
  thresholds: Float32Array;
  /** The best single threshold. */
  common: number;
  /** Samples-averaged F-beta on the very tiles they were fitted on: optimistic. */
  score: number;
}

interface Tally {
  hits: Int32Array;
  predicted: Int32Array;
  present: Int32Array;
}

const GRID = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
const MAX_SWEEPS = 10;
/** Probabilities are kept this far from 0 and 1, whose logits are infinite. */
const EDGE = 1e-6;

/** Thresholds for `probabilities` `[labels.rows, tags]`, best out-of-fold ones (see crossValidate). */
export function fitThresholds(
  probabilities: Float32Array,
  labels: LabelMatrix,
  { beta = 2, shrinkage = 100 }: ThresholdOptions = {},
): FittedThresholds {
  checkInRange("beta", beta, 0.01, 100);
  checkInRange("shrinkage", shrinkage, 0, Number.POSITIVE_INFINITY);
  const common = commonThreshold(probabilities, labels, beta);
  const own = ascend(probabilities, labels, common, beta);
  const support = tagSupport(labels);
  const thresholds = own.map((threshold, tag) => {
    const trust = shrinkage === 0 ? 1 : support[tag] / (support[tag] + shrinkage);
    return sigmoid(trust * logit(threshold) + (1 - trust) * logit(common));
  });
  return { thresholds, common, score: sampleFBeta(probabilities, labels, thresholds, beta) };
}

/** The grid's best threshold, each score averaged with its neighbours', because a single peak is chance. */
function commonThreshold(probabilities: Float32Array, labels: LabelMatrix, beta: number): number {
  const scores = GRID.map((threshold) => {
    return sampleFBeta(probabilities, labels, new Float32Array(labels.tags.length).fill(threshold), beta);
  });
  const smooth = scores.map((score, i) => (scores[i - 1] ?? score) + score + (scores[i + 1] ?? score));
  return GRID[smooth.indexOf(Math.max(...smooth))];
}

/** Coordinate ascent: the exact best threshold of one tag given the others, in rounds until none changes. */
function ascend(probabilities: Float32Array, labels: LabelMatrix, common: number, beta: number): Float32Array {
  const numTags = labels.tags.length;
  // As float32 from the start, because a probability may equal the common threshold.
  const thresholds = new Float32Array(numTags).fill(common);
  const orders = labels.tags.map((_, tag) => rankRows(probabilities, labels.rows, numTags, tag));
  const tally: Tally = {
    hits: new Int32Array(labels.rows),
    predicted: new Int32Array(labels.rows),
    present: new Int32Array(labels.rows),
  };
  labels.data.forEach((label, cell) => {
    tally.present[Math.floor(cell / numTags)] += label;
  });
  for (let tag = 0; tag < numTags; tag++) count(tally, probabilities, labels, tag, thresholds[tag], 1);
  for (let sweep = 0, moved = true; moved && sweep < MAX_SWEEPS; sweep++) {
    moved = false;
    for (let tag = 0; tag < numTags; tag++) {
      count(tally, probabilities, labels, tag, thresholds[tag], -1);
      const best = Math.fround(bestOfTag(tally, probabilities, labels, tag, orders[tag], common, beta));
      moved ||= best !== thresholds[tag];
      thresholds[tag] = best;
      count(tally, probabilities, labels, tag, best, 1);
    }
  }
  return thresholds;
}

/** Adds to each tile's counts (or subtracts) the contribution of predicting `tag` from `threshold` up. */
function count(
  { hits, predicted }: Tally,
  probabilities: Float32Array,
  labels: LabelMatrix,
  tag: number,
  threshold: number,
  sign: 1 | -1,
): void {
  const numTags = labels.tags.length;
  for (let row = 0; row < labels.rows; row++) {
    if (probabilities[row * numTags + tag] >= threshold) {
      predicted[row] += sign;
      hits[row] += sign * labels.data[row * numTags + tag];
    }
  }
}

/**
 * Goes down the tag's probabilities and adds up the gain of each further tile. Between two of them lies a candidate.
 */
function bestOfTag(
  { hits, predicted, present }: Tally,
  probabilities: Float32Array,
  labels: LabelMatrix,
  tag: number,
  order: Uint32Array,
  common: number,
  beta: number,
): number {
  const numTags = labels.tags.length;
  let [gain, bestGain, best] = [0, Number.NEGATIVE_INFINITY, common];
  for (let rank = 0; rank <= order.length; rank++) {
    const above = rank === 0 ? 1 : probabilities[order[rank - 1] * numTags + tag];
    const below = rank === order.length ? 0 : probabilities[order[rank] * numTags + tag];
    if (rank > 0) {
      const row = order[rank - 1];
      const hit = labels.data[row * numTags + tag];
      gain +=
        fBeta(hits[row] + hit, predicted[row] + 1, present[row], beta) -
        fBeta(hits[row], predicted[row], present[row], beta);
    }
    if (above <= below) continue;
    const candidate = between(below, above, common);
    const closer = Math.abs(logit(candidate) - logit(common)) < Math.abs(logit(best) - logit(common));
    if (gain > bestGain + 1e-9 || (gain > bestGain - 1e-9 && closer)) {
      bestGain = Math.max(gain, bestGain);
      best = candidate;
    }
  }
  return best;
}

/** The threshold nearest to the common one in the middle half (in logits) of the gap between two probabilities. */
function between(below: number, above: number, common: number): number {
  const low = logit(Math.max(below, EDGE));
  const high = logit(Math.min(above, 1 - EDGE));
  const quarter = (high - low) / 4;
  return sigmoid(Math.min(Math.max(logit(common), low + quarter), high - quarter));
}
