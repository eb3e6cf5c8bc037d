/** Stepper: does the optimiser steps. */
import type { NativeFeatures } from "../addon.js";
import type { EpochSums } from "./loss.js";

/** A head in training, changed in place by steps. */
export interface StepState {
  /** `[numFeatures, numTags]` */
  weight: Float32Array;
  /** `[numTags]` */
  bias: Float32Array;
  /** What the optimiser keeps: each moment is weight `[numFeatures, numTags]`, then bias `[numTags]`; see `momentCount`. */
  moments: Float32Array[];
  /** Steps done so far. */
  iterations: number;
}

export interface Stepper {
  readonly kind: StepperKind;
  /**
   * One step per `batchSize` rows of `order` (the last may be smaller); `labels` is `[features.rows, numTags]`. The arrays belong to
   * the stepper until the promise settles.
   */
  run(state: StepState, features: NativeFeatures, labels: Uint8Array, order: Uint32Array): Promise<EpochSums>;
  close(): Promise<void>;
}

export const STEPPER_KINDS = ["native", "onnx"] as const;
export type StepperKind = (typeof STEPPER_KINDS)[number];

/** What a stepper needs beside the configuration. */
export interface StepperShape {
  numFeatures: number;
  numTags: number;
}
