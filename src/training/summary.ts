/** The summary that `train` returns. */
import { join } from "node:path";
import { LABEL_ERRORS_FILE } from "../curation/label-errors.js";
import type { Device } from "../features/device.js";
import { type Kernels, kernelsOn } from "../features/kernels.js";
import type { Checkpoint } from "../head/checkpoint.js";
import type { TagMetrics } from "../head/metrics.js";
import type { Recognised } from "../labels/table.js";
import type { Precision } from "../quantise/precision.js";
import type { CalibrationName } from "./calibration.js";
import type { FinetuneRecord } from "./fine-tune.js";
import type { FinishedTraining } from "./finished-training.js";
import type { PrecisionChoice } from "./precision.js";
import type { TrainingFindings } from "./report.js";
import type { TagTarget } from "./thresholds.js";

/** Results of a training; docs/cli.md lists the keys of its JSON. */
export interface TrainSummary {
  /** The model's folder, and the report in it. */
  model: string;
  report: string;
  tiles: number;
  rejected: number;
  rejects: string | null;
  tags: string[];
  /** What the label file was recognised as. */
  labels: Recognised;
  backbone: string;
  /** Features of a tile. */
  features: number;
  size: number;
  /** What the backbone computes with, and by which kernels on this machine: "integer", or "simulated" in floats. */
  precision: Precision;
  kernels: Kernels | null;
  /** How "auto" chose it; null if it was named. */
  precisionChoice: PrecisionChoice | null;
  provider: Device;
  optimizer: string;
  l2: number | null;
  /**
   * The F-beta that exclusive groups gain out of fold, and the tags of each group that was kept; null if there is no
   * group. With `exactlyOne` each tile gets one tag of each.
   */
  exclusive: { kept: boolean; exactlyOne: boolean; gain: number; groups: string[][] } | null;
  /** Tags whose thresholds were fitted for a target, and what these give on tiles the model has not seen. */
  targets: (TagTarget & Pick<TagMetrics, "precision" | "recall">)[];
  calibrate: CalibrationName;
  decoded: number;
  cached: number;
  /** Scores of out-of-fold predictions: every tile under a head and thresholds that have not seen it. */
  f2: number;
  /** 95% bootstrap interval of `f2`. */
  f2Interval: [low: number, high: number];
  f2AtHalf: number;
  map: number | null;
  measuredOn: string;
  /** CSV of the labels that may be wrong, how many there are, and how many of them are wrong, as far as can be told. */
  labelErrors: { file: string; count: number; expected: number };
  /** Scores on the held-out tiles, under the head trained on the others. */
  holdOut: { tiles: number; f2: number; f2AtHalf: number; map: number | null } | null;
  /** What came of fine-tuning; null if it was not asked for. */
  finetune: FinetuneRecord | null;
  featureSeconds: number;
  headSeconds: number;
  seconds: number;
}

/** Facts of a run beside the training itself. */
interface RunOutcome {
  /** The model's folder. */
  model: string;
  choice: PrecisionChoice | null;
  rejects: string | null;
  findings: TrainingFindings;
  seconds: number;
}

export function summarize(
  { settings, precision, card, size, dataset, fitted, headSeconds, finetune }: FinishedTraining,
  { exclusive = [] }: Checkpoint,
  { model, choice, rejects, findings, seconds }: RunOutcome,
): TrainSummary {
  const { scored, holdOut } = fitted;
  const { metrics } = scored;
  return {
    model,
    report: join(model, "report.html"),
    tiles: dataset.tiles.length,
    rejected: dataset.rejected.length,
    rejects,
    tags: [...dataset.labels.tags],
    labels: dataset.recognised,
    backbone: card.name,
    features: card.features.count,
    size,
    precision,
    kernels: precision === "int8" ? kernelsOn(dataset.device).kernels : null,
    precisionChoice: choice,
    provider: dataset.device,
    optimizer: fitted.config.optimizer,
    l2: fitted.l2 ?? null,
    exclusive: describeGroups(fitted, exclusive),
    targets: settings.readout.targets.map((target) => {
      const { precision, recall } = metrics.perTag.find(({ tag }) => tag === target.tag) as TagMetrics;
      return { ...target, precision, recall };
    }),
    calibrate: settings.readout.calibrate,
    decoded: dataset.decoded,
    cached: dataset.cached,
    f2: metrics.f2,
    f2Interval: [findings.interval.low, findings.interval.high],
    f2AtHalf: metrics.f2AtHalf,
    map: metrics.map,
    measuredOn: `${metrics.tiles} ${scored.measuredOn === "hold-out" ? "held-out tiles" : "tiles out of fold"}`,
    labelErrors: { file: join(model, LABEL_ERRORS_FILE), ...findings.labelErrors },
    holdOut: holdOut ? { tiles: holdOut.tiles, f2: holdOut.f2, f2AtHalf: holdOut.f2AtHalf, map: holdOut.map } : null,
    finetune: finetune ?? null,
    featureSeconds: dataset.seconds,
    headSeconds,
    seconds,
  };
}

function describeGroups(
  { exclusiveGain, exactlyOne }: FinishedTraining["fitted"],
  groups: string[][],
): TrainSummary["exclusive"] {
  return exclusiveGain === null ? null : { kept: groups.length > 0, exactlyOne, gain: exclusiveGain, groups };
}
