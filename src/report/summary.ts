/** What the report shows, computed from probabilities and labels: curves, galleries, reliability, co-occurrence. */
import { fBeta } from "../head/metrics.js";
import type { CoOccurrence, CurvePoint, Gallery, Reliability, ReliabilityBin, Summary, TagSummary } from "./data.js";

/** Tiles that the model was not trained on, with its probabilities and their labels. */
interface ScoredTiles {
  /** Tile names by row. */
  names: readonly string[];
  /** Tag names by column. */
  tags: readonly string[];
  /** `[rows, tags]` */
  probabilities: Float32Array;
  /** `[rows, tags]`, 0 or 1 */
  labels: Uint8Array;
  /** `[tags]` */
  thresholds: ArrayLike<number>;
  /** `[rows, tags]`, 0 or 1: the tags given. @default by thresholds */
  decisions?: Uint8Array;
  /** `[rows, tags]`, 0..1: orders tiles and traces curves; those that are given a tag come before the others. @default probabilities */
  ranking?: Float32Array;
}

type Complete = Required<ScoredTiles>;

interface SummaryOptions {
  /** Tiles listed per gallery. @default 6 */
  galleryLength?: number;
  /** Equal-width bins of the reliability diagram. @default 10 */
  bins?: number;
}

const CURVE_POINTS = 64;

/** 2^23: a row's number takes at most 23 of a float64's 53 bits; see rankRows. */
const MOST_ROWS = 2 ** 23;

/** @throws RangeError for arrays whose lengths do not fit together, probabilities outside 0..1, and more than 8 million tiles */
export function summarise(tiles: ScoredTiles, { galleryLength = 6, bins = 10 }: SummaryOptions = {}): Summary {
  checkScored(tiles);
  const { probabilities, thresholds } = tiles;
  const decisions = Uint8Array.from(probabilities, (each, cell) =>
    each >= thresholds[cell % thresholds.length] ? 1 : 0,
  );
  const scored: Complete = { decisions, ranking: probabilities, ...tiles };
  return {
    tiles: scored.names.length,
    tags: scored.tags.map((_, column) => summariseTag(scored, column, galleryLength)),
    reliability: measureReliability(scored, bins),
    coOccurrence: countCoOccurrence(scored),
    confusions: countConfusions(scored),
    constant: bestConstant(scored),
  };
}

function checkScored({ names, tags, probabilities, labels, thresholds }: ScoredTiles): void {
  const cells = names.length * tags.length;
  if (probabilities.length !== cells || labels.length !== cells || thresholds.length !== tags.length) {
    throw new RangeError(
      `Expected ${names.length} x ${tags.length} probabilities and labels and ${tags.length} thresholds, got ${probabilities.length}, ${labels.length} and ${thresholds.length}.`,
    );
  }
  if (names.length > MOST_ROWS) {
    throw new RangeError(`Expected at most ${MOST_ROWS} tiles, got ${names.length}; pass a sample of them.`);
  }
  const wrong = probabilities.findIndex((value) => !(value >= 0 && value <= 1));
  if (wrong !== -1) {
    const tile = names[Math.floor(wrong / tags.length)];
    throw new RangeError(`Expected probabilities from 0 to 1, got ${probabilities[wrong]} for tile ${tile}.`);
  }
}

function summariseTag(scored: Complete, column: number, galleryLength: number): TagSummary {
  const { names, tags, probabilities, labels, decisions, ranking } = scored;
  const probabilityOf = (row: number) => probabilities[row * tags.length + column];
  const hits: number[] = [];
  const falseAlarms: number[] = [];
  const misses: number[] = [];
  const order = rankRows(scored, column);
  for (const row of order) {
    const labelled = labels[row * tags.length + column] === 1;
    const predicted = decisions[row * tags.length + column] === 1;
    if (labelled || predicted) {
      (labelled ? (predicted ? hits : misses) : falseAlarms).push(row);
    }
  }
  const bySureness = (rows: number[], sign: 1 | -1) =>
    rows.sort((a, b) => sign * (probabilityOf(b) - probabilityOf(a)) || a - b);
  const gallery = (rows: number[]): Gallery => ({
    count: rows.length,
    tiles: rows.slice(0, galleryLength).map((row) => ({
      name: names[row],
      probability: probabilityOf(row),
      tags: tags.filter((_, other) => labels[row * tags.length + other] === 1),
    })),
  });
  return {
    tag: tags[column],
    curve: thin(
      traceCurve(
        order,
        (row) => ranking[row * tags.length + column],
        (row) => labels[row * tags.length + column],
        hits.length + falseAlarms.length,
      ),
    ),
    hits: gallery(bySureness(hits, 1)),
    falseAlarms: gallery(bySureness(falseAlarms, 1)),
    misses: gallery(bySureness(misses, -1)),
  };
}

/**
 * Rows from the most to the least probable, ties in row order, so that the report is the same every time. Row and
 * probability are packed into one float64 without loss: up to 1, a float32's bits sort like its value, and are below
 * 2^30. Sorting plain numbers is several times as fast as sorting rows with a comparison function.
 */
