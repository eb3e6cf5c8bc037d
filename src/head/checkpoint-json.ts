/** `model.json`: the readable part of a checkpoint, checked key by key. */
import * as v from "valibot";
import { COLORSPACES } from "../decode/decoder.js";
import { FormatError } from "../errors.js";
import { checkJson } from "../files/read-json.js";
import { count, positive, sha256, share, side, tagName, text } from "../files/schemas.js";
import { modelCard } from "../models/card.js";
import { PRECISIONS } from "../quantise/precision.js";
import type { Head } from "./head.js";
import type { HistoryRow } from "./history.js";
import { headConfig, metrics } from "./record-schemas.js";

/**
 * Versions of the folder's format. A canopy that knows only 1 cannot read models whose features come from several levels of
 * the backbone (2), and one that knows only 2 none whose tiles are read by bands or a stretch (3).
 */
const [PLAIN_VERSION, LEVELS_VERSION, BANDS_VERSION, PRECISION_VERSION] = [1, 2, 3, 4];
const VERSIONS = [PLAIN_VERSION, LEVELS_VERSION, BANDS_VERSION, PRECISION_VERSION];

const distinct = v.check((names: string[]) => new Set(names).size === names.length, "each name once");

const range = v.pipe(
  v.tuple([v.pipe(v.number(), v.finite()), v.pipe(v.number(), v.finite())]),
  v.check(([low, high]) => low < high, "a least and a greater value"),
);

const preprocessing = v.object({
  /** Pixels per side of the tiles the backbone was fed. */
  size: side,
  colorspace: v.picklist(COLORSPACES),
  antialias: v.boolean(),
  /** Test-time augmentation the thresholds were fitted with. @default "none" */
  tta: v.picklist(["none", "d4"]),
  /** Bands of a TIFF that are red, green and blue, or gray, from 1. @default the first */
  bands: v.exactOptional(
    v.pipe(
      v.array(positive),
      v.check((bands) => [1, 3].includes(bands.length), "one or three bands"),
    ),
  ),
  /** Sample values of a TIFF that become 0 and 255, for all bands or for each. @default over the range of the type */
  stretch: v.exactOptional(
    v.pipe(
      v.array(range),
      v.check((ranges) => [1, 3].includes(ranges.length), "one or three ranges"),
    ),
  ),
});

/** How the head came to be; settings beyond the head's own are free-form, for people and the report. */
const trainingRecord = v.object({
  head: headConfig,
  /** Tiles the head was fitted on, and tiles held out for the metrics. */
  tiles: count,
  heldOut: count,
  /** Anything else worth knowing: seed, folds, augmentation, label file, duration. JSON values only. */
  settings: v.record(v.string(), v.unknown()),
});

const fields = v.object({
  version: v.picklist(VERSIONS),
  /** "canopy 0.1.0" */
  createdBy: text,
  /** Tag names by column of the head. */
  tags: v.pipe(v.array(tagName), v.minLength(1, "at least one tag"), distinct),
  /** By tag. */
  thresholds: v.array(share),
  /** Groups of tags of which a tile has exactly one: their probabilities are divided by their sum. @default none */
  exclusive: v.exactOptional(v.array(v.pipe(v.array(tagName), v.minLength(2, "at least two tags")))),
  /** Each tile gets the most probable tag of each group, and no other. @default false: thresholds decide */
  exactlyOne: v.exactOptional(v.boolean()),
  card: modelCard,
  backboneSha256: sha256,
  /**
   * "int8": the backbone computes with 8-bit integers, by the card's ranges; "fp16": with half precision on a GPU. @default "fp32"
   */
  precision: v.exactOptional(v.picklist(PRECISIONS)),
  preprocessing,
  training: trainingRecord,
  metrics: v.object({ holdOut: v.exactOptional(metrics), crossValidated: v.exactOptional(metrics) }),
  /** SHA-256 of the files beside it. */
  files: v.object({ head: sha256, history: sha256 }),
});

const modelJson = v.pipe(
  fields,
  v.forward(
    v.check(({ tags, thresholds }) => thresholds.length === tags.length, "one threshold for each tag"),
    ["thresholds"],
  ),
  v.forward(
    v.check(
      ({ tags, exclusive = [] }) => isSubset(exclusive.flat(), tags),
      "groups of tags of the model, each tag in one group at most",
    ),
    ["exclusive"],
  ),
  v.forward(
    v.check(({ precision, card }) => precision !== "int8" || card.ranges !== undefined, "a card with ranges for int8"),
    ["precision"],
  ),
);

export type ModelJson = v.InferOutput<typeof modelJson>;
export type Preprocessing = v.InferOutput<typeof preprocessing>;
export type TrainingRecord = v.InferOutput<typeof trainingRecord>;

export interface Checkpoint extends Omit<v.InferOutput<typeof modelJson>, "version" | "thresholds" | "files"> {
  /** `[tags.length]`, the fitted ones. */
  thresholds: Float32Array;
  /** Gives logits; calibration is folded in. */
  head: Head;
  history: HistoryRow[];
}

/** The version that a model with these features is written in. */
export function formatVersion({
  card,
  precision,
  preprocessing,
}: Pick<Checkpoint, "card" | "precision" | "preprocessing">): number {
  if (precision !== undefined && precision !== "fp32") return PRECISION_VERSION;
  if (preprocessing.bands !== undefined || preprocessing.stretch !== undefined) return BANDS_VERSION;
  return card.features.levels === undefined ? PLAIN_VERSION : LEVELS_VERSION;
}

/** @throws FormatError that names the first key that is wrong */
export function checkModelJson(json: unknown, path: string): ModelJson {
  const { version, createdBy } = (json ?? {}) as Record<string, unknown>;
  if (version === undefined) {
    throw new FormatError(
      path,
      `${path} is not a canopy model: it has no version. Name a folder made by \`canopy train\`.`,
    );
  }
  if (!VERSIONS.includes(version as number)) {
    throw new FormatError(
      path,
      `${path} has format version ${JSON.stringify(version)}, this canopy reads versions ${PLAIN_VERSION} to ${PRECISION_VERSION}: use the canopy that wrote it (${String(createdBy ?? "unknown")}), or train again.`,
    );
  }
  return checkJson(json, modelJson, { path, advice: "Restore it from a copy, or train again." });
}

function isSubset(names: readonly string[], all: readonly string[]): boolean {
  return new Set(names).size === names.length && names.every((name) => all.includes(name));
}
