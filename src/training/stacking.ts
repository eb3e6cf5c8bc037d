/**
 * Stacking: a second layer that lets each tag's logit be corrected by all tags' logits (a road makes habitation likelier). Logistic
 * regression with an L2 penalty on the corrections, so that no correction is where it starts from; being linear it folds into the head.
 */
import type { Head } from "../head/head.js";
import { sigmoid } from "../head/head.js";
import { crossEntropy } from "../head/loss.js";
import { type Evaluation, minimize } from "../head/minimize.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";

/** `logits' = logits + logits x correction + offset`. */
export interface Stacking {
  /** `[tags, tags]`, from row to column. */
  correction: Float64Array;
  /** `[tags]` */
  offset: Float64Array;
}

/** Fits on out-of-fold `logits` `[labels.rows, tags]`; `l2` is the penalty beside the mean cross-entropy of a tag. */
export function fitStacking(logits: Float32Array, labels: LabelMatrix, l2: number): Stacking {
  const numTags = labels.tags.length;
  const correction = new Float64Array(numTags * numTags);
  const offset = new Float64Array(numTags);
  labels.tags.forEach((_, tag) => {
    const point = fitTag(logits, labels, tag, l2);
    for (let from = 0; from < numTags; from++) correction[from * numTags + tag] = point[from];
    offset[tag] = point[numTags];
  });
  return { correction, offset };
}

/** Corrected logits, `[rows, tags]`. */
export function applyStacking(logits: Float32Array, { correction, offset }: Stacking): Float32Array {
  const numTags = offset.length;
  return logits.map((z, cell) => {
    const [row, tag] = [Math.floor(cell / numTags), cell % numTags];
    let sum = z + offset[tag];
    for (let from = 0; from < numTags; from++) sum += logits[row * numTags + from] * correction[from * numTags + tag];
    return sum;
  });
}

/** The head whose logits are the corrected ones. */
export function foldStacking(head: Head, stacking: Stacking): Head {
  const still = { correction: stacking.correction, offset: new Float64Array(head.numTags) };
  return { ...head, weight: applyStacking(head.weight, still), bias: applyStacking(head.bias, stacking) };
}

function fitTag(logits: Float32Array, labels: LabelMatrix, tag: number, l2: number): Float64Array {
  const minimizer = minimize(new Float64Array(labels.tags.length + 1), { maxIterations: 200, tolerance: 1e-5 });
  let next = minimizer.next();
  while (!next.done) next = minimizer.next(evaluate(next.value, logits, labels, tag, l2));
  return next.value.point;
}

function evaluate(point: Float64Array, logits: Float32Array, labels: LabelMatrix, tag: number, l2: number): Evaluation {
  const numTags = labels.tags.length;
  const gradient = new Float64Array(numTags + 1);
  let value = 0;
  for (let row = 0; row < labels.rows; row++) {
    const own = logits.subarray(row * numTags, (row + 1) * numTags);
    let z = own[tag] + point[numTags];
    for (let from = 0; from < numTags; from++) z += own[from] * point[from];
    const label = labels.data[row * numTags + tag];
    value += crossEntropy(z, label) / labels.rows;
    const error = (sigmoid(z) - label) / labels.rows;
    for (let from = 0; from < numTags; from++) gradient[from] += error * own[from];
    gradient[numTags] += error;
  }
  for (let from = 0; from < numTags; from++) {
    value += (l2 / 2) * point[from] ** 2;
    gradient[from] += l2 * point[from];
  }
  return { value, gradient };
}
