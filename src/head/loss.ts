/** Binary cross-entropy from logits, and the sums that an epoch's history is computed from. */
import { fBeta } from "./metrics.js";

/** Sums over tiles: loss (each tile's mean over tags), right cells, F2 at 0.5. */
export interface EpochSums {
  loss: number;
  correct: number;
  f2: number;
}

/**
 * `max(z, 0) - z y + log(1 + exp(-|z|))`: cross-entropy of a logit `z` against a label `y`, without overflow (as TensorFlow's
 * sigmoid_cross_entropy_with_logits).
 */
export function crossEntropy(logit: number, label: number): number {
  return Math.max(logit, 0) - logit * label + Math.log1p(Math.exp(-Math.abs(logit)));
}

/** Cross-entropy, right cells and F2 at 0.5 of `logits` `[labels.rows, tags]`, summed over tiles. */
export function sumLogits(
  logits: Float32Array,
  labels: { data: Uint8Array; rows: number; tags: { length: number } },
): EpochSums {
  const numTags = labels.tags.length;
  const sums = { loss: 0, correct: 0, f2: 0 };
  for (let row = 0; row < labels.rows; row++) {
    let [hits, predicted, present, loss] = [0, 0, 0, 0];
    for (let i = row * numTags; i < (row + 1) * numTags; i++) {
      const label = labels.data[i];
      const positive = logits[i] > 0 ? 1 : 0;
      loss += crossEntropy(logits[i], label);
      hits += label & positive;
      predicted += positive;
      present += label;
    }
    sums.loss += loss / numTags;
    sums.correct += numTags - predicted - present + 2 * hits;
    sums.f2 += fBeta(hits, predicted, present, 2);
  }
  return sums;
}
