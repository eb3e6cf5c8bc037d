/** `evaluate`: a trained model's scores on labelled tiles. */
import { checkNames, type OptionNames } from "../check.js";
import type { Colorspace } from "../decode/decoder.js";
import { restateInterrupt } from "../errors.js";
import type { Device } from "../features/device.js";
import type { Interval } from "../head/bootstrap.js";
import { type Checkpoint, loadCheckpoint } from "../head/checkpoint.js";
import { computeMetrics, decide, type Metrics, setFBetaInterval } from "../head/metrics.js";
import { meanFeatures, toVariants } from "../head/variants.js";
import { type LabelOptions, labelOptions } from "../labels/options.js";
import type { Recognised } from "../labels/table.js";
import { FEW_POSITIVES } from "../report/data.js";
import type { RunContext } from "../run-context.js";
import { groupsOf, settledGroups } from "../tags/exclusive.js";
import { chooseThresholds, scoreFeatures } from "../tags/prediction.js";
import type { TileInputs } from "../tiles/sources.js";
import { allRows } from "../tiles/split.js";
import { createTagSet } from "../tiles/tag-set.js";
import { type Dataset, loadDataset } from "../training/dataset.js";
import { countSeenTiles } from "../training/seen-tiles.js";
import { rejectsBeside } from "./rejects.js";
import { type ReadingOptions, trainedExtractor } from "./trained-extractor.js";

export interface EvaluateOptions extends LabelOptions, ReadingOptions {
  /** Folders, files, `.tar` and `.zip` archives, `@list.txt`. */
  tiles: TileInputs;
  /**
   * Label file. Tags the model does not know are left out of the score, with a warning. With `split` the tiles for testing are scored, or
   * those for validation if there are none.
   */
  labels: string;
  /** Folder that `train` wrote. */
  model: string;
  /** One threshold for all tags, 0 to 1. @default the fitted ones */
  threshold?: number | undefined;
  /** How the components of a JPEG are read. @default as the model was trained */
  colorspace?: Colorspace | undefined;
}

/** Scores; docs/cli.md lists the keys of their JSON. Null if a number has no meaning. */
export interface EvaluateSummary {
  f2: number;
  /** 95% bootstrap interval of `f2`: how much it depends on which tiles were scored. */
  f2Interval: [low: number, high: number];
  f2AtHalf: number;
  map: number | null;
  microF1: number;
  macroF1: number | null;
  binaryAccuracy: number;
  tiles: number;
  rejected: number;
  /** Of the scored tiles, those that the model was trained on: their scores flatter it. Null if the model does not say. */
  trainedOn: number | null;
  provider: Device;
  /** What the label file was recognised as. */
  labels: Recognised;
  /** Tags of the labels that the model does not know, with the number of tiles that have them. */
  unknownTags: { tag: string; tiles: number }[];
  perTag: TagSummary[];
}

export interface TagSummary {
  tag: string;
  support: number;
  /** False if fewer than 10 tiles have the tag: its numbers are then mostly chance. */
  reliable: boolean;
  predicted: number;
  precision: number | null;
  recall: number | null;
  f2: number | null;
  averagePrecision: number | null;
  rocAuc: number | null;
  /** The best precision that still finds 90% of the tag's tiles. */
  precisionAtRecall90: number | null;
  threshold: number;
}

const INTERRUPTED = "Interrupted; the features extracted so far are cached: evaluate again to go on.";

const OPTIONS: OptionNames<EvaluateOptions> = {
  tiles: true,
  labels: true,
  model: true,
  threshold: true,
  colorspace: true,
  labelFormat: true,
  labelColumns: true,
  tagSeparator: true,
  split: true,
  backbone: true,
  device: true,
  workers: true,
  maxPixels: true,
  onTruncated: true,
};

/**
 * Scores a model on labelled tiles.
 * @throws FormatError for a damaged model, ModelError for its backbone or device, InputError for tiles and labels that do not fit
 */
export async function evaluate(options: EvaluateOptions, context: RunContext = {}): Promise<EvaluateSummary> {
  checkNames(options, OPTIONS);
  const checkpoint = await loadCheckpoint(options.model);
  const dataset = await loadFor(checkpoint, options, context).catch(restateInterrupt(INTERRUPTED));
  await rejectsBeside(undefined, dataset.rejected, context);
  const features = meanFeatures(toVariants(dataset.features, dataset.labels.rows), allRows(dataset.labels.rows));
  const probabilities = await scoreFeatures(checkpoint, features);
  const thresholds = chooseThresholds(checkpoint, options.threshold);
  const settled = settledGroups(groupsOf(checkpoint));
  const decisions = decide(probabilities, thresholds, settled);
  const metrics = computeMetrics(probabilities, dataset.labels, thresholds, { settled, decisions });
  const trainedOn = await countSeenTiles(options.model, dataset.tiles);
  if (trainedOn !== null && trainedOn > 0) {
    context.onWarning?.(
      `The model was trained on ${trainedOn} of these ${dataset.tiles.length} tiles, so that its scores are too good: score tiles it has not seen.`,
    );
  }
  return summarize(metrics, setFBetaInterval(decisions, dataset.labels, 2), { ...dataset, trainedOn });
}

async function loadFor(checkpoint: Checkpoint, options: EvaluateOptions, context: RunContext): Promise<Dataset> {
  const { tiles, labels, colorspace } = options;
  const extractor = await trainedExtractor(checkpoint, options, context);
  const decode = { ...extractor.decode, ...(colorspace && { colorspace }) };
  const labelled = { tiles, ...labelOptions(options), labels, tagSet: createTagSet(checkpoint.tags) };
  return loadDataset({ ...extractor, ...labelled, decode, parts: [["test"], ["val"]] }, context);
}

function summarize(
  metrics: Metrics,
  { low, high }: Interval,
  dataset: Dataset & Pick<EvaluateSummary, "trainedOn">,
): EvaluateSummary {
  return {
    f2: metrics.f2,
    f2Interval: [low, high],
    f2AtHalf: metrics.f2AtHalf,
    map: metrics.map,
    microF1: metrics.microF1,
    macroF1: metrics.macroF1,
    binaryAccuracy: metrics.binaryAccuracy,
    tiles: metrics.tiles,
    rejected: dataset.rejected.length,
    trainedOn: dataset.trainedOn,
    provider: dataset.device,
    labels: dataset.recognised,
    unknownTags: dataset.unknownTags,
    perTag: metrics.perTag.map(({ averagePrecision, rocAuc = null, precisionAtRecall90 = null, ...rest }) => ({
      ...rest,
      reliable: rest.support >= FEW_POSITIVES,
      averagePrecision,
      rocAuc,
      precisionAtRecall90,
    })),
  };
}
