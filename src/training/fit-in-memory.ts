/** The fit for features in memory: a training for the history, out-of-fold logits by cross-validation, and the final head on all tiles. */
import { checkInteger } from "../check.js";
import { InputError } from "../errors.js";
import type { HeadConfig } from "../head/config.js";
import { computeLogits } from "../head/logits.js";
import { trainOnTiles } from "../head/train-tiles.js";
import type { TrainedHead, TrainHeadOptions } from "../head/trained-head.js";
import { type FeatureVariants, scoringRows } from "../head/variants.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { allRows, kFold, splitRows } from "../tiles/split.js";
import type { FitOptions, FittedWeights } from "./fitted-weights.js";
import { leaveOneOut, scatterRows } from "./rows.js";
import { createTrainings, type TrainingName } from "./trainings.js";

/**
 * Everything learnt for a fold, standardisation and an automatic L2 included, is learnt without its tiles.
 *
 * @throws InputError for fewer tiles than folds
 */
export async function fitInMemory(
  variants: FeatureVariants,
  labels: LabelMatrix,
  config: HeadConfig,
  options: FitOptions,
): Promise<FittedWeights> {
  const { holdOut = 0.2, folds = 5, seed = 1, augment = "none", tta = "none", threads, onEpoch } = options;
  checkInteger("folds", folds, 2, 255);
  if (labels.rows < folds) {
    throw new InputError(`${labels.rows} labelled tiles are too few to train on: there must be ${folds} or more.`);
  }
  const split = splitRows(labels, holdOut, seed);
  const holdsOut = split.heldOut.length > 0;
  const run = createTrainings(folds + (holdsOut ? 2 : 1), options);
  const trainOn = (name: TrainingName, rows: Uint32Array, more: TrainHeadOptions = {}) =>
    run(name, (running) => trainOnTiles(variants, labels, rows, config, { ...running, ...more, augment, tta, seed }));
  const logitsOf = ({ head }: TrainedHead, rows: Uint32Array) =>
    computeLogits(head, scoringRows(variants, rows, { tta }), threads);

  const validation = holdsOut && {
    features: scoringRows(variants, split.heldOut, { tta }),
    labels: selectLabels(labels, split.heldOut),
  };
  const first = await trainOn("history", split.train, {
    ...(validation && { validation }),
    ...(onEpoch && { onEpoch }),
  });
  const foldOf = kFold(labels, folds, seed);
  const logits = new Float32Array(labels.rows * labels.tags.length);
  for (const { fold, others, own } of leaveOneOut(foldOf)) {
    const trained = await trainOn(`fold ${fold + 1}`, others);
    scatterRows(logits, labels.tags.length, own, await logitsOf(trained, own));
  }
  // Without held-out tiles the first training is on all of them already.
  const { head, l2 } = holdsOut ? await trainOn("final", allRows(labels.rows)) : first;
  return {
    head,
    ...(l2 !== undefined && { l2 }),
    history: first.history,
    split,
    unseen: { rows: allRows(labels.rows), logits, labels, folds: foldOf, measuredOn: "out-of-fold" },
    ...(holdsOut && { heldOutLogits: await logitsOf(first, split.heldOut) }),
  };
}
