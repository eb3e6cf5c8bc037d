/** Head: the one trained layer, features to logits. Dense(tags, sigmoid) in Keras' words. */
import type { FeatureMatrix } from "./feature-matrix.js";

export interface Head {
  /** `[numFeatures, numTags]` float32, row-major: Keras' kernel. */
  weight: Float32Array;
  /** `[numTags]` float32. */
  bias: Float32Array;
  numFeatures: number;
  numTags: number;
}

/** `features x weight + bias`: `[rows, numTags]` float32, sums in float64 in a fixed order. */
export function computeLogitsPlainly(head: Head, features: FeatureMatrix): Float32Array {
  checkShapes(head, features);
  const { numFeatures, numTags } = head;
  const logits = new Float32Array(features.rows * numTags);
  const sums = new Float64Array(numTags);
  for (let row = 0; row < features.rows; row++) {
    sums.set(head.bias);
    for (let feature = 0; feature < numFeatures; feature++) {
      const value = features.data[row * numFeatures + feature];
      const from = feature * numTags;
      for (let tag = 0; tag < numTags; tag++) {
        sums[tag] += value * head.weight[from + tag];
      }
    }
    logits.set(sums, row * numTags);
  }
  return logits;
}

/** 1 / (1 + exp(-logit)), without overflow on either side. */
export function sigmoid(logit: number): number {
  const e = Math.exp(-Math.abs(logit));
  return logit >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/** The logit of a probability; 0 and 1 give infinities. */
export function logit(probability: number): number {
  return Math.log(probability / (1 - probability));
}

const EDGE = 1e-7;

/** The logit of a probability that may be 0 or 1. */
export function boundedLogit(probability: number): number {
  return logit(Math.min(Math.max(probability, EDGE), 1 - EDGE));
}

function checkShapes(head: Head, features: FeatureMatrix): void {
  if (features.numFeatures !== head.numFeatures) {
    throw new RangeError(`The head takes ${head.numFeatures} features a tile, got ${features.numFeatures}.`);
  }
  if (features.data.length < features.rows * features.numFeatures) {
    throw new RangeError(`Expected ${features.rows} x ${features.numFeatures} features, got ${features.data.length}.`);
  }
}
