/** The content of a report as plain JSON data: `canopy report` renders it again without tiles, features or model. */
import * as v from "valibot";
import { count, finite, positive, sha256, share, text } from "../files/schemas.js";
import { historyRow, metrics } from "../head/record-schemas.js";

const curvePoint = v.object({
  threshold: share,
  precision: share,
  recall: share,
  /** What the model's decisions reach; its precision and recall are those of the tag's scores. */
  chosen: v.exactOptional(v.literal(true)),
});

const galleryTile = v.object({
  name: text,
  probability: share,
  /** The tags it is labelled with. */
  tags: v.array(text),
});

const gallery = v.object({
  /** Tiles of the kind, of which only the first few are listed. */
  count,
  tiles: v.array(galleryTile),
});

const tagSummary = v.object({
  tag: text,
  /** From high to low threshold; thinned to at most 64 points. Empty if no tile has the tag. */
  curve: v.array(curvePoint),
  /** Right predictions, the most certain first. */
  hits: gallery,
  /** Predicted, but not labelled; the most certain first. */
  falseAlarms: gallery,
  /** Labelled, but not predicted; the least probable first. */
  misses: gallery,
});

const reliabilityBin = v.object({
  low: share,
  high: share,
  count,
  meanProbability: share,
  /** Share of the bin's cells whose label is 1. */
  share,
});

/** How well probabilities are calibrated, over all cells of the label matrix. */
const reliability = v.object({
  /** Expected calibration error: mean |probability - share that is true|, weighted by bin. */
  ece: share,
  /** Equal widths from 0 to 1; bins without cells are left out. */
  bins: v.array(reliabilityBin),
});

/** Of the tiles with tag i, how many also have tag j: `[tags, tags]` counts, row-major. The diagonal is the tag's own count. */
const coOccurrence = v.object({ labels: v.array(count), predicted: v.array(count) });

/** What `summarise` finds in the probabilities of tiles the head has not seen. */
const summary = v.object({
  tiles: count,
  /** By column. */
  tags: v.array(tagSummary),
  reliability,
  coOccurrence,
  /** Of the tiles that miss tag i, how many were wrongly given tag j: `[tags, tags]`, row-major. */
  confusions: v.array(count),
  /** The best samples-averaged F2 with the same tags for every tile: any model must beat it. */
  constant: v.object({ f2: share, tags: v.array(text) }),
});

/** A label that may be wrong. */
const suspect = v.object({
  name: text,
  tag: text,
  /** Whether the tile is labelled with `tag`; the suggestion is the opposite. */
  given: v.boolean(),
  /** Probability that it is wrong. */
  score: share,
  /** All tags the tile is labelled with. */
  tags: v.array(text),
});

const labelErrors = v.object({
  /** File in MODEL_DIR that lists them all, if there is one. */
  file: v.exactOptional(text),
  /** How many there are; `suspects` may be fewer. */
  count,
  /** How many of them are wrong, as far as their scores tell: their sum. */
  expected: v.pipe(v.number(), v.minValue(0)),
  /** The surest first. */
  suspects: v.array(suspect),
});

const trainingFacts = v.object({
  /** INPUT and the label file as the user wrote them. */
  input: v.string(),
  labels: v.string(),
  /** Tiles that were decoded, labelled and used. */
  tiles: count,
  rejected: count,
  tilesWithoutLabels: count,
  labelsWithoutTiles: count,
  backbone: v.object({ name: text, sha256, licence: text, description: text }),
  /** Pixels per side the backbone was fed. */
  size: positive,
  /** The provider that really ran. */
  device: text,
  seed: count,
  /** Optimiser, learning rate, penalty, augmentation ...: shown by name, in this order. */
  recipe: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  /** canopy, Node, ONNX Runtime, libjpeg-turbo ... */
  versions: v.record(v.string(), v.string()),
  /** Processor, cores and memory in a few words. */
  machine: v.string(),
  /** Wall-clock seconds of the whole run. */
  seconds: finite,
});

