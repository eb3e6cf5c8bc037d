import type { LabelMatrix } from "../tiles/label-matrix.js";
import type { LbfgsConfig } from "./config.js";
import type { FeatureMatrix, FeatureSource } from "./feature-matrix.js";
import type { TrainedHead, TrainOptions } from "./train.js";

export async function trainByLbfgs(
  _features: FeatureMatrix | FeatureSource,
  _labels: LabelMatrix,
  _config: LbfgsConfig,
  _options: TrainOptions,
): Promise<TrainedHead> {
  throw new Error("not yet");
}