function rankRows({ names, tags, ranking }: Complete, column: number): Uint32Array {
  const rows = names.length;
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  const keys = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    value[0] = Math.abs(ranking[row * tags.length + column]);
    keys[row] = (2 ** 30 - bits[0]) * MOST_ROWS + row;
  }
  keys.sort();
  const order = new Uint32Array(rows);
  for (let rank = 0; rank < rows; rank++) {
    order[rank] = keys[rank] % MOST_ROWS;
  }
  return order;
}

/**
 * Precision at every recall that is reached, and at the `given` first rows, which were given the tag. `order` runs from the most probable
 * row down; tiles of equal value are taken together.
 */
function traceCurve(
  order: Uint32Array,
  heightOf: (row: number) => number,
  labelOf: (row: number) => number,
  given: number,
): CurvePoint[] {
  const support = order.reduce((sum, row) => sum + labelOf(row), 0);
  const points: CurvePoint[] = [];
  let right = 0;
  let reached = 0;
  order.forEach((row, i) => {
    const threshold = heightOf(row);
    right += labelOf(row);
    const last = i + 1 === order.length || heightOf(order[i + 1]) !== threshold;
    const chosen = i + 1 === given;
    if ((last && right > reached) || (chosen && support > 0)) {
      points.push({ threshold, precision: right / (i + 1), recall: right / support, ...(chosen && { chosen }) });
      reached = right;
    }
  });
  return points;
}

/** At most CURVE_POINTS points, evenly spaced in recall; both ends stay. */
function thin(points: CurvePoint[]): CurvePoint[] {
  if (points.length <= CURVE_POINTS) {
    return points;
  }
  const kept: CurvePoint[] = [];
  for (const point of points) {
    if (point.chosen || point.recall * (CURVE_POINTS - 3) >= kept.length) {
      kept.push(point);
    }
  }
  const last = points.at(-1)!;
  return kept.at(-1) === last ? kept : [...kept, last];
}

function measureReliability({ probabilities, labels }: Complete, numBins: number): Reliability {
  const sums = Array.from({ length: numBins }, () => ({ count: 0, probability: 0, positives: 0 }));
  for (let cell = 0; cell < labels.length; cell++) {
    const sum = sums[Math.min(numBins - 1, Math.floor(probabilities[cell] * numBins))];
    sum.count++;
    sum.probability += probabilities[cell];
    sum.positives += labels[cell];
  }
  const bins: ReliabilityBin[] = sums
    .map(({ count, probability, positives }, i) => ({
      low: i / numBins,
      high: (i + 1) / numBins,
      count,
      meanProbability: probability / count,
      share: positives / count,
    }))
    .filter((bin) => bin.count > 0);
  const gaps = bins.map((bin) => bin.count * Math.abs(bin.meanProbability - bin.share));
  return { ece: gaps.reduce((sum, gap) => sum + gap, 0) / Math.max(1, labels.length), bins };
}

function countCoOccurrence({ names, tags, labels, decisions }: Complete): CoOccurrence {
  const width = tags.length;
  const counts = {
    labels: new Array<number>(width * width).fill(0),
    predicted: new Array<number>(width * width).fill(0),
  };
  const addRow = (target: number[], has: (column: number) => boolean) => {
    const columns = tags.map((_, column) => column).filter(has);
    for (const i of columns) {
      for (const j of columns) {
        target[i * width + j]++;
      }
    }
  };
  for (let row = 0; row < names.length; row++) {
    addRow(counts.labels, (column) => labels[row * width + column] === 1);
    addRow(counts.predicted, (column) => decisions[row * width + column] === 1);
  }
  return counts;
}

/** Of the tiles that miss tag i, how many were wrongly given tag j: `[tags, tags]`, row-major. */
function countConfusions({ names, tags, labels, decisions }: Complete): number[] {
  const width = tags.length;
  const counts = new Array<number>(width * width).fill(0);
  for (let row = 0; row < names.length; row++) {
    const differ = (column: number) => decisions[row * width + column] - labels[row * width + column];
    const columns = tags.map((_, column) => column);
    const alarms = columns.filter((column) => differ(column) === 1);
    for (const missed of columns.filter((column) => differ(column) === -1)) {
      for (const alarm of alarms) counts[missed * width + alarm]++;
    }
  }
  return counts;
}

/**
 * The best set of tags to give to every tile, among the k most frequent for each k, by samples-averaged F2. One tag
 * alone is scored by its own F2, as a model's is.
 */
function bestConstant({ names, tags, labels }: ScoredTiles): { f2: number; tags: string[] } {
  const support = tags.map((_, column) => names.reduce((sum, _n, row) => sum + labels[row * tags.length + column], 0));
  if (tags.length === 1) return { f2: fBeta(support[0], names.length, support[0], 2), tags: [...tags] };
  const order = tags.map((_, column) => column).sort((a, b) => support[b] - support[a] || a - b);
  const sums = new Float64Array(tags.length);
  for (let row = 0; row < names.length; row++) {
    const has = (column: number) => labels[row * tags.length + column];
    const labelled = order.reduce((sum, column) => sum + has(column), 0);
    let hits = 0;
    order.forEach((column, rank) => {
      hits += has(column);
      sums[rank] += fBeta(hits, rank + 1, labelled, 2);
    });
  }
  const best = sums.indexOf(Math.max(0, ...sums));
  const length = best === -1 ? 0 : best + 1;
  return {
    f2: length === 0 ? 0 : sums[best] / Math.max(1, names.length),
    tags: order.slice(0, length).map((c) => tags[c]),
  };
}
