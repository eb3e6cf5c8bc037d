/** What fitting a head by L-BFGS costs, told before it begins. */
import type { LbfgsConfig } from "../head/config.js";
import { countHeldOut } from "../head/regularization.js";
import { MOST_SEARCHED } from "../head/train-tiles.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";

export interface HeadWork {
  labels: LabelMatrix;
  numFeatures: number;
  /** Rows of a tile: 8 with all its flips and turns. */
  variants: number;
  /** Heads that are fitted: for each fold, for the history, and the final one. */
  trainings: number;
  l2: LbfgsConfig["l2"];
}

/**
 * Seconds of processor time for a row, a feature and a tag: measured with 2,400 generated tiles of 2,192 features and
 * 17 tags under AVX-512. In the search each fold is solved along several strengths of the penalty.
 */
const SOLVE_SECONDS = 3e-8;
const SEARCH_SECONDS = 6e-8;
/** What takes less is not worth a line. */
const WORTH_TELLING = 20;

/** Processor time of all trainings, in seconds; other processors may need several times as much. */
export function estimateHeadSeconds({ labels, numFeatures, variants, trainings, l2 }: HeadWork): number {
  const cells = (rows: number): number => rows * Math.min(numFeatures, rows) * labels.tags.length;
  const one = (tiles: number): number => {
    const solve = cells(tiles * variants) * SOLVE_SECONDS;
    if (l2 !== "auto") return solve;
    const searched = Math.min(tiles, MOST_SEARCHED);
    const rows = searched * variants;
    return solve + countHeldOut(searched, rows) * cells(rows) * SEARCH_SECONDS;
  };
  // All but the final one leave a fifth out.
  return (trainings - 1) * one(0.8 * labels.rows) + one(labels.rows);
}

/** A sentence for those who wait; undefined if there is little to wait for. */
export function describeHeadCost(work: HeadWork): string | undefined {
  const seconds = estimateHeadSeconds(work);
  if (seconds < WORTH_TELLING) return undefined;
  const time = seconds < 100 ? `${Math.round(seconds / 10) * 10} s` : `${Math.round(seconds / 60)} min`;
  const rows = work.labels.rows * work.variants;
  const search = work.l2 === "auto" ? ", each time with a search of its penalty, which a given `l2` spares" : "";
  return `The head is fitted ${work.trainings} times on up to ${rows} rows${search}: about ${time} of processor time.`;
}
