/** A trained model on labelled tiles: its probabilities and the tags it gives. */
import { join } from "node:path";
import { checkInRange } from "../check.js";
import type { Colorspace } from "../decode/decoder.js";
import { restateInterrupt } from "../errors.js";
import { type Checkpoint, loadCheckpoint } from "../head/checkpoint.js";
import { decide, type ExclusiveColumns } from "../head/metrics.js";
import { meanFeatures, toVariants } from "../head/variants.js";
import { type LabelOptions, labelOptions } from "../labels/options.js";
import type { RunContext } from "../run-context.js";
import { groupsOf, settledGroups } from "../tags/exclusive.js";
import { chooseThresholds, scoreFeatures } from "../tags/prediction.js";
import type { TileInputs } from "../tiles/inputs.js";
import { allRows } from "../tiles/split.js";
import { createTagSet } from "../tiles/tag-set.js";
import { type Dataset, loadDataset } from "../training/dataset.js";
import { countSeenTiles, SEEN_TILES_FILE } from "../training/seen-tiles.js";
import { type ReadingOptions, trainedExtractor } from "./trained-extractor.js";

export interface ScoringOptions extends LabelOptions, ReadingOptions {
  /** Folders, files, archives, patterns, `@list.txt`. */
  tiles: TileInputs;
  /**
   * Label file. Tags the model does not know are left out of the score, with a warning. With `split` the tiles for testing are scored, or
   * those for validation if there are none.
   */
  labels: string;
  /** One threshold for all tags, 0 to 1. @default the fitted ones */
  threshold?: number | undefined;
  /** How the components of a JPEG are read. @default as the model was trained */
  colorspace?: Colorspace | undefined;
}

export interface ScoredModel {
  dataset: Dataset;
  /** `[tiles, tags]` */
  probabilities: Float32Array;
  /** `[tags]` */
  thresholds: Float32Array;
  /** Groups of which each tile has the most probable tag. */
  settled: ExclusiveColumns;
  /** `[tiles, tags]`: 1 for a tag that the model gives. */
  decisions: Uint8Array;
  /** Of these tiles, those that the model was trained on; null if it does not say. */
  trainedOn: number | null;
}

const INTERRUPTED = "Interrupted; the features extracted so far are cached: evaluate again to go on.";

/** Runs the model in the folder `model` on labelled tiles, and warns if it was trained on some of them. */
export async function scoreModel(
  { model, ...options }: ScoringOptions & { model: string },
  context: RunContext,
): Promise<ScoredModel> {
  if (options.threshold !== undefined) checkInRange("threshold", options.threshold, 0, 1);
  const checkpoint = await loadCheckpoint(model);
  const dataset = await loadFor(checkpoint, { model, ...options }, context).catch(restateInterrupt(INTERRUPTED));
  const features = meanFeatures(toVariants(dataset.features, dataset.labels.rows), allRows(dataset.labels.rows));
  const probabilities = await scoreFeatures(checkpoint, features);
  const thresholds = chooseThresholds(checkpoint, options.threshold);
  const settled = settledGroups(groupsOf(checkpoint));
  const decisions = decide(probabilities, thresholds, settled);
  const trainedOn = await countSeenTiles(join(model, SEEN_TILES_FILE), dataset.tiles);
  if (trainedOn !== null && trainedOn > 0) {
    context.onWarning?.(
      `${model} was trained on ${trainedOn} of these ${dataset.tiles.length} tiles, so that its scores are too good: score tiles it has not seen.`,
    );
  }
  return { dataset, probabilities, thresholds, settled, decisions, trainedOn };
}

async function loadFor(
  checkpoint: Checkpoint,
  options: ScoringOptions & { model: string },
  context: RunContext,
): Promise<Dataset> {
  const { tiles, labels, colorspace } = options;
  const extractor = await trainedExtractor(checkpoint, options, context);
  const decode = { ...extractor.decode, ...(colorspace && { colorspace }) };
  const labelled = { tiles, ...labelOptions(options), labels, tagSet: createTagSet(checkpoint.tags) };
  return loadDataset({ ...extractor, ...labelled, decode, parts: [["test"], ["val"]] }, context);
}
