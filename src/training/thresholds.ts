/**
 * Thresholds: from which probability on a tag is given. They are fitted for samples-averaged F-beta on probabilities of
 * tiles that the head has not seen: first the best threshold common to all tags, then tag by tag. Each is pulled back
 * towards the common one; the rarer the tag, the more.
 */
import { checkInRange } from "../check.js";
import { type PrecisionRecall, precisionRecallCurve, rankRows } from "../head/average-precision.js";
import { logit, sigmoid } from "../head/head.js";
import { decide, type ExclusiveColumns, fBeta, setFBeta } from "../head/metrics.js";
import { type LabelMatrix, tagSupport } from "../tiles/label-matrix.js";

export interface ThresholdOptions {
  /** How many times recall counts as much as precision. @default 2 */
  beta?: number;
  /**
   * A tag with this many tiles keeps half of its distance (in logits) from the common threshold. 0 gives every tag its
   * own, Infinity gives all the common one. The default was best in nested cross-validation. @default 100
   */
  shrinkage?: number;
  /** Thresholds that are chosen for a tag's own precision or recall instead. */
  targets?: readonly TagTarget[];
}

/** The threshold of `tag` shall give at least this precision, with the best recall; or at least this recall, with the best precision. */
export interface TagTarget {
  tag: string;
  measure: "precision" | "recall";
  value: number;
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

/**
 * Thresholds for `probabilities` `[labels.rows, tags]`, best out-of-fold ones (see crossValidate). Tags of `settled` groups need none, and
 * have 0.5. With one tag alone it is that tag's F-beta that counts, because most tiles may have no tag.
 */
export function fitThresholds(
  probabilities: Float32Array,
  labels: LabelMatrix,
  { beta = 2, shrinkage = 100, targets = [] }: ThresholdOptions = {},
  settled: ExclusiveColumns = [],
): FittedThresholds {
  checkInRange("beta", beta, 0.01, 100);
  checkInRange("shrinkage", shrinkage, 0, Number.POSITIVE_INFINITY);
  if (settled.length > 0) return fitBesideGroups(probabilities, labels, { beta, shrinkage, targets }, settled);
  const common = commonThreshold(probabilities, labels, beta);
  const fixed = targetThresholds(probabilities, labels, targets);
  const own = ascend(probabilities, labels, common, beta, fixed);
  const support = tagSupport(labels);
  const thresholds = own.map((threshold, tag) => {
    if (fixed.has(tag)) return threshold;
    const trust = shrinkage === 0 ? 1 : support[tag] / (support[tag] + shrinkage);
    return sigmoid(trust * logit(threshold) + (1 - trust) * logit(common));
  });
  return { thresholds, common, score: setFBeta(decide(probabilities, thresholds), labels, beta) };
}

/** The other tags' thresholds, where the tag of each group is settled: 1 for the most probable, 0 for the others. */
function fitBesideGroups(
  probabilities: Float32Array,
  labels: LabelMatrix,
  options: ThresholdOptions,
  settled: ExclusiveColumns,
): FittedThresholds {
  const numTags = labels.tags.length;
  const grouped = new Set(settled.flat());
  const decisions = decide(probabilities, new Float32Array(numTags).fill(0.5), settled);
  const given = probabilities.map((value, cell) => (grouped.has(cell % numTags) ? decisions[cell] : value));
  const fitted = fitThresholds(given, labels, options);
  return { ...fitted, thresholds: fitted.thresholds.map((each, tag) => (grouped.has(tag) ? 0.5 : each)) };
}

/** By column. */
function targetThresholds(
  probabilities: Float32Array,
  labels: LabelMatrix,
  targets: readonly TagTarget[],
): Map<number, number> {
  return new Map(
    targets.map((target) => {
      const tag = labels.tags.indexOf(target.tag);
      return [tag, targetThreshold(precisionRecallCurve(probabilities, labels, tag), target)];
    }),
  );
}

/** In the middle, in logits, of the gap below the last tile that is to be found. Where the target cannot be met, the nearest to it. */
function targetThreshold(curve: readonly PrecisionRecall[], { measure, value }: TagTarget): number {
  const met = curve.filter((point) => point[measure] >= value - 1e-9);
  const best =
    met.length === 0
      ? curve.reduce((a, b) => (b[measure] > a[measure] ? b : a), curve[0])
      : measure === "precision"
        ? met.at(-1)
        : met.reduce((a, b) => (b.precision > a.precision ? b : a));
  if (best === undefined) return 0.5;
  const below = curve[curve.indexOf(best) + 1]?.threshold ?? 0;
  return sigmoid((logit(Math.min(best.threshold, 1 - EDGE)) + logit(Math.max(below, EDGE))) / 2);
}

/** The grid's best threshold, each score averaged with its neighbours', because a single peak is chance. */
function commonThreshold(probabilities: Float32Array, labels: LabelMatrix, beta: number): number {
  const scores = GRID.map((threshold) => {
    const thresholds = new Float32Array(labels.tags.length).fill(threshold);
    return setFBeta(decide(probabilities, thresholds), labels, beta);
  });
  const smooth = scores.map((score, i) => (scores[i - 1] ?? score) + score + (scores[i + 1] ?? score));
  return GRID[smooth.indexOf(Math.max(...smooth))];
}

/** Coordinate ascent: the exact best threshold of one tag given the others, in rounds until none changes. */
function ascend(
  probabilities: Float32Array,
  labels: LabelMatrix,
  common: number,
  beta: number,
  fixed: ReadonlyMap<number, number>,
): Float32Array {
  const numTags = labels.tags.length;
  // As float32 from the start, because a probability may equal the common threshold.
  const thresholds = new Float32Array(numTags).fill(common).map((each, tag) => fixed.get(tag) ?? each);
  if (numTags === 1) return fixed.has(0) ? thresholds : Float32Array.of(bestOfOne(probabilities, labels, common, beta));
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
      if (fixed.has(tag)) continue;
      count(tally, probabilities, labels, tag, thresholds[tag], -1);
      const best = Math.fround(bestOfTag(tally, probabilities, labels, tag, orders[tag], common, beta));
      moved ||= best !== thresholds[tag];
      thresholds[tag] = best;
      count(tally, probabilities, labels, tag, best, 1);
    }
  }
  return thresholds;
}

/** The threshold of the only tag with the best F-beta of that tag; `common` if no tile has it. */
function bestOfOne(probabilities: Float32Array, labels: LabelMatrix, common: number, beta: number): number {
  const curve = precisionRecallCurve(probabilities, labels, 0);
  const support = curve.at(-1)?.hits ?? 0;
  const scores = curve.map(({ hits, predicted }) => fBeta(hits, predicted, support, beta));
  // As many as tiles: too many to be arguments of one call.
  const best = scores.indexOf(scores.reduce((most, each) => Math.max(most, each), 0));
  return best === -1 ? common : between(curve[best + 1]?.threshold ?? 0, curve[best].threshold, common);
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
