/**
 * How good predicted tags are. In: probabilities, thresholds and the true labels. Out: scores. A tag is predicted if
 * its probability reaches its threshold. A score without meaning (the recall of a tag that no tile has) is null, and
 * left out of means.
 */
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { bootstrap, bootstrapMean, type Interval } from "./bootstrap.js";
import { type RankingScores, rankingScores } from "./ranking-scores.js";

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
  averagePrecision: number | null;
  rocAuc?: number | null;
  precisionAtRecall90?: number | null;
}

export interface Metrics {
  tiles: number;
  /** Samples-averaged F2 (the Kaggle metric) at the given thresholds; with one tag alone that tag's F2. See setFBeta. */
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
  /** Groups of which each tile has the most probable tag. @default none */
  settled?: ExclusiveColumns;
  /** `[rows, tags]`: the tags given. @default by `thresholds` and `settled` */
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
    settled = [],
    decisions = decide(probabilities, thresholds, settled),
    ranking = probabilities,
  } = options;
  checkLengths(probabilities, labels, thresholds);
  const counts = countPerTag(decisions, labels);
  const perTag = labels.tags.map((tag, column) => {
    return { ...tagMetrics(tag, counts[column], thresholds[column]), ...rankingScores(ranking, labels, column) };
  });
  const counted = perTag.filter(({ support }) => support >= Math.max(1, minSupport));
  const half = decide(probabilities, new Float32Array(labels.tags.length).fill(0.5), settled);
  return {
    tiles: labels.rows,
    f2: setFBeta(decisions, labels, 2),
    f2AtHalf: setFBeta(half, labels, 2),
    map: mean(counted.map(({ averagePrecision: precision }) => precision as number)),
    minSupport,
    ...f1Scores(counts),
    binaryAccuracy: accuracy(counts, labels),
    perTag,
  };
}

/** Columns of the tags of each exclusive group; see tags/exclusive.ts. */
export type ExclusiveColumns = readonly (readonly number[])[];

/** `[rows, tags]`: 1 if a probability reaches its tag's threshold; of a group in `settled` the most probable tag alone. */
export function decide(
  probabilities: Float32Array,
  thresholds: Float32Array,
  settled: ExclusiveColumns = [],
): Uint8Array {
  const numTags = thresholds.length;
  const decisions = Uint8Array.from(probabilities, (each, cell) => (each >= thresholds[cell % numTags] ? 1 : 0));
  for (let from = 0; from < decisions.length; from += numTags) {
    for (const group of settled) {
      const most = group.reduce((a, b) => (probabilities[from + b] > probabilities[from + a] ? b : a));
      for (const column of group) decisions[from + column] = column === most ? 1 : 0;
    }
  }
  return decisions;
}

/**
 * Each tile's F-beta, `(1 + b^2) hits / (b^2 present + predicted)`, `[rows]`. A tile without tags scores 1 if it is given none, else 0
 * (scikit-learn's zero_division=1). `decisions` is `[labels.rows, tags]`, 0 or 1.
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

/**
 * F-beta of decisions on some tiles: the mean of theirs, or, with one tag alone, that tag's: the mean would only say how many tiles are
 * decided right.
 */
export function setFBeta(decisions: Uint8Array, labels: LabelMatrix, beta: number): number {
  if (labels.tags.length > 1) return meanFBeta(decisions, labels, beta);
  const [{ hits, predicted, support }] = countPerTag(decisions, labels);
  return support === 0 && predicted === 0 ? 0 : fBeta(hits, predicted, support, beta);
}

/** 95% interval of setFBeta, by the bootstrap. */
export function setFBetaInterval(decisions: Uint8Array, labels: LabelMatrix, beta: number, seed?: number): Interval {
  const options = seed === undefined ? {} : { seed };
  if (labels.tags.length > 1) return bootstrapMean(tileFBetas(decisions, labels, beta), options);
  return bootstrap(labels.rows, (rows) => resampledFBeta(decisions, labels, rows, beta), options);
}

/**
 * 95% interval of how much higher setFBeta is with `decisions` than with `others`: a paired bootstrap, each resample scores both on the
 * same tiles, so that tiles which are hard for both do not widen it.
 */
export function setFBetaDifference(
  decisions: Uint8Array,
  others: Uint8Array,
  labels: LabelMatrix,
  beta: number,
): Interval {
  if (labels.tags.length > 1) {
    const theirs = tileFBetas(others, labels, beta);
    return bootstrapMean(tileFBetas(decisions, labels, beta).map((score, row) => score - theirs[row]));
  }
  return bootstrap(
    labels.rows,
    (rows) => resampledFBeta(decisions, labels, rows, beta) - resampledFBeta(others, labels, rows, beta),
  );
}

/** F-beta of the only tag on a sample of tiles. */
function resampledFBeta(decisions: Uint8Array, labels: LabelMatrix, rows: Uint32Array, beta: number): number {
  let [hits, predicted, support] = [0, 0, 0];
  for (const row of rows) {
    hits += labels.data[row] & decisions[row];
    predicted += decisions[row];
    support += labels.data[row];
  }
  return support === 0 && predicted === 0 ? 0 : fBeta(hits, predicted, support, beta);
}

/** Their mean: scikit-learn's `fbeta_score(average="samples", zero_division=1)`; 0 without tiles. */
export function meanFBeta(decisions: Uint8Array, labels: LabelMatrix, beta: number): number {
  return labels.rows === 0 ? 0 : tileFBetas(decisions, labels, beta).reduce((sum, each) => sum + each, 0) / labels.rows;
}

/** F-beta from counts; without a hit 0, or 1 if there was nothing to hit and nothing was tried. */
export function fBeta(hits: number, predicted: number, present: number, beta: number): number {
  if (hits === 0) return predicted === 0 && present === 0 ? 1 : 0;
  return ((1 + beta * beta) * hits) / (beta * beta * present + predicted);
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

function tagMetrics(tag: string, counts: Counts, threshold: number): Omit<TagMetrics, keyof RankingScores> {
  const { support, predicted, hits } = counts;
  return {
    tag,
    support,
    predicted,
    threshold,
    precision: predicted === 0 ? null : hits / predicted,
    recall: support === 0 ? null : hits / support,
    f2: support === 0 ? null : fBeta(hits, predicted, support, 2),
  };
}

function f1Scores(counts: readonly Counts[]): { microF1: number; macroF1: number | null } {
  const total = (key: keyof Counts) => counts.reduce((sum, each) => sum + each[key], 0);
  const supported = counts.filter(({ support }) => support > 0);
  return {
    microF1: total("hits") === 0 ? 0 : fBeta(total("hits"), total("predicted"), total("support"), 1),
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
