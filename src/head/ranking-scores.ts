/** Scores of one tag that need no threshold: how well its values put tiles that have it before the others. */
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { areaUnder, type PrecisionRecall, precisionRecallCurve } from "./average-precision.js";

export interface RankingScores {
  /** Area under the precision-recall curve; null if no tile has the tag. */
  averagePrecision: number | null;
  /** Area under the ROC curve; null if no tile or every tile has the tag. */
  rocAuc: number | null;
  /** The best precision that still finds 90% of the tiles; null if no tile has the tag. */
  precisionAtRecall90: number | null;
}

const RECALL = 0.9;

/** Of column `tag` of `values` `[labels.rows, tags]`. */
export function rankingScores(values: Float32Array, labels: LabelMatrix, tag: number): RankingScores {
  const curve = precisionRecallCurve(values, labels, tag);
  const precisions = curve.filter(({ recall }) => recall >= RECALL - 1e-9).map(({ precision }) => precision);
  return {
    averagePrecision: areaUnder(curve),
    rocAuc: rocAuc(curve),
    precisionAtRecall90: precisions.length === 0 ? null : precisions.reduce((a, b) => Math.max(a, b)),
  };
}

/** The share of pairs of a tile with the tag and one without in which the first has the greater value; equal ones count half (Mann-Whitney). */
function rocAuc(curve: readonly PrecisionRecall[]): number | null {
  const end = curve.at(-1);
  if (end === undefined || end.predicted === end.hits) return null;
  let [pairs, hitsBefore, alarmsBefore] = [0, 0, 0];
  for (const { hits, predicted } of curve) {
    const alarms = predicted - hits;
    pairs += ((hits + hitsBefore) / 2) * (alarms - alarmsBefore);
    [hitsBefore, alarmsBefore] = [hits, alarms];
  }
  return pairs / (end.hits * (end.predicted - end.hits));
}
