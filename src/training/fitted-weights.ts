/** The options of the fit of a model's weights, and what it passes on to the readout. */
import type { Head } from "../head/head.js";
import type { HistoryRow } from "../head/history.js";
import type { TrainedHead } from "../head/trained-head.js";
import type { VariantUse } from "../head/variants.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import type { Split } from "../tiles/split.js";
import type { TrainingName, TrainingsOptions } from "./trainings.js";

export interface FitOptions extends Partial<VariantUse>, TrainingsOptions {
  /** Share of tiles held out for the history and `holdOut`; 0 for none. @default 0.2 */
  holdOut?: number;
  /** The tiles to hold out instead, ascending: no training sees them, not even the final one. */
  validation?: Uint32Array | undefined;
  /** Folds of the cross-validation that the readout is fitted on. @default 5 */
  folds?: number;
  /** Decides split and folds. @default 1 */
  seed?: number;
}

/** Logits of tiles under weights that have not seen them. A readout is fitted and scored on nothing else. */
export interface UnseenLogits {
  /** Rows of these tiles among the labelled ones, ascending. */
  rows: Uint32Array;
  /** `[rows, tags]` */
  logits: Float32Array;
  /** Of these rows. */
  labels: LabelMatrix;
  /** `[rows]` fold of each: a readout fitted on the other folds is scored on it. */
  folds: Uint8Array;
  /** All tiles out of fold, or those that were held out from a single training. */
  measuredOn: "out-of-fold" | "hold-out";
}

/** A head, and the penalty that L-BFGS used for it. */
export type PenalizedHead = Pick<TrainedHead, "head" | "l2">;

export interface FittedWeights {
  head: Head;
  /** The heads of all trainings, with their penalties; that of "fold 1" and so on has not seen the tiles of its fold. */
  heads: ReadonlyMap<TrainingName, PenalizedHead>;
  /** The penalty L-BFGS used for `head`, given or chosen. */
  l2?: number;
  /** Of the training on the tiles that were not held out. */
  history: HistoryRow[];
  split: Split;
  unseen: UnseenLogits;
  /** `[held-out rows, tags]` under the weights of the history; absent if there are none, or if `unseen` has them. */
  heldOutLogits?: Float32Array;
}
