/** What a report says, as plain JSON data: `canopy report` renders it again without tiles, features or model. */
import type { HistoryRow } from "../head/history.js";
import type { Metrics } from "../head/metrics.js";

/** Version of report.json that this canopy writes and reads. */
export const REPORT_VERSION = 1;

export interface ReportData {
  version: number;
  /** What the model is called: the last part of its folder's path. */
  name: string;
  /** "canopy 0.1.0" */
  createdBy: string;
  /** ISO 8601 in UTC. */
  createdAt: string;
  training: TrainingFacts;
  score: Score;
  summary: Summary;
  /** Empty for a head fitted in one go (L-BFGS). */
  history: HistoryRow[];
  /** Null where nobody looked for label errors. */
  labelErrors: LabelErrors | null;
  speed: StageSpeed[];
  /** What the run warned of. */
  warnings: string[];
  /** Thumbnails by tile name; see `wantedPictures`. Tiles without one are shown by name. */
  pictures: Picture[];
}

export interface TrainingFacts {
  /** INPUT and the label file as the user wrote them. */
  input: string;
  labels: string;
  /** Tiles that were decoded, labelled and used. */
  tiles: number;
  rejected: number;
  tilesWithoutLabels: number;
  labelsWithoutTiles: number;
  backbone: { name: string; sha256: string; licence: string; description: string };
  /** Pixels per side the backbone was fed. */
  size: number;
  /** The provider that really ran. */
  device: string;
  seed: number;
  /** Optimiser, learning rate, penalty, augmentation ...: shown by name, in this order. */
  recipe: Record<string, string | number | boolean>;
  /** canopy, Node, ONNX Runtime, libjpeg-turbo ... */
  versions: Record<string, string>;
  /** Processor, cores and memory in a few words. */
  machine: string;
  /** Wall-clock seconds of the whole run. */
  seconds: number;
}

export interface Score {
  /** `perTag` is by column, as `Summary.tags`. */
  metrics: Metrics;
  measuredOn: "out-of-fold" | "hold-out";
  /** Number of folds, where measured out of fold. */
  folds?: number;
  /** Bootstrap interval of `metrics.f2`; null where it was not computed. `level` is 0.95 for 95%. */
  interval: { low: number; high: number; level: number } | null;
}

/** What `summarise` finds in the probabilities of tiles the head has not seen. */
export interface Summary {
  tiles: number;
  /** By column. */
  tags: TagSummary[];
  reliability: Reliability;
  coOccurrence: CoOccurrence;
  /** The best one can do by giving every tile the same tags, in samples-averaged F2: what any model must beat. */
  constant: { f2: number; tags: string[] };
}

export interface TagSummary {
  tag: string;
  /** From high to low threshold; thinned to at most 64 points. Empty where no tile has the tag. */
  curve: CurvePoint[];
  /** Right predictions, the most certain first. */
  hits: Gallery;
  /** Predicted, but not labelled; the most certain first. */
  falseAlarms: Gallery;
  /** Labelled, but not predicted; the least probable first. */
  misses: Gallery;
}

export interface CurvePoint {
  threshold: number;
  precision: number;
  recall: number;
}

export interface Gallery {
  /** Tiles of the kind, of which only the first few are listed. */
  count: number;
  tiles: GalleryTile[];
}

export interface GalleryTile {
  name: string;
  probability: number;
  /** The tags it is labelled with. */
  tags: string[];
}

/** How far probabilities can be taken at their word, over all cells of the label matrix. */
export interface Reliability {
  /** Expected calibration error: mean |probability - share that is true|, weighted by bin. */
  ece: number;
  /** Equal widths from 0 to 1; bins without cells are left out. */
  bins: ReliabilityBin[];
}

export interface ReliabilityBin {
  low: number;
  high: number;
  count: number;
  meanProbability: number;
  /** Share of the bin's cells whose label is 1. */
  share: number;
}

/** Of the tiles with tag i, how many also have tag j: `[tags, tags]` counts, row-major. The diagonal is the tag's own count. */
export interface CoOccurrence {
  labels: number[];
  predicted: number[];
}

export interface LabelErrors {
  /** File in MODEL_DIR that lists them all, if there is one. */
  file?: string;
  /** How many there are; `suspects` may be fewer. */
  count: number;
  /** The surest first. */
  suspects: Suspect[];
}

/** A label that predictions by models which have not seen the tile contradict. */
export interface Suspect {
  name: string;
  tag: string;
  /** Whether the tile is labelled with `tag`; the suggestion is the opposite. */
  given: boolean;
  probability: number;
  /** All tags the tile is labelled with. */
  tags: string[];
}

export interface StageSpeed {
  stage: string;
  /** Things done, `unit` says what they are. */
  count: number;
  unit: string;
  seconds: number;
}

export interface Picture {
  name: string;
  /** A `data:image/...;base64,` URI, as `makeThumbnail` gives it. */
  source: string;
}

/** Tiles with probable label errors that the report shows; LabelErrors.file has them all. */
export const MOST_SUSPECTS = 48;

/** Tags with fewer positives than this are said to be too few to tell, whatever their scores. */
export const FEW_POSITIVES = 10;

/** The tiles whose thumbnails the report shows, the most telling first: what to put into `ReportData.pictures`. */
export function wantedPictures(summary: Summary, labelErrors: LabelErrors | null): string[] {
  return [...new Set(listPictures(summary, labelErrors))];
}

/** The same with a tile as often as it is shown. */
export function listPictures(summary: Summary, labelErrors: LabelErrors | null): string[] {
  const galleries = summary.tags.flatMap((tag) => [tag.misses.tiles, tag.falseAlarms.tiles, tag.hits.tiles]);
  const longest = Math.max(0, ...galleries.map((tiles) => tiles.length));
  const byRank = Array.from({ length: longest }, (_, rank) =>
    galleries.flatMap((tiles) => tiles.slice(rank, rank + 1)),
  );
  const suspects = new Set(labelErrors?.suspects.map((suspect) => suspect.name));
  return [...[...suspects].slice(0, MOST_SUSPECTS), ...byRank.flat().map((tile) => tile.name)];
}
