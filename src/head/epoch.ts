/** The scores of a head at one point of its training: a row of its history. */
import type { LabelMatrix } from "../tiles/label-matrix.js";
import type { FeatureMatrix } from "./feature-matrix.js";
import type { Head } from "./head.js";
import type { HistoryRow } from "./history.js";
import { computeLogits } from "./logits.js";
import { type EpochSums, sumLogits } from "./loss.js";

/** Means over tiles. */
type EpochMeans = Record<"loss" | "binaryAccuracy" | "f2", number>;

export function toMeans({ loss, correct, f2 }: EpochSums, rows: number, numTags: number): EpochMeans {
  return { loss: loss / rows, binaryAccuracy: correct / (rows * numTags), f2: f2 / rows };
}

/** The means of `head` on all rows of `features`. */
export async function measureHead(
  head: Head,
  features: FeatureMatrix,
  labels: LabelMatrix,
  threads?: number,
): Promise<EpochMeans> {
  const sums = sumLogits(await computeLogits(head, features, threads), labels);
  return toMeans(sums, labels.rows, labels.tags.length);
}

/** `held` are the means on held-out tiles, if there are any. */
export function toHistoryRow(epoch: number, trained: EpochMeans, held: EpochMeans | undefined): HistoryRow {
  return {
    epoch,
    ...trained,
    valLoss: held?.loss ?? null,
    valBinaryAccuracy: held?.binaryAccuracy ?? null,
    valF2: held?.f2 ?? null,
  };
}
