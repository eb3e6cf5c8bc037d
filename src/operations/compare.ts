/** `compare`: several trained models' scores on the same labelled tiles, for the tags that all of them know. */
import { checkKinds } from "../check.js";
import { InputError, OptionError } from "../errors.js";
import type { Device } from "../features/device.js";
import { computeMetrics, setFBeta, setFBetaDifference, setFBetaInterval } from "../head/metrics.js";
import type { Recognised } from "../labels/table.js";
import { onceEach, type RunContext } from "../run-context.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { tileLocation } from "../tiles/tile.js";
import type { RejectedTile } from "../training/dataset.js";
import { SCORING_OPTIONS, type TagSummary, toTagSummary } from "./evaluate.js";
import { warnOfRejects } from "./rejects.js";
import { type ScoredModel, type ScoringOptions, scoreModel } from "./scored-model.js";

export interface CompareOptions extends Omit<ScoringOptions, "backbone"> {
  /** Folders that `train` wrote, two or more; the first is what the others are compared with. */
  models: readonly string[];
}

/** Scores; docs/cli.md lists the keys of their JSON. Null if a number has no meaning. */
export interface CompareSummary {
  /** Tiles that every model could read, which are those that are scored. */
  tiles: number;
  /** Tiles that some model could not read. */
  rejected: number;
  /** What the label file was recognised as. */
  labels: Recognised;
  /** Tags that all models know, which are those that are scored. */
  scoredTags: string[];
  /** Tags that some model does not know. */
  leftOutTags: string[];
  /** In the order they were given. */
  models: ComparedModel[];
}

export interface ComparedModel {
  model: string;
  f2: number;
  /** 95% bootstrap interval of `f2`. */
  f2Interval: [low: number, high: number];
  /** `f2` less that of the first model; null for the first. */
  f2Difference: number | null;
  /** 95% interval of the difference by a paired bootstrap: without 0 in it, the models differ on such tiles. */
  f2DifferenceInterval: [low: number, high: number] | null;
  map: number | null;
  microF1: number;
  macroF1: number | null;
  binaryAccuracy: number;
  /** Of the labelled tiles, those that this model was trained on; null if it does not say. */
  trainedOn: number | null;
  provider: Device;
  perTag: TagSummary[];
}

/**
 * Scores models on the same tiles and the same tags, each at its own thresholds.
 * @throws as `evaluate` does, and InputError if the models have no tag or no readable tile in common
 */
export async function compare(options: CompareOptions, context: RunContext = {}): Promise<CompareSummary> {
  const { backbone: _one, ...names } = SCORING_OPTIONS;
  checkKinds(options, { ...names, models: "list" });
  const { models, ...rest } = options;
  if (models.length < 2) throw new OptionError(`Expected two or more \`models\` to compare, got ${models.length}.`);
  const once = tellingOnce(context);
  const scored: ScoredModel[] = [];
  for (const model of models) scored.push(await scoreModel({ ...rest, model }, once));
  const rejected = distinctRejects(scored);
  warnOfRejects(rejected, context);
  const shared = restrict(scored, context);
  const { labels } = shared[0];
  if (labels.rows === 0)
    throw new InputError("There is no tile that every model can read, so that nothing can be compared.");
  return {
    tiles: labels.rows,
    rejected: rejected.length,
    labels: scored[0].dataset.recognised,
    scoredTags: [...labels.tags],
    leftOutTags: tagsLeftOut(scored, labels.tags),
    models: models.map((model, i) => summarize(model, scored[i], shared[i], i === 0 ? undefined : shared[0])),
  };
}

/** Each model reads the same labels and tiles, and would warn of the same. */
function tellingOnce({ onWarning, onNotice, ...rest }: RunContext): RunContext {
  return {
    ...rest,
    ...(onWarning && { onWarning: onceEach(onWarning) }),
    ...(onNotice && { onNotice: onceEach(onNotice) }),
  };
}

function distinctRejects(scored: readonly ScoredModel[]): RejectedTile[] {
  const rejected = new Map<string, RejectedTile>();
  for (const { dataset } of scored) {
    for (const each of dataset.rejected) rejected.set(tileLocation(each.tile), each);
  }
  return [...rejected.values()];
}

/** A model's results on the tiles and tags that all models share. */
interface Shared {
  labels: LabelMatrix;
  probabilities: Float32Array;
  thresholds: Float32Array;
  decisions: Uint8Array;
}

function restrict(scored: readonly ScoredModel[], { onWarning }: RunContext): Shared[] {
  const knownTags = scored.map(({ dataset }) => new Set(dataset.labels.tags));
  const tags = scored[0].dataset.labels.tags.filter((tag) => knownTags.every((known) => known.has(tag)));
  if (tags.length === 0) throw new InputError("The models have no tag in common, so that nothing can be compared.");
  const without = tagsLeftOut(scored, tags);
  if (without.length > 0) onWarning?.(`Left out, because not every model knows them: ${without.join(", ")}.`);
  const readTiles = scored.map(({ dataset }) => new Set(dataset.tiles.map(tileLocation)));
  return scored.map(({ dataset, probabilities, thresholds, decisions }) => {
    const columns = tags.map((tag) => dataset.labels.tags.indexOf(tag));
    const rows = [...dataset.tiles.keys()].filter((row) =>
      readTiles.every((read) => read.has(tileLocation(dataset.tiles[row]))),
    );
    const cells = rows.flatMap((row) => columns.map((column) => row * dataset.labels.tags.length + column));
    return {
      labels: { data: Uint8Array.from(cells, (cell) => dataset.labels.data[cell]), rows: rows.length, tags },
      probabilities: Float32Array.from(cells, (cell) => probabilities[cell]),
      thresholds: Float32Array.from(columns, (column) => thresholds[column]),
      decisions: Uint8Array.from(cells, (cell) => decisions[cell]),
    };
  });
}

function tagsLeftOut(scored: readonly ScoredModel[], tags: readonly string[]): string[] {
  const all = new Set(scored.flatMap(({ dataset }) => [...dataset.labels.tags]));
  return [...all].filter((tag) => !tags.includes(tag));
}

function summarize(model: string, scored: ScoredModel, own: Shared, first: Shared | undefined): ComparedModel {
  const { probabilities, labels, thresholds, decisions } = own;
  const metrics = computeMetrics(probabilities, labels, thresholds, { decisions });
  const interval = setFBetaInterval(decisions, labels, 2);
  const difference = first && setFBetaDifference(decisions, first.decisions, labels, 2);
  const firstF2 = first && setFBeta(first.decisions, labels, 2);
  return {
    model,
    f2: metrics.f2,
    f2Interval: [interval.low, interval.high],
    f2Difference: firstF2 === undefined ? null : metrics.f2 - firstF2,
    f2DifferenceInterval: difference ? [difference.low, difference.high] : null,
    map: metrics.map,
    microF1: metrics.microF1,
    macroF1: metrics.macroF1,
    binaryAccuracy: metrics.binaryAccuracy,
    trainedOn: scored.trainedOn,
    provider: scored.dataset.device,
    perTag: metrics.perTag.map(toTagSummary),
  };
}
