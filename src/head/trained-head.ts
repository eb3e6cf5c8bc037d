/** What a training of the head takes beside features, labels and configuration, and what it returns. */
import type { LabelMatrix } from "../tiles/label-matrix.js";
import type { GradientConfig } from "./config.js";
import type { FeatureMatrix } from "./feature-matrix.js";
import type { Head } from "./head.js";
import type { HistoryRow } from "./history.js";
import type { StepperKind, StepState } from "./stepper.js";

export interface TrainHeadOptions {
  /** Held-out tiles, scored after each epoch. */
  validation?: { features: FeatureMatrix; labels: LabelMatrix };
  /** Aborting stops after the running epoch and returns the head so far, with `completed` false. */
  signal?: AbortSignal;
  /** Called after each epoch (each iteration of L-BFGS). */
  onEpoch?: (row: HistoryRow) => void;
  /** Goes on from an interrupted training, bit for bit as if it had never stopped. Gradient optimisers only. */
  resumeFrom?: TrainState;
  /** Weights to start from. @default Glorot-uniform from the seed; zeros for L-BFGS, whose optimum does not depend on them */
  initial?: Head;
  /** What does the steps. @default "native" if the addon is built, else "onnx" */
  stepper?: StepperKind;
  /** `[rows]`, 1 for rows that are not trained on: how tiles are held out of features too many to copy. Gradient optimisers only. */
  leaveOut?: Uint8Array;
  /** `[rows]` fold of each row, for an automatic L2: rows of one tile belong in one fold. @default stratified by the seed */
  folds?: Uint8Array;
  /**
   * The rows are this many blocks of the same tiles. An automatic L2 is judged by the mean logits of a tile's rows.
   * @default 1
   */
  views?: number;
  /** Tiles that the rows are of, for an automatic L2. @default rows / `views` */
  tiles?: number;
  /** Threads of the native kernels. @default the number of CPUs */
  threads?: number;
}

export interface TrainedHead {
  /** For raw features: standardisation is folded in. */
  head: Head;
  history: HistoryRow[];
  /** False if the signal stopped it. */
  completed: boolean;
  /** What `resumeFrom` takes; absent for L-BFGS. */
  state?: TrainState;
  /** The penalty that L-BFGS used, given or chosen. */
  l2?: number;
}

/**
 * The state of a training by mini-batches after an epoch: all that is needed to go on. The order of tiles follows from
 * seed and epoch.
 */
export interface TrainState extends StepState {
  /** Epochs done. */
  epoch: number;
  config: GradientConfig;
  history: HistoryRow[];
}
