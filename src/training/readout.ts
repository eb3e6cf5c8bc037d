/**
 * Readout: from a head's logits to tags. Calibration makes probabilities mean what they say, exclusive groups share theirs out, thresholds
 * decide. All of it is fitted on out-of-fold logits.
 */
import { foldRows, scatterRows, selectRows } from "../head/cross-validate.js";
import { sigmoid } from "../head/head.js";
import { decide } from "../head/metrics.js";
import { normalizeExclusive } from "../tags/exclusive.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { type Calibration, type CalibrationName, calibrate, fitCalibration, moveThresholds } from "./calibration.js";
import { fitThresholds, type ThresholdOptions } from "./thresholds.js";

export interface ReadoutOptions extends ThresholdOptions {
  /** Platt scaling by tag, or one temperature for all. @default "none" */
  calibrate?: CalibrationName;
  /** Columns of tags of which a tile has exactly one. @default [] */
  exclusive?: readonly (readonly number[])[];
}

export interface Readout {
  calibration: Calibration;
  exclusive: readonly (readonly number[])[];
  /** `[tags]` */
  thresholds: Float32Array;
}

export interface CrossFitted {
  /** `[rows, tags]` */
  probabilities: Float32Array;
  /** `[rows, tags]`, 0 or 1 */
  decisions: Uint8Array;
}

/** Fits on out-of-fold `logits` `[labels.rows, tags]`. */
export function fitReadout(logits: Float32Array, labels: LabelMatrix, options: ReadoutOptions = {}): Readout {
  const { calibrate: kind = "none", exclusive = [] } = options;
  const calibration = fitCalibration(logits, labels, kind);
  if (exclusive.length === 0) {
    // Fitted before calibration and moved with it: calibration is to change no decision.
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

/** Probabilities and tags of each row by a readout that was fitted on the other folds. */
export function crossFitReadout(
  logits: Float32Array,
  labels: LabelMatrix,
  folds: Uint8Array,
  options: ReadoutOptions,
): CrossFitted {
  const numTags = labels.tags.length;
  const probabilities = new Float32Array(logits.length);
  const decisions = new Uint8Array(logits.length);
  for (const { seen, rows } of foldRows(folds)) {
    const readout = fitReadout(selectRows(logits, numTags, seen), selectLabels(labels, seen), options);
    const own = readProbabilities(readout, selectRows(logits, numTags, rows));
    scatterRows(probabilities, numTags, rows, own);
    scatterRows(decisions, numTags, rows, decide(own, readout.thresholds));
  }
  return { probabilities, decisions };
}
