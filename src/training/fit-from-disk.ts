/**
 * The fit for features larger than memory: one training by mini-batches, window by window, that leaves out a sample of
 * tiles small enough for memory. Cross-validation would read everything five times.
 */
import { InputError } from "../errors.js";
import type { HeadConfig } from "../head/config.js";
import type { FeatureMatrix, FeatureSource } from "../head/feature-matrix.js";
import { computeLogits } from "../head/logits.js";
import { trainHead } from "../head/train.js";
import { countGroups, type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { kFold, rowsWithout, type Split, splitRows } from "../tiles/split.js";
import type { FitOptions, FittedWeights } from "./fitted-weights.js";
import { createTrainings } from "./trainings.js";

/** More held-out tiles would only take memory (256 MB at 1280 features). */
const MAX_HELD_OUT = 50_000;

/**
 * Memory: two windows of the source, the sample, labels and weights.
 *
 * @throws InputError if too few tiles would be held out to fit thresholds on, and for L-BFGS
 */
export async function fitFromDisk(
  source: FeatureSource,
  labels: LabelMatrix,
  config: HeadConfig,
  options: FitOptions,
): Promise<FittedWeights> {
  const { folds = 5, seed = 1, threads, onEpoch } = options;
  const split = splitTiles(labels, options);
  const { heldOut } = split;
  const heldOutLabels = selectLabels(labels, heldOut);
  const different = countGroups(heldOutLabels);
  if (different < folds) {
    throw new InputError(`${different} held-out tiles are too few to fit thresholds on: hold out more.`);
  }
  const validation = { features: await gather(source, heldOut), labels: heldOutLabels };
  const leaveOut = new Uint8Array(labels.rows).fill(1);
  for (const row of split.train) leaveOut[row] = 0;
  const run = createTrainings(1, options);
  const { head, history } = await run("history", (running) =>
    trainHead(source, labels, config, { ...running, validation, leaveOut, ...(onEpoch && { onEpoch }) }),
  );
  const logits = await computeLogits(head, validation.features, threads);
  const parts = kFold(validation.labels, folds, seed);
  const unseen = { rows: heldOut, logits, labels: validation.labels, folds: parts, measuredOn: "hold-out" } as const;
  return { head, heads: new Map([["history", { head }]]), history, split, unseen };
}

/** If there are more tiles for validation than that, evenly spaced ones are scored; none is trained on. */
function splitTiles(labels: LabelMatrix, { holdOut = 0.2, seed = 1, validation }: FitOptions): Split {
  if (validation === undefined) return splitRows(labels, Math.min(holdOut, MAX_HELD_OUT / labels.rows), seed);
  const step = Math.ceil(validation.length / MAX_HELD_OUT);
  return { train: rowsWithout(labels.rows, validation), heldOut: validation.filter((_, i) => i % step === 0) };
}

/** The rows `indices` (ascending), read window by window. */
async function gather(source: FeatureSource, indices: Uint32Array): Promise<FeatureMatrix> {
  const { numFeatures, windowRows, rows } = source;
  const data = new Float32Array(indices.length * numFeatures);
  let done = 0;
  for (let start = 0; start < rows; start += windowRows) {
    const window = await source.read(start, Math.min(windowRows, rows - start));
    for (; done < indices.length && indices[done] < start + windowRows; done++) {
      const from = (indices[done] - start) * numFeatures;
      data.set(window.subarray(from, from + numFeatures), done * numFeatures);
    }
  }
  return { data, rows: indices.length, numFeatures };
}
