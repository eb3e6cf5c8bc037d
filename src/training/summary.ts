/** What `train` says when it is done. */

import { LABEL_ERRORS_FILE } from "../curation/label-errors.js";
import type { Device } from "../features/device.js";
import type { Checkpoint } from "../head/checkpoint.js";
import type { CalibrationName } from "./calibration.js";
import type { Dataset } from "./dataset.js";
import type { FittedModel } from "./fit-dataset.js";
import type { TrainingFindings } from "./report.js";
import type { TrainSettings } from "./settings.js";

/** What came out, under the names of the JSON contract (docs/cli.md). */
export interface TrainSummary {
  /** The model's folder, and the report in it. */
  model: string;
  report: string;
  tiles: number;
  rejected: number;
  rejects: string | null;
  tags: string[];
  backbone: string;
  /** Features of a tile. */
  features: number;
  size: number;
  provider: Device;
  optimizer: string;
  l2: number | null;
  /** What became of what was tried behind the head; `gain` is the F-beta won out of fold, `groups` the tags of each group kept. */
  stacking: "kept" | "dropped" | "none";
  exclusive: { kept: boolean; gain: number; groups: string[][] } | null;
  calibrate: CalibrationName;
  decoded: number;
  cached: number;
  /** Scores of out-of-fold predictions: every tile under a head and thresholds that have not seen it. */
  f2: number;
  /** 95% bootstrap interval of `f2`. */
  f2_interval: [low: number, high: number];
  f2_at_half: number;
  map: number | null;
  measured_on: string;
  /** CSV of the labels these predictions contradict, and how many there are. */
  label_errors: { file: string; count: number };
  /** Scores on the held-out tiles, under the head trained on the others. */
  hold_out: { tiles: number; f2: number; f2_at_half: number; map: number | null } | null;
  feature_seconds: number;
  head_seconds: number;
  seconds: number;
}

/** `run` holds what is not in the fit: seconds, the file of rejects, and what the report found. */
export function summarize(
  run: { head_seconds: number; seconds: number; rejects: string | null; findings: TrainingFindings },
  model: string,
  dataset: Dataset,
  fitted: FittedModel,
  checkpoint: Checkpoint,
  settings: TrainSettings,
): TrainSummary {
  const { holdOut } = fitted;
  const { metrics, folds } = fitted.scored;
  const { interval, labelErrors } = run.findings;
  return {
    model,
    report: `${model}/report.html`,
    tiles: dataset.tiles.length,
    rejected: dataset.rejected.length,
    rejects: run.rejects,
    tags: checkpoint.tags,
    backbone: checkpoint.card.name,
    features: checkpoint.card.features.count,
    size: checkpoint.preprocessing.size,
    provider: dataset.device,
    optimizer: checkpoint.training.head.optimizer,
    l2: fitted.l2 ?? null,
    stacking: stackingOutcome(settings, fitted),
    exclusive: exclusiveOutcome(fitted, checkpoint),
    calibrate: settings.calibrate,
    decoded: dataset.decoded,
    cached: dataset.cached,
    f2: metrics.f2,
    f2_interval: [interval.low, interval.high],
    f2_at_half: metrics.f2AtHalf,
    map: metrics.map,
    measured_on: `${metrics.tiles} ${folds === undefined ? "held-out tiles" : "tiles out of fold"}`,
    label_errors: { file: `${model}/${LABEL_ERRORS_FILE}`, count: labelErrors },
    hold_out:
      holdOut === undefined
        ? null
        : { tiles: holdOut.tiles, f2: holdOut.f2, f2_at_half: holdOut.f2AtHalf, map: holdOut.map },
    feature_seconds: dataset.seconds,
    head_seconds: run.head_seconds,
    seconds: run.seconds,
  };
}

function exclusiveOutcome({ exclusiveGain }: FittedModel, { exclusive = [] }: Checkpoint): TrainSummary["exclusive"] {
  return exclusiveGain === null ? null : { kept: exclusive.length > 0, gain: exclusiveGain, groups: exclusive };
}

/** What became of the second layer. */
export function stackingOutcome({ stacking }: TrainSettings, { stacked }: FittedModel): TrainSummary["stacking"] {
  if (stacking === "none") return "none";
  return stacked ? "kept" : "dropped";
}
