/**
 * Training of the head: features and labels in, a head and its history out. One loop for mini-batch descent; L-BFGS has its own file.
 */
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { checkHeadConfig, type HeadConfig } from "./config.js";
import type { FeatureMatrix, FeatureSource } from "./feature-matrix.js";
import { trainByGradient } from "./gradient.js";
import type { Head } from "./head.js";
import type { HistoryRow } from "./history.js";
import { trainByLbfgs } from "./lbfgs.js";
import type { StepperKind } from "./stepper.js";
import type { TrainState } from "./train-state.js";

export interface TrainOptions {
  /** Held-out tiles, scored after each epoch. */
  validation?: { features: FeatureMatrix; labels: LabelMatrix };
  /** Aborting stops after the running epoch; what comes back is the head so far, with `completed` false. */
  signal?: AbortSignal;
  /** Called after each epoch (each iteration of L-BFGS). */
  onEpoch?: (row: HistoryRow) => void;
  /** Goes on from an interrupted training, bit for bit as if it had never stopped. Gradient optimisers only. */
  resumeFrom?: TrainState;
  /** Weights to start from. @default Glorot-uniform from the seed; zeros for L-BFGS, whose optimum does not depend on them */
  initial?: Head;
  /** Who does the steps. @default "native" where the addon is built, else "onnx" */
  stepper?: StepperKind;
  /** `[rows]`, 1 for rows that are not trained on: how tiles are held out of features too many to copy. Gradient optimisers only. */
  leaveOut?: Uint8Array;
  /** `[rows]` fold of each row, for an automatic L2: rows of one tile belong in one fold. @default stratified by the seed */
  folds?: Uint8Array;
  /** The rows are this many blocks of the same tiles, to be scored by their mean: an automatic L2 is judged so. @default 1 */
  views?: number;
  /** @default the number of CPUs */
  threads?: number;
}

export interface TrainedHead {
  /** For raw features: standardisation is folded in. */
  head: Head;
  history: HistoryRow[];
  /** False where the signal stopped it. */
  completed: boolean;
  /** What `resumeFrom` takes; absent for L-BFGS. */
  state?: TrainState;
  /** The penalty L-BFGS used, given or chosen. */
  l2?: number;
}

/**
 * Trains a head on `features` and `labels`, row by row. Mini-batch descent equals Keras 3; L-BFGS goes to convergence. The same
 * configuration gives the same bits on the same machine, whatever the number of threads.
 */
export async function trainHead(
  features: FeatureMatrix | FeatureSource,
  labels: LabelMatrix,
  config: HeadConfig,
  options: TrainOptions = {},
): Promise<TrainedHead> {
  checkHeadConfig(config);
  if (features.rows !== labels.rows || features.rows === 0) {
    throw new RangeError(`Expected as many rows of features as of labels, got ${features.rows} and ${labels.rows}.`);
  }
  return config.optimizer === "lbfgs"
    ? trainByLbfgs(features, labels, config, options)
    : trainByGradient(features, labels, config, options);
}
