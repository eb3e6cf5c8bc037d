/** The trainings of a fine-tuning: which tiles each learns from and which it is watched on. */
import type { Head } from "../head/head.js";
import { countGroups, type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { kFold, rowsWithout } from "../tiles/split.js";
import { addReadout } from "./fit.js";
import type { FittedWeights, PenalizedHead, UnseenLogits } from "./fitted-weights.js";
import type { ReadoutOptions } from "./readout.js";
import { leaveOneOut } from "./rows.js";
import type { TrainingName } from "./trainings.js";

/** With more tiles than this, one part of them says as much as five folds, at a sixth of the cost. */
const MANY_TILES = 4000;
const FOLDS = 5;

export interface PlannedTuning {
  name: TrainingName;
  /** Rows that are learnt. */
  train: Uint32Array;
  /** Rows that end it if they are known worse and worse; none for the final training. */
  watched: Uint32Array;
  /** Rows that the weights have not seen, of which logits are wanted. */
  scored: Uint32Array;
  /** The frozen backbone's head for the tiles of `train`. */
  frozen: PenalizedHead;
}

export interface FinetunePlan {
  /** Trainings with unseen tiles. */
  watched: PlannedTuning[];
  /** The training of the final weights, if it is not the only one of `watched`. */
  final: PlannedTuning | undefined;
  /** The tiles that thresholds and scores come from, with logits of the frozen backbone's head. */
  unseen: UnseenLogits;
}

export function planFinetune(labels: LabelMatrix, frozen: FittedWeights, seed: number): FinetunePlan {
  const { split, heldOutLogits, unseen } = frozen;
  const heldOut = selectLabels(labels, split.heldOut);
  const many = unseen.rows.length > MANY_TILES && countGroups(heldOut) >= FOLDS;
  if (unseen.measuredOn === "hold-out") return onHeldOut(frozen, unseen);
  if (!many || heldOutLogits === undefined) return inFolds(labels, frozen);
  const folds = kFold(heldOut, FOLDS, seed);
  const rows = split.heldOut;
  return onHeldOut(frozen, { rows, logits: heldOutLogits, labels: heldOut, folds, measuredOn: "hold-out" });
}

/** The frozen model's scores on the plan's unseen tiles. */
export function scoreFrozen(plan: FinetunePlan, frozen: FittedWeights, labels: LabelMatrix, readout: ReadoutOptions) {
  return addReadout({ ...frozen, unseen: plan.unseen }, labels, readout).scored.metrics;
}

function onHeldOut({ split, heads, head, l2 }: FittedWeights, unseen: UnseenLogits): FinetunePlan {
  const { train } = split;
  const start = heads.get("history") ?? penalized(head, l2);
  const only = { name: "history", train, watched: unseen.rows, scored: unseen.rows, frozen: start } as const;
  return { watched: [only], final: undefined, unseen };
}

function inFolds(labels: LabelMatrix, { unseen, heads, head, l2, split }: FittedWeights): FinetunePlan {
  const { rows, folds } = unseen;
  const tiles = (places: Uint32Array) => places.map((place) => rows[place]);
  const whole = penalized(head, l2);
  const watched = [...leaveOneOut(folds)].map(({ fold, others, own }) => {
    const name = `fold ${fold + 1}` as const;
    return { name, train: tiles(others), watched: tiles(own), scored: tiles(own), frozen: heads.get(name) ?? whole };
  });
  // Tiles of a column of parts that are for validation are never learnt.
  const left = rows.length < labels.rows ? split.heldOut : new Uint32Array();
  const train = rowsWithout(labels.rows, left);
  return { watched, final: { name: "final", train, watched: new Uint32Array(), scored: left, frozen: whole }, unseen };
}

function penalized(head: Head, l2: number | undefined): PenalizedHead {
  return l2 === undefined ? { head } : { head, l2 };
}
