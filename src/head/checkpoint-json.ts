/** `model.json`: what of a checkpoint people can read, checked field by field. */
import type { Colorspace } from "../decode/decoder.js";
import { FormatError } from "../errors.js";
import type { ModelCard } from "../models/card.js";
import type { HeadConfig } from "./config.js";
import type { Head } from "./head.js";
import type { HistoryRow } from "./history.js";
import type { Metrics } from "./metrics.js";

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
  /** "canopy 0.1.0" */
  createdBy: string;
  /** Tag names by column of the head. */
  tags: string[];
  /** `[tags.length]`, the fitted ones. */
  thresholds: Float32Array;
  /** Gives logits; stacking and calibration are folded in. */
  head: Head;
  /** Groups of tags of which a tile has exactly one: their probabilities are divided by their sum. @default none */
  exclusive?: string[][];
  card: ModelCard;
  backboneSha256: string;
  preprocessing: Preprocessing;
  training: TrainingRecord;
  metrics: { holdOut?: Metrics; crossValidated?: Metrics };
  history: HistoryRow[];
}

/** Versions of the folder's format. Models whose features come from several levels of the backbone cannot be read by a canopy that knows only 1. */
const [PLAIN_VERSION, LEVELS_VERSION] = [1, 2];

/** The version that a model with these features is written in. */
export function formatVersion({ features }: Pick<ModelCard, "features">): number {
  return features.levels === undefined ? PLAIN_VERSION : LEVELS_VERSION;
}

export interface ModelJson extends Omit<Checkpoint, "head" | "history" | "thresholds"> {
  version: number;
  /** By tag. */
  thresholds: number[];
  /** SHA-256 of the files beside it. */
  files: { head: string; history: string };
}

type Fields = Record<string, unknown>;
type Check = (value: unknown, all: Fields) => boolean;

const isText: Check = (value) => typeof value === "string" && value !== "";
const isHash: Check = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isFields: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isTagList: Check = (value) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((tag) => isText(tag, {})) &&
  new Set(value).size === value.length;
const isThresholdList: Check = (value, { tags }) =>
  Array.isArray(value) &&
  value.length === (tags as unknown[]).length &&
  value.every((each) => typeof each === "number" && each >= 0 && each <= 1);
const isGroupList: Check = (value, { tags }) => {
  if (value === undefined) return true;
  if (!Array.isArray(value) || !value.every((group) => Array.isArray(group) && group.length > 1)) return false;
  const names: unknown[] = value.flat();
  return new Set(names).size === names.length && names.every((name) => (tags as unknown[]).includes(name));
};

const isLevel = (value: unknown) =>
  isFields(value, {}) && isText((value as Fields)["name"], {}) && isCount((value as Fields)["count"], {});

// In order: a later check may rely on the ones before it.
const FIELDS: readonly [string, Check][] = [
  ["createdBy", isText],
  ["tags", isTagList],
  ["thresholds", isThresholdList],
  ["exclusive", isGroupList],
  ["card.name", isText],
  ["card.input", isFields],
  ["card.features.count", isCount],
  ["card.features.levels", (value) => value === undefined || (Array.isArray(value) && value.every(isLevel))],
  ["backboneSha256", isHash],
  ["preprocessing.size", isCount],
  ["preprocessing.colorspace", isText],
  ["preprocessing.antialias", (value) => typeof value === "boolean"],
  ["preprocessing.tta", (value) => value === "none" || value === "d4"],
  ["training.head.optimizer", isText],
  ["training.settings", isFields],
  ["metrics", isFields],
  ["files.head", isHash],
  ["files.history", isHash],
];

/** `json` itself; a FormatError names the first thing about it that is wrong. */
export function checkModelJson(json: unknown, path: string): ModelJson {
  if (!isFields(json, {}) || !("version" in (json as Fields))) {
    throw new FormatError(
      path,
      `${path} is not a canopy model: it has no version. Name a folder made by \`canopy train\`.`,
    );
  }
  const fields = json as Fields;
  if (fields["version"] !== PLAIN_VERSION && fields["version"] !== LEVELS_VERSION) {
    throw new FormatError(
      path,
      `${path} has format version ${JSON.stringify(fields["version"])}, this canopy reads versions ${PLAIN_VERSION} and ${LEVELS_VERSION}: use the canopy that wrote it (${String(fields["createdBy"] ?? "unknown")}), or train again.`,
    );
  }
  for (const [name, check] of FIELDS) {
    const value = name.split(".").reduce((each: unknown, key) => (each as Fields | null | undefined)?.[key], fields);
    if (!check(value, fields)) {
      const shown = (JSON.stringify(value) ?? "missing").slice(0, 80);
      throw new FormatError(path, `${path} has no valid "${name}" (${shown}): restore it from a copy, or train again.`);
    }
  }
  return json as ModelJson;
}
