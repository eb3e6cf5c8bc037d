/**
 * Readout: from logits to tags. Calibration makes probabilities mean what they say, those of exclusive groups are
 * divided by their sum, thresholds decide. All of it is fitted on logits of tiles that the weights have not seen.
 */
import { sigmoid } from "../head/head.js";
import { decide, tileFBetas } from "../head/metrics.js";
import { normalizeExclusive, toExclusiveColumns } from "../tags/exclusive.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { type Calibration, type CalibrationName, calibrate, fitCalibration, moveThresholds } from "./calibration.js";
import { findExclusive } from "./find-exclusive.js";
import type { UnseenLogits } from "./fitted-weights.js";
import { leaveOneOut, scatterRows, selectRows } from "./rows.js";
import { fitThresholds, type ThresholdOptions } from "./thresholds.js";

export interface ReadoutOptions extends ThresholdOptions {
  /** Platt scaling by tag, or one temperature for all. @default "none" */
  calibrate?: CalibrationName;
  /**
   * Groups of tag names of which a tile has exactly one, kept only if that improves the score out of fold; "auto" finds
   * them in the labels.
   * @default []
   */
  exclusive?: "auto" | readonly (readonly string[])[];
}

/** Columns of the tags of each exclusive group. */
export type ExclusiveColumns = readonly (readonly number[])[];

interface Readout {
  calibration: Calibration;
  exclusive: ExclusiveColumns;
  /** `[tags]` */
  thresholds: Float32Array;
}

/** Each tile under a readout that was fitted on the other folds. */
export interface CrossFitted {
  /** `[rows, tags]` */
  probabilities: Float32Array;
  /** `[rows, tags]`, 0 or 1 */
  decisions: Uint8Array;
}

export interface ChosenExclusive {
  /** The groups that were kept. */
  exclusive: ExclusiveColumns;
  /** F-beta gained by exclusive groups, kept or not; null if none were given or found. */
  exclusiveGain: number | null;
  crossFitted: CrossFitted;
}

/** Tries the exclusive groups of `options`. @throws InputError for groups of unknown tags */
export function chooseExclusive(unseen: UnseenLogits, options: ReadoutOptions): ChosenExclusive {
  const { labels } = unseen;
  const { exclusive = [], beta = 2 } = options;
  const groups = exclusive === "auto" ? findExclusive(labels) : toExclusiveColumns(exclusive, labels.tags);
  const without = crossFitReadout(unseen, [], options);
  if (groups.length === 0) return { exclusive: [], exclusiveGain: null, crossFitted: without };
  const shared = crossFitReadout(unseen, groups, options);
  const before = tileFBetas(without.decisions, labels, beta);
  const gains = tileFBetas(shared.decisions, labels, beta).map((score, row) => score - before[row]);
  const exclusiveGain = gains.reduce((sum, each) => sum + each, 0) / gains.length;
  return exclusiveGain > 0
    ? { exclusive: groups, exclusiveGain, crossFitted: shared }
    : { exclusive: [], exclusiveGain, crossFitted: without };
}

/** Fits on unseen `logits` `[labels.rows, tags]`. */
export function fitReadout(
  logits: Float32Array,
  labels: LabelMatrix,
  exclusive: ExclusiveColumns,
  options: ReadoutOptions,
): Readout {
  const calibration = fitCalibration(logits, labels, options.calibrate ?? "none");
  if (exclusive.length === 0) {
    // Fitted before calibration and moved with it, so that calibration changes no decision.
    const { thresholds } = fitThresholds(logits.map(sigmoid), labels, options);
    return { calibration, exclusive, thresholds: moveThresholds(thresholds, calibration) };
  }
  const probabilities = readProbabilities({ calibration, exclusive }, logits);
  return { calibration, exclusive, thresholds: fitThresholds(probabilities, labels, options).thresholds };
}

/** Probabilities for `logits` `[rows, tags]`. */
export function readProbabilities(
  { calibration, exclusive }: Pick<Readout, "calibration" | "exclusive">,
  logits: Float32Array,
): Float32Array {
  return normalizeExclusive(calibrate(logits, calibration).map(sigmoid), calibration.slope.length, exclusive);
}

function crossFitReadout(
  { logits, labels, folds }: UnseenLogits,
  exclusive: ExclusiveColumns,
  options: ReadoutOptions,
): CrossFitted {
  const numTags = labels.tags.length;
  const probabilities = new Float32Array(logits.length);
  const decisions = new Uint8Array(logits.length);
  for (const { others, own } of leaveOneOut(folds)) {
    const readout = fitReadout(selectRows(logits, numTags, others), selectLabels(labels, others), exclusive, options);
    const read = readProbabilities(readout, selectRows(logits, numTags, own));
    scatterRows(probabilities, numTags, own, read);
    scatterRows(decisions, numTags, own, decide(read, readout.thresholds));
  }
  return { probabilities, decisions };
}
