/** Features become tags. In: feature rows and a trained model. Out: for each row its probabilities and the tags they amount to. */

import type { Checkpoint } from "../head/checkpoint.js";
import { predictProbabilities } from "../head/logits.js";

/** What was found in one tile. */
export interface Prediction {
  name: string;
  /** Where the tile is: its path, or `archive.tar#member`. */
  path: string;
  /** In the order of the model's tags. */
  tags: string[];
  /** `[tags of the model]` float32. */
  probabilities: Float32Array;
}

export interface TaggedRow {
  tags: string[];
  probabilities: Float32Array;
}

/**
 * Tags each row of `features` (`[rows, numFeatures]` float32): a tag is given where its probability reaches its threshold. The head's
 * kernels sum each row in a fixed order, so a row's result does not depend on what stands around it.
 */
export async function tagFeatures(
  { head, tags }: Pick<Checkpoint, "head" | "tags">,
  thresholds: Float32Array,
  features: Float32Array,
  rows: number,
): Promise<TaggedRow[]> {
  const all = await predictProbabilities(head, { data: features, rows, numFeatures: head.numFeatures }, 1);
  return Array.from({ length: rows }, (_, row) => {
    const probabilities = all.subarray(row * tags.length, (row + 1) * tags.length);
    return { probabilities, tags: tags.filter((_tag, column) => probabilities[column]! >= thresholds[column]!) };
  });
}

/** The fitted thresholds, or `threshold` for every tag. */
export function chooseThresholds(
  checkpoint: Pick<Checkpoint, "thresholds" | "tags">,
  threshold?: number,
): Float32Array {
  return threshold === undefined ? checkpoint.thresholds : new Float32Array(checkpoint.tags.length).fill(threshold);
}
