/** Features become tags. In: feature rows and a trained model. Out: for each row its probabilities and tags. */
import type { Checkpoint } from "../head/checkpoint.js";
import type { FeatureMatrix } from "../head/feature-matrix.js";
import { predictProbabilities } from "../head/logits.js";
import { decide } from "../head/metrics.js";
import { groupsOf, normalizeExclusive, settledGroups } from "./exclusive.js";

/** The part of a model that turns features into tags. */
export type TagHead = Pick<Checkpoint, "head" | "tags" | "exclusive" | "exactlyOne">;

/** What each row says of its tile. */
export interface Placed {
  name: string;
  /** Where the tile is: its path, or `archive.tar#member`. */
  path: string;
}

/** The tags of one tile. */
export interface Prediction extends Placed {
  /** In the order of the model's tags. */
  tags: string[];
  /** `[tags of the model]` float32. */
  probabilities: Float32Array;
}

export interface TaggedRow {
  tags: string[];
  probabilities: Float32Array;
}

/** The model's probabilities, `[rows, tags]` float32: the head's, with exclusive groups summing to 1. */
export async function scoreFeatures(model: TagHead, features: FeatureMatrix, threads?: number): Promise<Float32Array> {
  const probabilities = await predictProbabilities(model.head, features, threads);
  return normalizeExclusive(probabilities, model.tags.length, groupsOf(model).exclusive);
}

/**
 * Tags each row of `features` (`[rows, numFeatures]` float32): a tag is given if its probability reaches its threshold, of a
 * group that is settled the most probable one.
 * The head's kernels sum each row in a fixed order, so a row's result does not depend on other rows.
 */
export async function tagFeatures(
  model: TagHead,
  thresholds: Float32Array,
  features: Float32Array,
  rows: number,
): Promise<TaggedRow[]> {
  const { head, tags } = model;
  const all = await scoreFeatures(model, { data: features, rows, numFeatures: head.numFeatures }, 1);
  const decisions = decide(all, thresholds, settledGroups(groupsOf(model)));
  return Array.from({ length: rows }, (_, row) => {
    const from = row * tags.length;
    return {
      probabilities: all.subarray(from, from + tags.length),
      tags: tags.filter((_tag, column) => decisions[from + column] === 1),
    };
  });
}

/** The fitted thresholds, or `threshold` for every tag. */
export function chooseThresholds(
  checkpoint: Pick<Checkpoint, "thresholds" | "tags">,
  threshold?: number,
): Float32Array {
  return threshold === undefined ? checkpoint.thresholds : new Float32Array(checkpoint.tags.length).fill(threshold);
}
