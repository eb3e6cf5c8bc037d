/**
 * Logits and probabilities of many rows: by the addon's kernels off the main thread, or in plain JavaScript without the
 * addon.
 */
import { loadAddon } from "../addon.js";
import { usableCores } from "../machine.js";
import type { FeatureMatrix } from "./feature-matrix.js";
import { computeLogitsPlainly, type Head, sigmoid } from "./head.js";

/** `features x weight + bias`: `[rows, numTags]` float32. */
export async function computeLogits(
  head: Head,
  features: FeatureMatrix,
  threads = usableCores(),
): Promise<Float32Array> {
  const addon = loadAddon();
  if (addon === undefined || features.numFeatures !== head.numFeatures) {
    return computeLogitsPlainly(head, features);
  }
  const logits = new Float32Array(features.rows * head.numTags);
  await addon.headLogits(head, features, threads, logits);
  return logits;
}

/** Probability of each tag for each row: `[rows, numTags]` float32. */
export async function predictProbabilities(
  head: Head,
  features: FeatureMatrix,
  threads?: number,
): Promise<Float32Array> {
  return (await computeLogits(head, features, threads)).map(sigmoid);
}
