/** Training on some tiles of a set, with one or several variants of each. */
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { kFold, sampleRows } from "../tiles/split.js";
import type { HeadConfig, LbfgsConfig } from "./config.js";
import { choosePenalty } from "./lbfgs.js";
import { L2_FOLDS } from "./regularization.js";
import { trainHead } from "./train.js";
import type { TrainedHead, TrainHeadOptions } from "./trained-head.js";
import { type FeatureVariants, trainingFolds, trainingRows, type VariantUse } from "./variants.js";

interface TrainTilesOptions extends Omit<TrainHeadOptions, "folds" | "views" | "tiles">, VariantUse {
  /** Decides the folds that choose an automatic L2. */
  seed: number;
}

/** Of more tiles a penalty is chosen on a sample of so many: all would hardly choose better, and cost their share. */
export const MOST_SEARCHED = 4000;

/** Trains on the tiles `rows`, with all their variants if `augment` says so; an automatic L2 keeps a tile's variants in one fold. */
export async function trainOnTiles(
  variants: FeatureVariants,
  labels: LabelMatrix,
  rows: Uint32Array,
  config: HeadConfig,
  options: TrainTilesOptions,
): Promise<TrainedHead> {
  const { augment, tta, seed, ...running } = options;
  const seen = trainingRows(variants, labels, rows, { augment });
  if (config.optimizer !== "lbfgs" || config.l2 !== "auto")
    return trainHead(seen.features, seen.labels, config, running);
  if (rows.length <= MOST_SEARCHED) {
    const search = searchOptions(labels, rows, seen.labels.rows, options);
    return trainHead(seen.features, seen.labels, config, { ...running, ...search });
  }
  const l2 = await searchSample(variants, labels, rows, config, options);
  return trainHead(seen.features, seen.labels, { ...config, l2 }, running);
}

/**
 * The penalty for the tiles `rows`, chosen on a stratified sample of them. It stands beside the mean loss of a tile, and all tiles
 * together outweigh it: of k times as many tiles, the same weights need a kth of it.
 */
async function searchSample(
  variants: FeatureVariants,
  labels: LabelMatrix,
  rows: Uint32Array,
  config: LbfgsConfig,
  options: TrainTilesOptions,
): Promise<number> {
  const places = sampleRows(selectLabels(labels, rows), MOST_SEARCHED, options.seed);
  const sample = places.map((place) => rows[place]);
  const seen = trainingRows(variants, labels, sample, options);
  const search = searchOptions(labels, sample, seen.labels.rows, options);
  const l2 = await choosePenalty(seen.features, seen.labels, config, { ...options, ...search });
  return (l2 * sample.length) / rows.length;
}

/** How the penalty is chosen where each of the tiles `rows` has one row in `count`, or several. */
function searchOptions(
  labels: LabelMatrix,
  rows: Uint32Array,
  count: number,
  { tta, seed }: TrainTilesOptions,
): Pick<TrainHeadOptions, "folds" | "views" | "tiles"> {
  const views = tta === "d4" ? count / rows.length : 1;
  const folds = rows.length >= L2_FOLDS && {
    folds: trainingFolds(kFold(selectLabels(labels, rows), L2_FOLDS, seed), count),
  };
  return { views, tiles: rows.length, ...folds };
}
