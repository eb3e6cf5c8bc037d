/**
 * Training of the head: features and labels in, a head and its history out. Mini-batch descent and L-BFGS have files of
 * their own.
 */
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { checkHeadConfig, type HeadConfig } from "./config.js";
import type { FeatureMatrix, FeatureSource } from "./feature-matrix.js";
import { trainByGradient } from "./gradient.js";
import { trainByLbfgs } from "./lbfgs.js";
import type { TrainedHead, TrainHeadOptions } from "./trained-head.js";

/**
 * Trains a head on `features` and `labels`, row by row. Mini-batch descent equals Keras 3; L-BFGS goes to convergence. The same
 * configuration gives the same bits on the same machine, whatever the number of threads.
 */
export async function trainHead(
  features: FeatureMatrix | FeatureSource,
  labels: LabelMatrix,
  config: HeadConfig,
  options: TrainHeadOptions = {},
): Promise<TrainedHead> {
  checkHeadConfig(config);
  if (features.rows !== labels.rows || features.rows === 0) {
    throw new RangeError(`Expected as many rows of features as of labels, got ${features.rows} and ${labels.rows}.`);
  }
  return config.optimizer === "lbfgs"
    ? trainByLbfgs(features, labels, config, options)
    : trainByGradient(features, labels, config, options);
}
