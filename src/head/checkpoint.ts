/** Checkpoint: a trained model as a folder. */
import type { Colorspace } from "../decode/decoder.js";
import type { ModelCard } from "../models/card.js";
import type { HeadConfig } from "./config.js";
import type { Head } from "./head.js";
import type { HistoryRow } from "./history.js";
import type { Metrics } from "./metrics.js";

/** Version of the folder's format that this canopy writes. */
export const CHECKPOINT_VERSION = 1;

export interface Preprocessing {
  /** Pixels per side of the tiles the backbone was fed. */
  size: number;
  colorspace: Colorspace;
  antialias: boolean;
  /** Test-time augmentation the thresholds were fitted with. @default "none" */
  tta: "none" | "d4";
}

/** How the head came to be; settings beyond the head's own are free-form, for people and the report. */
export interface TrainingRecord {
  head: HeadConfig;
  /** Tiles the head was fitted on, and tiles held out for the metrics. */
  tiles: number;
  heldOut: number;
  /** Anything else worth knowing: seed, folds, augmentation, label file, duration. JSON values only. */
  settings: Record<string, unknown>;
}

export interface Checkpoint {
  version: number;
  /** "canopy 0.1.0" */
  createdBy: string;
  /** Tag names by column of the head. */
  tags: string[];
  /** `[tags.length]`, the fitted ones. */
  thresholds: Float32Array;
  head: Head;
  card: ModelCard;
  backboneSha256: string;
  preprocessing: Preprocessing;
  training: TrainingRecord;
  metrics: { holdOut?: Metrics; crossValidated?: Metrics };
  history: HistoryRow[];
}
