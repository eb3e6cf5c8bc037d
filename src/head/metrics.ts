/**
 * How good predicted tags are. In: probabilities, thresholds and the true labels. Out: scores. A tag is predicted if
 * its probability reaches its threshold. A score without meaning (the recall of a tag that no tile has) is null, and
 * left out of means.
 */
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { averagePrecision } from "./average-precision.js";

/** One tag's scores. */
export interface TagMetrics {
  tag: string;
  /** Tiles that have the tag. */
  support: number;
  /** Tiles it was predicted for. */
  predicted: number;
  threshold: number;
  /** Null if the tag was never predicted. */
  precision: number | null;
  /** Null if no tile has the tag. */
  recall: number | null;
  /** Null if no tile has the tag. */
  f2: number | null;
  /** Null if no tile has the tag. */
  averagePrecision: number | null;
}

export interface Metrics {
  tiles: number;
  /** Samples-averaged F2 (the Kaggle metric) at the given thresholds. */
  f2: number;
  /** The same at 0.5 for every tag. */
  f2AtHalf: number;
  /** Mean of the average precisions of tags with at least `minSupport` tiles; null if there is none. */
  map: number | null;
  /** Tags with fewer tiles are left out of `map`. */
  minSupport: number;
  microF1: number;
  /** Mean F1 over tags that some tile has; null if there is none. */
  macroF1: number | null;
  /** Share of right cells of the label matrix. */
  binaryAccuracy: number;
  perTag: TagMetrics[];
}

/** Scores of a tag with fewer tiles are not reliable. */
const RELIABLE_SUPPORT = 3;

interface Counts {
  support: number;
  predicted: number;
  hits: number;
}

export interface MetricsOptions {
  /**
   * Tags with fewer tiles are left out of `map`; 1 is scikit-learn's mean over all tags that some tile has. @default 3
   */
  minSupport?: number;
  /** `[rows, tags]`: the tags given, if that is not `probabilities >= thresholds`. */
  decisions?: Uint8Array;
  /**
   * `[rows, tags]`: average precision ranks by these. Out-of-fold values calibrated fold by fold must not be ranked
   * across folds: each calibration keeps the order within its fold, but those of a rare tag differ. @default
   * probabilities
   */
  ranking?: Float32Array;
}

/** All metrics of `probabilities` `[labels.rows, tags]` at `thresholds` `[tags]`. */
export function computeMetrics(
  probabilities: Float32Array,
  labels: LabelMatrix,
  thresholds: Float32Array,
  options: MetricsOptions = {},
): Metrics {
  const {
    minSupport = RELIABLE_SUPPORT,
    decisions = decide(probabilities, thresholds),
    ranking = probabilities,
  } = options;
  checkLengths(probabilities, labels, thresholds);
  const counts = countPerTag(decisions, labels);
  const perTag = labels.tags.map((tag, column) => {
    const precision = averagePrecision(ranking, labels, column);
    return tagMetrics(tag, counts[column], thresholds[column], precision);
  });
  const counted = perTag.filter(({ support }) => support >= Math.max(1, minSupport));
  const half = decide(probabilities, new Float32Array(labels.tags.length).fill(0.5));
  return {
    tiles: labels.rows,
    f2: meanFBeta(decisions, labels, 2),
    f2AtHalf: meanFBeta(half, labels, 2),
    map: mean(counted.map(({ averagePrecision: precision }) => precision as number)),
    minSupport,
    ...f1Scores(counts),
    binaryAccuracy: accuracy(counts, labels),
    perTag,
  };
}

/** 1 if a probability reaches its tag's threshold: `[rows, tags]`. */
export function decide(probabilities: Float32Array, thresholds: Float32Array): Uint8Array {
  const numTags = thresholds.length;
  return Uint8Array.from(probabilities, (probability, cell) => (probability >= thresholds[cell % numTags] ? 1 : 0));
}

/**
 * Each tile's F-beta, `(1 + b^2) hits / (b^2 present + predicted)`, `[rows]`; a tile without a hit scores 0, also one without tags
 * (scikit-learn's zero_division=0). `decisions` is `[labels.rows, tags]`, 0 or 1.
 */
export function tileFBetas(decisions: Uint8Array, labels: LabelMatrix, beta: number): Float64Array {
  const numTags = labels.tags.length;
  return Float64Array.from({ length: labels.rows }, (_, row) => {
    let [hits, predicted, present] = [0, 0, 0];
    for (let cell = row * numTags; cell < (row + 1) * numTags; cell++) {
      hits += labels.data[cell] & decisions[cell];
      predicted += decisions[cell];
      present += labels.data[cell];
    }
    return fBeta(hits, predicted, present, beta);
  });
}

/** Their mean: scikit-learn's `fbeta_score(average="samples")`; 0 without tiles. */
export function meanFBeta(decisions: Uint8Array, labels: LabelMatrix, beta: number): number {
  return labels.rows === 0 ? 0 : tileFBetas(decisions, labels, beta).reduce((sum, each) => sum + each, 0) / labels.rows;
}

/** The same for the tags that `probabilities` reach `thresholds` for. */
export function sampleFBeta(
  probabilities: Float32Array,
  labels: LabelMatrix,
  thresholds: Float32Array,
  beta: number,
): number {
  checkLengths(probabilities, labels, thresholds);
  return meanFBeta(decide(probabilities, thresholds), labels, beta);
}

/** F-beta from counts; 0 without a hit. */
export function fBeta(hits: number, predicted: number, present: number, beta: number): number {
  return hits === 0 ? 0 : ((1 + beta * beta) * hits) / (beta * beta * present + predicted);
}

function countPerTag(decisions: Uint8Array, labels: LabelMatrix): Counts[] {
  const counts = labels.tags.map(() => ({ support: 0, predicted: 0, hits: 0 }));
  for (let cell = 0; cell < labels.data.length; cell++) {
    const each = counts[cell % counts.length];
    each.support += labels.data[cell];
    each.predicted += decisions[cell];
    each.hits += labels.data[cell] & decisions[cell];
  }
  return counts;
}

function tagMetrics(tag: string, counts: Counts, threshold: number, precision: number | null): TagMetrics {
  const { support, predicted, hits } = counts;
  return {
    tag,
    support,
    predicted,
    threshold,
    precision: predicted === 0 ? null : hits / predicted,
    recall: support === 0 ? null : hits / support,
    f2: support === 0 ? null : fBeta(hits, predicted, support, 2),
    averagePrecision: precision,
  };
}

function f1Scores(counts: readonly Counts[]): { microF1: number; macroF1: number | null } {
  const total = (key: keyof Counts) => counts.reduce((sum, each) => sum + each[key], 0);
  const supported = counts.filter(({ support }) => support > 0);
  return {
    microF1: fBeta(total("hits"), total("predicted"), total("support"), 1),
    macroF1: mean(supported.map(({ hits, predicted, support }) => fBeta(hits, predicted, support, 1))),
  };
}

function accuracy(counts: readonly Counts[], labels: LabelMatrix): number {
  const wrong = counts.reduce((sum, { hits, predicted, support }) => sum + predicted + support - 2 * hits, 0);
  return labels.data.length === 0 ? 0 : 1 - wrong / labels.data.length;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function checkLengths(probabilities: Float32Array, labels: LabelMatrix, thresholds: Float32Array): void {
  const numTags = labels.tags.length;
  if (probabilities.length !== labels.rows * numTags || thresholds.length !== numTags) {
    throw new RangeError(
      `Expected ${labels.rows} x ${numTags} probabilities and ${numTags} thresholds, got ${probabilities.length} and ${thresholds.length}.`,
    );
  }
}
