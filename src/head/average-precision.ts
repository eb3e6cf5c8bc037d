/** Average precision and the precision-recall curve of one tag. */
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { allRows } from "../tiles/split.js";

/** One point of a precision-recall curve: precision and recall if the tag is predicted from this probability up. */
export interface PrecisionRecall {
  threshold: number;
  /** Tiles from there up, and those of them that have the tag. */
  predicted: number;
  hits: number;
  precision: number;
  recall: number;
}

/**
 * Sum over thresholds of (recall gained) x (precision there): scikit-learn's `average_precision_score`, equal probabilities counting as
 * one threshold. Null if no tile has the tag.
 */
export function averagePrecision(probabilities: Float32Array, labels: LabelMatrix, tag: number): number | null {
  return areaUnder(precisionRecallCurve(probabilities, labels, tag));
}

/** The average precision of a curve; null for an empty one. */
export function areaUnder(curve: readonly PrecisionRecall[]): number | null {
  if (curve.length === 0) return null;
  let [sum, before] = [0, 0];
  for (const { precision, recall } of curve) {
    sum += (recall - before) * precision;
    before = recall;
  }
  return sum;
}

/** The curve of column `tag`, from the highest probability to the lowest; empty if no tile has the tag. */
export function precisionRecallCurve(probabilities: Float32Array, labels: LabelMatrix, tag: number): PrecisionRecall[] {
  const numTags = labels.tags.length;
  const order = rankRows(probabilities, labels.rows, numTags, tag);
  const support = order.reduce((sum, row) => sum + labels.data[row * numTags + tag], 0);
  const curve: PrecisionRecall[] = [];
  let hits = 0;
  order.forEach((row, rank) => {
    hits += labels.data[row * numTags + tag];
    const threshold = probabilities[row * numTags + tag];
    const next = order[rank + 1];
    if (next === undefined || probabilities[next * numTags + tag] !== threshold) {
      curve.push({ threshold, predicted: rank + 1, hits, precision: hits / (rank + 1), recall: hits / support });
    }
  });
  return support === 0 ? [] : curve;
}

/** Rows by falling value of column `column` of `[rows, columns]`; equal values in row order. */
export function rankRows(values: Float32Array, rows: number, columns: number, column: number): Uint32Array {
  return allRows(rows).sort((a, b) => values[b * columns + column] - values[a * columns + column] || a - b);
}
