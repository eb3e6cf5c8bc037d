/**
 * What may be put behind a head, and whether it helps tiles it has not seen: stacking and exclusive groups, judged on out-of-fold logits
 * by readouts fitted on other folds.
 */

import { tileScores } from "../head/bootstrap.js";
import { foldRows, scatterRows, selectRows } from "../head/cross-validate.js";
import type { Head } from "../head/head.js";
import { toExclusiveColumns } from "../tags/exclusive.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { foldCalibration } from "./calibration.js";
import { findExclusive } from "./find-exclusive.js";
import { type CrossFitted, crossFitReadout, fitReadout, type ReadoutOptions } from "./readout.js";
import { applyStacking, fitStacking, foldStacking } from "./stacking.js";

export interface RefineOptions extends Omit<ReadoutOptions, "exclusive"> {
  /** "auto" tries a second layer over all tags' logits, kept only where cross-validation says that it helps. @default "none" */
  stacking?: "auto" | "none";
  /**
   * Groups of tag names of which a tile has exactly one, kept only where cross-validation says that they help; "auto" finds them in the
   * labels. @default []
   */
  exclusive?: "auto" | readonly (readonly string[])[];
}

/** What was tried and what became of it. */
export interface Refinement {
  /** Penalty of the stacking layer; undefined where there is none. */
  stackingL2: number | undefined;
  /** Columns of the groups that were kept. */
  exclusive: number[][];
  /** F-beta won by exclusive groups, kept or not; null where none were given or found. */
  exclusiveGain: number | null;
  /** `[rows, tags]` out-of-fold logits, each row stacked by a layer that has not seen it. */
  logits: Float32Array;
  /** Each row under a readout fitted on the other folds. */
  crossFitted: CrossFitted;
}

const PENALTIES = [0.01, 0.1, 1];
/** F-beta that stacking must gain to be kept, beside one standard error of the gain: less is luck. */
const SMALLEST_GAIN = 0.001;

/** Tries what `options` allow on out-of-fold `logits` `[labels.rows, tags]`. @throws InputError for groups of unknown tags */
export function chooseRefinement(
  logits: Float32Array,
  labels: LabelMatrix,
  folds: Uint8Array,
  options: RefineOptions,
): Refinement {
  const { stacking = "none", exclusive = [], ...readout } = options;
  const groups = exclusive === "auto" ? findExclusive(labels) : toExclusiveColumns(exclusive, labels.tags);
  const crossFit = (values: Float32Array, columns: number[][]) =>
    crossFitReadout(values, labels, folds, { ...readout, exclusive: columns });
  const gainOf = (after: CrossFitted, before: CrossFitted) => compare(after, before, labels, options.beta);
  let best: Refinement = {
    stackingL2: undefined,
    exclusive: [],
    exclusiveGain: null,
    logits,
    crossFitted: crossFit(logits, []),
  };
  const plain = best.crossFitted;
  let most = SMALLEST_GAIN;
  for (const stackingL2 of stacking === "auto" ? PENALTIES : []) {
    const stacked = crossFitStacking(logits, labels, folds, stackingL2);
    const crossFitted = crossFit(stacked, []);
    const { gain, error } = gainOf(crossFitted, plain);
    if (gain < most || gain < error) continue;
    most = gain;
    best = { ...best, stackingL2, logits: stacked, crossFitted };
  }
  if (groups.length === 0) return best;
  const crossFitted = crossFit(best.logits, groups);
  const { gain } = gainOf(crossFitted, best.crossFitted);
  return gain > 0 ? { ...best, exclusive: groups, exclusiveGain: gain, crossFitted } : { ...best, exclusiveGain: gain };
}

export interface RefinedHead {
  head: Head;
  /** `[tags]` */
  thresholds: Float32Array;
}

/** `head` with everything linear folded in, and its thresholds, fitted on the out-of-fold logits of `rows`. */
export function refineHead(
  head: Head,
  rows: Uint32Array,
  logits: Float32Array,
  labels: LabelMatrix,
  { stackingL2, exclusive, logits: stacked }: Refinement,
  options: RefineOptions,
): RefinedHead {
  const numTags = labels.tags.length;
  const seen = selectLabels(labels, rows);
  const whole =
    stackingL2 === undefined
      ? head
      : foldStacking(head, fitStacking(selectRows(logits, numTags, rows), seen, stackingL2));
  const { calibration, thresholds } = fitReadout(selectRows(stacked, numTags, rows), seen, { ...options, exclusive });
  return { head: foldCalibration(whole, calibration), thresholds };
}

function crossFitStacking(logits: Float32Array, labels: LabelMatrix, folds: Uint8Array, l2: number): Float32Array {
  const numTags = labels.tags.length;
  const stacked = new Float32Array(logits.length);
  for (const { seen, rows } of foldRows(folds)) {
    const layer = fitStacking(selectRows(logits, numTags, seen), selectLabels(labels, seen), l2);
    scatterRows(stacked, numTags, rows, applyStacking(selectRows(logits, numTags, rows), layer));
  }
  return stacked;
}

/** Mean gain in F-beta of a tile, and its standard error. */
function compare(after: CrossFitted, before: CrossFitted, labels: LabelMatrix, beta = 2) {
  const old = tileScores(before.decisions, labels, beta);
  const gains = tileScores(after.decisions, labels, beta).map((score, row) => score - old[row]);
  const gain = gains.reduce((sum, each) => sum + each, 0) / gains.length;
  const variance = gains.reduce((sum, each) => sum + (each - gain) ** 2, 0) / gains.length;
  return { gain, error: Math.sqrt(variance / gains.length) };
}
