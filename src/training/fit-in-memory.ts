/** The fit for features in memory: a training for the history, out-of-fold logits by cross-validation, and the final head on all tiles. */
import { checkInteger } from "../check.js";
import { InputError } from "../errors.js";
import type { HeadConfig } from "../head/config.js";
import { computeLogits } from "../head/logits.js";
import { trainOnTiles } from "../head/train-tiles.js";
import type { TrainedHead, TrainHeadOptions } from "../head/trained-head.js";
import { type FeatureVariants, scoringRows } from "../head/variants.js";
import { countGroups, type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { allRows, kFold, rowsWithout, type Split, splitRows } from "../tiles/split.js";
import type { FitOptions, FittedWeights, PenalizedHead } from "./fitted-weights.js";
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
  const { folds = 5, seed = 1, augment = "none", tta = "none", threads, onEpoch } = options;
  checkInteger("folds", folds, 2, 255);
  const { split, used } = splitTiles(labels, options);
  const usedLabels = selectLabels(labels, used);
  checkEnough(usedLabels, folds);
  const holdsOut = split.heldOut.length > 0;
  const refits = used.length > split.train.length;
  const run = createTrainings(folds + (refits ? 2 : 1), options);
  const heads = new Map<TrainingName, PenalizedHead>();
  const trainOn = async (name: TrainingName, rows: Uint32Array, more: TrainHeadOptions = {}) => {
    const trained = await run(name, (running) =>
      trainOnTiles(variants, labels, rows, config, { ...running, ...more, augment, tta, seed }),
    );
    heads.set(name, trained);
    return trained;
  };
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
  const foldOf = kFold(usedLabels, folds, seed);
  const logits = new Float32Array(used.length * labels.tags.length);
  const tiles = (places: Uint32Array) => places.map((place) => used[place]);
  for (const { fold, others, own } of leaveOneOut(foldOf)) {
    const trained = await trainOn(`fold ${fold + 1}`, tiles(others));
    scatterRows(logits, labels.tags.length, own, await logitsOf(trained, tiles(own)));
  }
  // Without held-out tiles to learn from in the end, the final head would equal the first one.
  const { head, l2 } = refits ? await trainOn("final", used) : first;
  return {
    head,
    heads,
    ...(l2 !== undefined && { l2 }),
    history: first.history,
    split,
    unseen: { rows: used, logits, labels: usedLabels, folds: foldOf, measuredOn: "out-of-fold" },
    ...(holdsOut && { heldOutLogits: await logitsOf(first, split.heldOut) }),
  };
}

/** The tiles that the first training learns from, those it is scored on, and those that the final model learns from. */
function splitTiles(labels: LabelMatrix, options: FitOptions): { split: Split; used: Uint32Array } {
  const { holdOut = 0.2, seed = 1, validation: heldOut } = options;
  if (heldOut === undefined) return { split: splitRows(labels, holdOut, seed), used: allRows(labels.rows) };
  const train = rowsWithout(labels.rows, heldOut);
  return { split: { train, heldOut }, used: train };
}

/** @throws InputError for fewer tiles than folds, equal ones counted once */
function checkEnough(labels: LabelMatrix, folds: number): void {
  const count = countGroups(labels);
  if (count >= folds) return;
  const equal = count < labels.rows ? `, of which ${count} ${count === 1 ? "differs" : "differ"},` : "";
  const few = labels.rows === 1 ? "1 labelled tile is" : `${labels.rows} labelled tiles${equal} are`;
  throw new InputError(`${few} too few to train on: there must be ${folds} or more${equal && " different ones"}.`);
}
