/** `evaluate`: a trained model's scores on labelled tiles. */
import type { Colorspace, DecodeOptions } from "../decode/decoder.js";
import { restateInterrupt } from "../errors.js";
import type { Device, DeviceChoice } from "../features/device.js";
import { variantsFor } from "../features/dihedral.js";
import { bootstrapMean, type Interval } from "../head/bootstrap.js";
import { type Checkpoint, loadCheckpoint } from "../head/checkpoint.js";
import { computeMetrics, decide, type Metrics, tileFBetas } from "../head/metrics.js";
import { meanFeatures, toVariants } from "../head/variants.js";
import { type LabelOptions, labelOptions } from "../labels/options.js";
import type { Recognised } from "../labels/table.js";
import { loadBackbone } from "../models/registry.js";
import { FEW_POSITIVES } from "../report/data.js";
import type { RunContext } from "../run-context.js";
import { chooseThresholds, scoreFeatures } from "../tags/prediction.js";
import type { TileInputs } from "../tiles/sources.js";
import { allRows } from "../tiles/split.js";
import { createTagSet } from "../tiles/tag-set.js";
import { type Dataset, loadDataset } from "../training/dataset.js";
import { rejectsBeside } from "./rejects.js";

export interface EvaluateOptions extends LabelOptions {
  /** Folders, files, `.tar` archives, `@list.txt`. */
  tiles: TileInputs;
  /**
   * Label file. Tags the model does not know are left out of the score, with a warning. With `split` the tiles for testing are scored, or
   * those for validation where there are none.
   */
  labels: string;
  /** Folder that `train` wrote. */
  model: string;
  /** Where the model's backbone file is now. @default where its card says */
  backbone?: string | undefined;
  /** One threshold for all tags, 0 to 1. @default the fitted ones */
  threshold?: number | undefined;
  /** What the backbone runs on. @default "auto" */
  device?: DeviceChoice | undefined;
  /** Decode threads. @default what keeps the sessions fed */
  workers?: number | undefined;
  /** How the components of a JPEG are read. @default as the model was trained */
  colorspace?: Colorspace | undefined;
  /** A tile with more pixels than this is rejected. @default 178956970 */
  maxPixels?: number | undefined;
  /** What becomes of a JPEG whose data ends early. @default "reject" */
  onTruncated?: DecodeOptions["onTruncated"] | undefined;
}

/** Scores under the names of the JSON contract (docs/cli.md). Null where a number has no meaning. */
export interface EvaluateSummary {
  f2: number;
  /** 95% bootstrap interval of `f2`: how far the luck of which tiles were scored could move it. */
  f2_interval: [low: number, high: number];
  f2_at_half: number;
  map: number | null;
  micro_f1: number;
  macro_f1: number | null;
  binary_accuracy: number;
  tiles: number;
  rejected: number;
  provider: Device;
  /** What the label file was taken for. */
  labels: Recognised;
  /** Tags of the labels that the model does not know, with the number of tiles that have them. */
  unknown_tags: { tag: string; tiles: number }[];
  per_tag: TagSummary[];
}

export interface TagSummary {
  tag: string;
  support: number;
  /** False where fewer than 10 tiles have the tag: its numbers are too much a matter of luck to be taken seriously. */
  reliable: boolean;
  predicted: number;
  precision: number | null;
  recall: number | null;
  f2: number | null;
  average_precision: number | null;
  threshold: number;
}

const INTERRUPTED = "Interrupted; the features extracted so far are cached: evaluate again to go on.";

/**
 * Says what a model is worth on labelled tiles.
 * @throws FormatError for a damaged model, ModelError for its backbone or device, InputError for tiles and labels that do not fit
 */
export async function evaluate(options: EvaluateOptions, context: RunContext = {}): Promise<EvaluateSummary> {
  const checkpoint = await loadCheckpoint(options.model);
  const dataset = await loadFor(checkpoint, options, context).catch(restateInterrupt(INTERRUPTED));
  await rejectsBeside(undefined, dataset.rejected, context);
  const features = meanFeatures(toVariants(dataset.features, dataset.labels.rows), allRows(dataset.labels.rows));
  const probabilities = await scoreFeatures(checkpoint, features);
  const thresholds = chooseThresholds(checkpoint, options.threshold);
  const decisions = decide(probabilities, thresholds);
  const metrics = computeMetrics(probabilities, dataset.labels, thresholds, { decisions });
  return summarize(metrics, bootstrapMean(tileFBetas(decisions, dataset.labels, 2)), dataset);
}

async function loadFor(checkpoint: Checkpoint, options: EvaluateOptions, context: RunContext): Promise<Dataset> {
  const { card, preprocessing } = checkpoint;
  const bytes = await loadBackbone(card, options.backbone === undefined ? {} : { file: options.backbone });
  const decode: Partial<DecodeOptions> = {
    colorspace: options.colorspace ?? preprocessing.colorspace,
    antialias: preprocessing.antialias,
  };
  if (options.maxPixels !== undefined) {
    decode.maxPixels = options.maxPixels;
  }
  if (options.onTruncated !== undefined) {
    decode.onTruncated = options.onTruncated;
  }
  return loadDataset(
    {
      tiles: options.tiles,
      ...labelOptions(options),
      labels: options.labels,
      parts: [["test"], ["val"]],
      backbone: { card, bytes },
      size: preprocessing.size,
      device: options.device,
      workers: options.workers,
      decode,
      variants: variantsFor("none", preprocessing.tta),
      tagSet: createTagSet(checkpoint.tags),
    },
    context,
  );
}

function summarize(metrics: Metrics, { low, high }: Interval, dataset: Dataset): EvaluateSummary {
  return {
    f2: metrics.f2,
    f2_interval: [low, high],
    f2_at_half: metrics.f2AtHalf,
    map: metrics.map,
    micro_f1: metrics.microF1,
    macro_f1: metrics.macroF1,
    binary_accuracy: metrics.binaryAccuracy,
    tiles: metrics.tiles,
    rejected: dataset.rejected.length,
    provider: dataset.device,
    labels: dataset.recognised,
    unknown_tags: dataset.unknownTags,
    per_tag: metrics.perTag.map(({ averagePrecision, ...rest }) => ({
      ...rest,
      reliable: rest.support >= FEW_POSITIVES,
      average_precision: averagePrecision,
    })),
  };
}
