/** Logits of a tuned network as it will be used, with integers by the ranges of the tiles that it has learnt. */
import { integerFormOn, precisionOn } from "../features/kernels.js";
import { observeRanges } from "../features/observe-ranges.js";
import { openPipeline } from "../features/pipeline.js";
import { planPipeline } from "../features/plan.js";
import { streamFeatures } from "../features/stream.js";
import { pickTiles, refuseFailures } from "../finetune/tuning-tiles.js";
import type { FeatureMatrix } from "../head/feature-matrix.js";
import type { Head } from "../head/head.js";
import { computeLogits } from "../head/logits.js";
import type { ResolvedBackbone } from "../models/registry.js";
import { prepareBackbone } from "../onnx/prepare.js";
import type { Precision } from "../quantise/precision.js";
import { prepareWith } from "../quantise/prepare.js";
import type { Ranges } from "../quantise/ranges.js";
import type { RunContext } from "../run-context.js";
import type { Dataset } from "./dataset.js";

export interface TunedScoring {
  precision: Precision;
  /** The tuned backbone and its head. */
  backbone: ResolvedBackbone;
  head: Head;
  /** Pixels per side. */
  size: number;
  dataset: Pick<Dataset, "tiles" | "decode" | "device">;
  /** Rows of the tiles that the ranges of integers are observed on. */
  train: Uint32Array;
  /** Rows of the tiles to score. */
  scored: Uint32Array;
  /** Elements of the dihedral group over which features are averaged. */
  views: readonly number[];
  /** Decode threads. @default one per core */
  workers: number | undefined;
}

/**
 * `[scored, tags]` logits, and the ranges that integers need. Nothing is kept in the cache: such a network runs once.
 * @throws InputError if a tile can no longer be decoded; InterruptedError on abort
 */
export async function scoreTuned(
  scoring: TunedScoring,
  { signal, onWarning }: RunContext,
): Promise<{ logits: Float32Array; ranges?: Ranges }> {
  const { precision, backbone, head, scored } = scoring;
  // Its progress would be taken for that of the training.
  const quiet = { ...(signal && { signal }), ...(onWarning && { onWarning }) };
  const needed = precision === "int8" ? { ranges: await learntRanges(scoring, quiet) } : {};
  const logits = new Float32Array(scored.length * head.numTags);
  if (scored.length === 0) return { logits, ...needed };
  let at = 0;
  for await (const features of meanFeatures({ ...backbone.card, ...needed }, scoring, quiet)) {
    const some = await computeLogits(head, features);
    logits.set(some, at);
    at += some.length;
  }
  return { logits, ...needed };
}

function learntRanges(
  { backbone: { card, bytes }, size, dataset: { tiles, decode }, train, workers }: TunedScoring,
  context: RunContext,
): Promise<Ranges> {
  const learnt = Array.from(train, (row) => tiles[row]);
  return observeRanges(learnt, { model: prepareBackbone(bytes, card, size), size, decode, workers }, context);
}

/** The features of the tiles to score, batch by batch, averaged over the views. */
async function* meanFeatures(
  card: ResolvedBackbone["card"],
  { precision, backbone: { bytes }, size, dataset, scored, views, workers }: TunedScoring,
  context: RunContext,
): AsyncGenerator<FeatureMatrix, void, undefined> {
  const { device, decode, tiles } = dataset;
  const model = prepareWith(precisionOn(device, precision), bytes, card, size, { form: integerFormOn(device) });
  const numFeatures = card.features.count;
  const plan = planPipeline({ device, size, ...(workers !== undefined && { workers }) });
  const setup = { model, size, numFeatures, device, sessions: plan.sessions };
  const { backbone, pool } = await openPipeline(setup, plan.workers, context);
  try {
    const use = { pool, backbone, decode, variants: views, ...(context.signal && { signal: context.signal }) };
    for await (const batch of streamFeatures(pickTiles(tiles, scored), use)) {
      refuseFailures(batch.tiles, batch.outcomes);
      const rows = batch.tiles.length;
      yield { data: meanOver(batch.features, rows, views.length), rows, numFeatures };
    }
  } finally {
    await Promise.all([pool.close(), backbone.close()]);
  }
}

/** `[rows, views, numFeatures]` to `[rows, numFeatures]`. */
function meanOver(features: Float32Array, rows: number, views: number): Float32Array {
  const numFeatures = features.length / (rows * views);
  return Float32Array.from({ length: rows * numFeatures }, (_, cell) => {
    const from = Math.floor(cell / numFeatures) * views * numFeatures + (cell % numFeatures);
    let sum = 0;
    for (let view = 0; view < views; view++) sum += features[from + view * numFeatures];
    return sum / views;
  });
}
