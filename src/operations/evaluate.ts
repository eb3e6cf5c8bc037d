/** `evaluate`: a trained model's scores on labelled tiles. */
import { checkKinds, type OptionKinds } from "../check.js";
import type { Device } from "../features/device.js";
import type { Interval } from "../head/bootstrap.js";
import { computeMetrics, type Metrics, setFBetaInterval, type TagMetrics } from "../head/metrics.js";
import type { Recognised } from "../labels/table.js";
import { FEW_POSITIVES } from "../report/data.js";
import type { RunContext } from "../run-context.js";
import { warnOfRejects } from "./rejects.js";
import { type ScoredModel, type ScoringOptions, scoreModel } from "./scored-model.js";

export interface EvaluateOptions extends ScoringOptions {
  /** Folder that `train` wrote. */
  model: string;
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

/** Options of the scores of one model or of several. */
export const SCORING_OPTIONS: OptionKinds<ScoringOptions> = {
  tiles: "strings",
  labels: "string",
  threshold: true,
  colorspace: true,
  labelFormat: true,
  labelColumns: true,
  tagSeparator: "string?",
  split: "string?",
  backbone: "string?",
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
  checkKinds(options, { ...SCORING_OPTIONS, model: "string" });
  const scored = await scoreModel(options, context);
  const { dataset, probabilities, thresholds, settled, decisions } = scored;
  warnOfRejects(dataset.rejected, context);
  const metrics = computeMetrics(probabilities, dataset.labels, thresholds, { settled, decisions });
  return summarize(metrics, setFBetaInterval(decisions, dataset.labels, 2), scored);
}

function summarize(metrics: Metrics, { low, high }: Interval, { dataset, trainedOn }: ScoredModel): EvaluateSummary {
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
    trainedOn,
    provider: dataset.device,
    labels: dataset.recognised,
    unknownTags: dataset.unknownTags,
    perTag: metrics.perTag.map(toTagSummary),
  };
}

export function toTagSummary({ rocAuc = null, precisionAtRecall90 = null, ...rest }: TagMetrics): TagSummary {
  return { ...rest, reliable: rest.support >= FEW_POSITIVES, rocAuc, precisionAtRecall90 };
}
