/** Training on some tiles of a set, with one or several variants of each. */
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { kFold } from "../tiles/split.js";
import type { HeadConfig } from "./config.js";
import { L2_FOLDS } from "./regularization.js";
import { trainHead } from "./train.js";
import type { TrainedHead, TrainHeadOptions } from "./trained-head.js";
import { type FeatureVariants, trainingFolds, trainingRows, type VariantUse } from "./variants.js";

interface TrainTilesOptions extends Omit<TrainHeadOptions, "folds" | "views" | "tiles">, VariantUse {
  /** Decides the folds that choose an automatic L2. */
  seed: number;
}

/** Trains on the tiles `rows`, with all their variants if `augment` says so; an automatic L2 keeps a tile's variants in one fold. */
export async function trainOnTiles(
  variants: FeatureVariants,
  labels: LabelMatrix,
  rows: Uint32Array,
  config: HeadConfig,
  { augment, tta, seed, ...options }: TrainTilesOptions,
): Promise<TrainedHead> {
  const seen = trainingRows(variants, labels, rows, { augment });
  const choosesL2 = config.optimizer === "lbfgs" && config.l2 === "auto" && rows.length >= L2_FOLDS;
  const folds = choosesL2 && {
    folds: trainingFolds(kFold(selectLabels(labels, rows), L2_FOLDS, seed), seen.labels.rows),
  };
  const views = tta === "d4" ? seen.labels.rows / rows.length : 1;
  return trainHead(seen.features, seen.labels, config, { ...options, views, tiles: rows.length, ...folds });
}
