/**
 * Calibration: probabilities that mean what they say. Platt scaling per tag, `a logit + b` (Platt 1999), pulled towards
 * the identity so that rare tags do not overfit, or one temperature for all tags (Guo et al. 2017). Both are affine, so
 * they fold into head and thresholds and change no decision.
 */
import { type Head, logit, sigmoid } from "../head/head.js";
import { fitLogistic, SMALLEST_SLOPE } from "../head/logistic.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";

export const CALIBRATIONS = ["platt", "temperature", "none"] as const;
export type CalibrationName = (typeof CALIBRATIONS)[number];

export interface Calibration {
  /** `[tags]` */
  slope: Float64Array;
  /** `[tags]` */
  offset: Float64Array;
}

/** Weight of the pull towards slope 1 and offset 0, in tiles. */
const PRIOR = 2;
const NEWTON_STEPS = 25;

/** Fits on out-of-fold `logits` `[labels.rows, tags]`; "none" is the identity. */
export function fitCalibration(logits: Float32Array, labels: LabelMatrix, kind: CalibrationName): Calibration {
  const identity = {
    slope: new Float64Array(labels.tags.length).fill(1),
    offset: new Float64Array(labels.tags.length),
  };
  if (kind === "none") return identity;
  if (kind === "temperature") return { ...identity, slope: identity.slope.fill(fitTemperature(logits, labels)) };
  const numTags = labels.tags.length;
  const column = <T extends Float32Array | Uint8Array>(data: T, tag: number) =>
    data.filter((_, cell) => cell % numTags === tag);
  const fitted = labels.tags.map((_, tag) => fitLogistic(column(logits, tag), column(labels.data, tag)));
  return {
    slope: Float64Array.from(fitted, ({ slope }) => slope),
    offset: Float64Array.from(fitted, ({ offset }) => offset),
  };
}

/** The head whose logits are the calibrated ones. */
export function foldCalibration(head: Head, { slope, offset }: Calibration): Head {
  const weight = head.weight.map((value, i) => value * slope[i % head.numTags]);
  return { ...head, weight, bias: head.bias.map((value, tag) => value * slope[tag] + offset[tag]) };
}

/** Thresholds that give the same decisions on calibrated probabilities as `thresholds` on uncalibrated ones. */
export function moveThresholds(thresholds: Float32Array, { slope, offset }: Calibration): Float32Array {
  return thresholds.map((threshold, tag) => sigmoid(slope[tag] * logit(threshold) + offset[tag]));
}

/** Calibrated logits, `[rows, tags]`. */
export function calibrate(logits: Float32Array, { slope, offset }: Calibration): Float32Array {
  return logits.map((z, cell) => slope[cell % slope.length] * z + offset[cell % slope.length]);
}

/** The slope for all tags, by Newton's method: the objective is convex in it. */
function fitTemperature(logits: Float32Array, labels: LabelMatrix): number {
  let slope = 1;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    let [gradient, curvature] = [PRIOR * (slope - 1), PRIOR];
    logits.forEach((z, cell) => {
      const p = sigmoid(slope * z);
      gradient += (p - labels.data[cell]) * z;
      curvature += p * (1 - p) * z * z;
    });
    slope = Math.max(slope - gradient / curvature, SMALLEST_SLOPE);
  }
  return slope;
}