const score = v.object({
  /** `perTag` is by column, as `Summary.tags`. */
  metrics,
  measuredOn: v.picklist(["out-of-fold", "hold-out"]),
  /** Number of folds, where measured out of fold. */
  folds: v.exactOptional(positive),
  /** Bootstrap interval of `metrics.f2`; null if it was not computed. `level` is 0.95 for 95%. */
  interval: v.nullable(v.object({ low: share, high: share, level: share })),
});

const stageSpeed = v.object({
  stage: text,
  /** Things done, `unit` says what they are. */
  count,
  unit: text,
  seconds: finite,
});

const picture = v.object({
  name: text,
  /** A `data:image/...;base64,` URI, as `makeThumbnail` gives it. */
  source: v.pipe(v.string(), v.startsWith("data:image/", "a data:image/ URI")),
});

/** The frozen backbone against the tuned one, on tiles that neither has seen. */
const finetune = v.object({
  kept: v.boolean(),
  epochs: count,
  f2Before: share,
  f2After: share,
  mapBefore: v.nullable(share),
  mapAfter: v.nullable(share),
});

/** Version of report.json that this canopy writes and reads. */
export const REPORT_VERSION = 3;

export const reportData = v.object({
  version: v.literal(REPORT_VERSION),
  /** What the model is called: the last part of its folder's path. */
  name: text,
  /** "canopy 0.1.0" */
  createdBy: text,
  /** ISO 8601 in UTC. */
  createdAt: text,
  training: trainingFacts,
  score,
  summary,
  /** Empty for a head fitted in one go (L-BFGS). */
  history: v.array(historyRow),
  /** Null if label errors were not looked for. */
  labelErrors: v.nullable(labelErrors),
  speed: v.array(stageSpeed),
  /** Absent if the backbone was not fine-tuned. */
  finetune: v.exactOptional(finetune),
  /** Warnings of the run. */
  warnings: v.array(v.string()),
  /** Thumbnails by tile name; see `wantedPictures`. Tiles without one are shown by name. */
  pictures: v.array(picture),
});

export type ReportData = v.InferOutput<typeof reportData>;
export type Summary = v.InferOutput<typeof summary>;
export type TagSummary = v.InferOutput<typeof tagSummary>;
export type CurvePoint = v.InferOutput<typeof curvePoint>;
export type Gallery = v.InferOutput<typeof gallery>;
export type GalleryTile = v.InferOutput<typeof galleryTile>;
export type Reliability = v.InferOutput<typeof reliability>;
export type ReliabilityBin = v.InferOutput<typeof reliabilityBin>;
export type CoOccurrence = v.InferOutput<typeof coOccurrence>;
export type LabelErrors = v.InferOutput<typeof labelErrors>;
export type Suspect = v.InferOutput<typeof suspect>;
export type StageSpeed = v.InferOutput<typeof stageSpeed>;
export type Picture = v.InferOutput<typeof picture>;

/** Tiles with labels that may be wrong that the report shows; LabelErrors.file has them all. */
export const MOST_SUSPECTS = 48;

/** Scores of tags with fewer positives are marked as not reliable. */
export const FEW_POSITIVES = 10;

/** The tiles whose thumbnails the report shows, the most important first; for `ReportData.pictures`. */
export function wantedPictures(summary: Summary, labelErrors: LabelErrors | null): string[] {
  return [...new Set(listPictures(summary, labelErrors))];
}

/** The same, with each tile as often as it is shown. */
export function listPictures(summary: Summary, labelErrors: LabelErrors | null): string[] {
  const galleries = summary.tags.flatMap((tag) => [tag.misses.tiles, tag.falseAlarms.tiles, tag.hits.tiles]);
  const longest = Math.max(0, ...galleries.map((tiles) => tiles.length));
  const byRank = Array.from({ length: longest }, (_, rank) =>
    galleries.flatMap((tiles) => tiles.slice(rank, rank + 1)),
  );
  const suspects = new Set(labelErrors?.suspects.map((suspect) => suspect.name));
  return [...[...suspects].slice(0, MOST_SUSPECTS), ...byRank.flat().map((tile) => tile.name)];
}
