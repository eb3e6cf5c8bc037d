/** Cross-validation: for every tile the probabilities of a head that has not seen it. */
import { InterruptedError } from "../errors.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { kFold, rowsWhere } from "../tiles/split.js";
import type { HeadConfig } from "./config.js";
import type { FeatureMatrix } from "./feature-matrix.js";
import { computeLogits } from "./logits.js";
import { L2_FOLDS } from "./regularization.js";
import { trainHead } from "./train.js";
import type { TrainState } from "./train-state.js";
import type { TrainedHead, TrainHeadOptions } from "./trained-head.js";
import {
  type FeatureVariants,
  scoringRows,
  toVariants,
  trainingFolds,
  trainingRows,
  type VariantUse,
} from "./variants.js";

export interface CrossValidateOptions extends Partial<VariantUse> {
  signal?: AbortSignal;
  threads?: number;
  /** Called after each fold with the number of folds done. */
  onFold?: (done: number) => void;
  /**
   * States of gradient optimisers, by fold: kept up to date here, also when the signal stops it; given again, training goes on from
   * there. @default []
   */
  states?: (TrainState | undefined)[];
}

export interface OutOfFold {
  /** `[rows, tags]` float32: each row by the head trained on the other folds. */
  logits: Float32Array;
  /** Fold of each row. */
  folds: Uint8Array;
}

/**
 * Out-of-fold logits of all rows, from `folds` stratified folds. Everything learnt, standardisation and an automatic L2 included, is
 * learnt without the fold in question. `features` may be a list: variants of the same tiles.
 *
 * @throws InterruptedError where the signal stops it
 */
export async function crossValidate(
  features: FeatureMatrix | readonly FeatureMatrix[],
  labels: LabelMatrix,
  config: HeadConfig,
  folds: number,
  seed: number,
  options: CrossValidateOptions = {},
): Promise<OutOfFold> {
  const { augment = "none", tta = "none", onFold, states = [], ...running } = options;
  const variants = toVariants(features, labels.rows);
  const foldOf = kFold(labels, folds, seed);
  const numTags = labels.tags.length;
  const logits = new Float32Array(labels.rows * numTags);
  for (let fold = 0; fold < folds; fold++) {
    const training = rowsWhere(foldOf, (each) => each !== fold);
    const trained = await trainOnTiles(
      variants,
      labels,
      training,
      config,
      { ...running, augment, tta, seed },
      states[fold],
    );
    if (trained.state !== undefined) states[fold] = trained.state;
    if (options.signal?.aborted) throw new InterruptedError();
    const { head } = trained;
    const rows = rowsWhere(foldOf, (each) => each === fold);
    const own = await computeLogits(head, scoringRows(variants, rows, { tta }), options.threads);
    scatterRows(logits, numTags, rows, own);
    onFold?.(fold + 1);
  }
  return { logits, folds: foldOf };
}

/** Trains on the tiles `rows`, with all their variants if `augment` says so; an automatic L2 keeps a tile's variants in one fold. */
export async function trainOnTiles(
  variants: FeatureVariants,
  labels: LabelMatrix,
  rows: Uint32Array,
  config: HeadConfig,
  { augment, tta, seed, ...options }: TrainHeadOptions & VariantUse & { seed: number },
  resumeFrom?: TrainState,
): Promise<TrainedHead> {
  const seen = trainingRows(variants, labels, rows, { augment });
  const choosesL2 = config.optimizer === "lbfgs" && config.l2 === "auto" && rows.length >= L2_FOLDS;
  const folds = choosesL2 && {
    folds: trainingFolds(kFold(selectLabels(labels, rows), L2_FOLDS, seed), seen.labels.rows),
  };
  const views = tta === "d4" ? seen.labels.rows / rows.length : 1;
  return trainHead(seen.features, seen.labels, config, {
    ...options,
    views,
    ...folds,
    ...(resumeFrom && { resumeFrom }),
  });
}

/** Rows of `[rows, columns]` float32, copied, in the order of `indices`. */
export function selectRows(values: Float32Array, columns: number, indices: ArrayLike<number>): Float32Array {
  const selected = new Float32Array(indices.length * columns);
  for (let i = 0; i < indices.length; i++) {
    selected.set(values.subarray(indices[i] * columns, (indices[i] + 1) * columns), i * columns);
  }
  return selected;
}

/** For each fold the rows to fit on (all others) and those to apply to. */
export function* foldRows(folds: Uint8Array): Generator<{ seen: Uint32Array; rows: Uint32Array }> {
  for (const fold of new Set(folds)) {
    yield { seen: rowsWhere(folds, (each) => each !== fold), rows: rowsWhere(folds, (each) => each === fold) };
  }
}

/** Puts `values` `[rows.length, columns]` where `rows` say. */
export function scatterRows<T extends Float32Array | Uint8Array>(
  target: T,
  columns: number,
  rows: Uint32Array,
  values: T,
): void {
  rows.forEach((row, i) => {
    target.set(values.subarray(i * columns, (i + 1) * columns), row * columns);
  });
}
