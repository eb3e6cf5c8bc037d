/** Fits a trained model to slightly other features of its backbone: thresholds, and with labels the head if that is better. */
import * as v from "valibot";
import type { Checkpoint } from "../head/checkpoint.js";
import type { FeatureMatrix } from "../head/feature-matrix.js";
import type { Head } from "../head/head.js";
import { decide, type Metrics, setFBeta } from "../head/metrics.js";
import { meanFeatures, toVariants } from "../head/variants.js";
import type { RunContext } from "../run-context.js";
import { groupsOf, settledGroups } from "../tags/exclusive.js";
import { scoreFeatures } from "../tags/prediction.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { allRows } from "../tiles/split.js";
import { CALIBRATIONS } from "./calibration.js";
import { type FittedHead, fitHead } from "./fit.js";
import type { FitOptions } from "./fitted-weights.js";
import { matchThresholds } from "./match-thresholds.js";

export interface TileFeatures {
  /** `[tiles, numFeatures]` for each variant that the model averages. */
  features: FeatureMatrix[];
  labels?: LabelMatrix;
}

export interface Refitted {
  head: Head;
  thresholds: Float32Array;
  refitted: "thresholds" | "head";
  metrics: { crossValidated?: Metrics };
  /** Share of tiles with the same tags as before, under the new model. */
  sameTags: number;
  /**
   * Null without labels. `kept`: the model's head and matched thresholds; `refitted`: new heads, out of fold, null if the head
   * was tuned together with the backbone and therefore stays.
   */
  f2: { before: number; kept: number; refitted: { before: number; after: number } | null } | null;
}

/** `before` and `after` are the same tiles in the same order. */
export async function refit(
  checkpoint: Checkpoint,
  before: TileFeatures,
  after: TileFeatures,
  context: RunContext,
): Promise<Refitted> {
  const score = async ({ features }: TileFeatures, model: Checkpoint) =>
    scoreFeatures(model, meanFeatures(toVariants(features, features[0].rows), allRows(features[0].rows)));
  const settled = settledGroups(groupsOf(checkpoint));
  const decisions = decide(await score(before, checkpoint), checkpoint.thresholds, settled);
  const probabilities = await score(after, checkpoint);
  // In a settled group thresholds decide nothing.
  const fixed = new Set(settled.flat());
  const thresholds = matchThresholds(probabilities, decisions, checkpoint.thresholds).map((each, tag) =>
    fixed.has(tag) ? checkpoint.thresholds[tag] : each,
  );
  const matched = decide(probabilities, thresholds, settled);
  const { head } = checkpoint;
  const kept = { head, thresholds, refitted: "thresholds" as const, metrics: {} };
  const share = (now: Uint8Array) => sameTags(decisions, now, checkpoint.tags.length);
  if (after.labels === undefined) return { ...kept, sameTags: share(matched), f2: null };
  const { labels } = after;
  const scores = { before: setFBeta(decisions, labels, 2), kept: setFBeta(matched, labels, 2) };
  // Such a backbone may have learnt these very tiles: none of them is unseen by a new head's features.
  if (isTuned(checkpoint)) return { ...kept, sameTags: share(matched), f2: { ...scores, refitted: null } };
  const old = await refitHead(checkpoint, before, labels, halfOf(context, 0));
  const now = await refitHead(checkpoint, after, labels, halfOf(context, 1));
  const refitted = { before: old.scored.metrics.f2, after: now.scored.metrics.f2 };
  const f2 = { ...scores, refitted };
  // The model may have been trained on these very tiles: only losses can be compared, each with its own kind.
  const isBetter = refitted.before - refitted.after < f2.before - f2.kept;
  if (!isBetter) return { ...kept, sameTags: share(matched), f2 };
  const changed = { ...checkpoint, head: now.head, thresholds: now.thresholds };
  const fresh = decide(await score(after, changed), now.thresholds, settled);
  return {
    head: now.head,
    thresholds: now.thresholds,
    refitted: "head",
    metrics: { crossValidated: now.scored.metrics },
    sameTags: share(fresh),
    f2,
  };
}

/** As `toCheckpoint` records it. */
function isTuned({ training }: Checkpoint): boolean {
  return v.is(v.object({ kept: v.literal(true) }), training.settings.finetune);
}

/** As `toCheckpoint` records them. */
const TARGETS = v.fallback(
  v.array(v.object({ tag: v.string(), measure: v.picklist(["precision", "recall"]), value: v.number() })),
  [],
);

/** As the model's head was fitted, with its exclusive groups and its targets. */
function refitHead(
  { training, preprocessing, exclusive = [], exactlyOne = false }: Checkpoint,
  { features }: TileFeatures,
  labels: LabelMatrix,
  running: Pick<FitOptions, "signal" | "onTraining">,
): Promise<FittedHead> {
  const { augment, beta, calibrate, targets } = training.settings;
  const known = CALIBRATIONS.find((each) => each === calibrate) ?? "none";
  return fitHead(features, labels, training.head, {
    holdOut: 0,
    seed: training.head.seed,
    augment: augment === "d4" ? "d4" : "none",
    tta: preprocessing.tta,
    beta: typeof beta === "number" ? beta : 2,
    calibrate: known,
    exclusive,
    exactlyOne,
    targets: v.parse(TARGETS, targets),
    ...running,
  });
}

/** How one of two heads is fitted, its trainings told as a half of all. */
function halfOf({ signal, onProgress }: RunContext, half: 0 | 1): Pick<FitOptions, "signal" | "onTraining"> {
  const onTraining = (done: number, total: number) =>
    onProgress?.({ stage: "head", done: half * total + done, total: 2 * total, rejected: 0, unit: "trainings" });
  return { ...(signal && { signal }), onTraining };
}

function sameTags(a: Uint8Array, b: Uint8Array, numTags: number): number {
  const rows = a.length / numTags;
  let same = 0;
  for (let row = 0; row < rows; row++) {
    const isSame = a.subarray(row * numTags, (row + 1) * numTags).every((each, tag) => each === b[row * numTags + tag]);
    if (isSame) same++;
  }
  return rows === 0 ? 1 : same / rows;
}
