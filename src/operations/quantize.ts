/** `quantize`: a trained model that computes with 8-bit integers, from one that computes with floats. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { checkKinds, type OptionKinds } from "../check.js";
import { InputError, ModelError, restateInterrupt } from "../errors.js";
import type { Device } from "../features/device.js";
import { type ExtractorOptions, openExtractor } from "../features/extractor.js";
import { type Kernels, kernelsOn } from "../features/kernels.js";
import { observeRanges } from "../features/observe-ranges.js";
import { whileLocked } from "../files/lock.js";
import { writeWhole } from "../files/write.js";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "../head/checkpoint.js";
import type { FeatureMatrix } from "../head/feature-matrix.js";
import { checkLabelsGiven, type LabelOptions, labelOptions } from "../labels/options.js";
import { prepareBackbone } from "../onnx/prepare.js";
import type { FloatNode } from "../quantise/plan.js";
import type { Precision } from "../quantise/precision.js";
import { quantise } from "../quantise/quantise.js";
import type { Ranges } from "../quantise/ranges.js";
import { type RunContext, tellOnce } from "../run-context.js";
import type { TileInputs } from "../tiles/inputs.js";
import { openTiles } from "../tiles/sources.js";
import { createTagSet } from "../tiles/tag-set.js";
import type { Tile } from "../tiles/tile.js";
import { loadDataset, type RejectedTile } from "../training/dataset.js";
import { type Refitted, refit, type TileFeatures } from "../training/refit.js";
import { selectRows } from "../training/rows.js";
import { addSeenTiles, SEEN_TILES_FILE } from "../training/seen-tiles.js";
import { checkModelFolder, writeModelFolder } from "./model-folder.js";
import { rejectsBeside } from "./rejects.js";
import { type ReadingOptions, trainedExtractor } from "./trained-extractor.js";

export interface QuantizeOptions extends LabelOptions, ReadingOptions {
  /** Folder that `train` wrote. */
  model: string;
  /** Tiles like those that will be tagged: folders, files, archives, patterns, `@list.txt`. */
  tiles: TileInputs;
  /** Their labels. With them the head is fitted again, if that is better. @default none */
  labels?: string | undefined;
  /** Model folder to write. */
  out: string;
  /** Replaces a model in `out`. @default false */
  overwrite?: boolean | undefined;
}

/** What changed. docs/cli.md lists the keys of the JSON. */
export interface QuantizeSummary {
  out: string;
  tiles: number;
  rejected: number;
  rejects: string | null;
  /** Nodes of the backbone that compute with integers, and those that do not, with the reason. */
  integer: number;
  float: FloatNode[];
  /** Cosine between a tile's features with integers and with floats: the mean and the least. */
  cosine: { mean: number; least: number };
  /** Share of tiles with the same tags as before. */
  sameTags: number;
  refitted: "thresholds" | "head";
  thresholds: { tag: string; before: number; after: number }[];
  /**
   * On the labelled tiles: the model before, with integers and its old head, and new heads out of fold on both kinds of
   * features (null for a fine-tuned model, whose head stays); null without labels.
   */
  f2: Refitted["f2"];
  /** What computes on this machine. */
  kernels: Kernels;
}

const OPTIONS: OptionKinds<QuantizeOptions> = {
  model: "string",
  tiles: "strings",
  labels: "string?",
  labelFormat: true,
  labelColumns: true,
  tagSeparator: "string?",
  split: "string?",
  out: "string",
  overwrite: "boolean?",
  backbone: "string?",
  device: true,
  workers: true,
  maxPixels: true,
  onTruncated: true,
};

const INTERRUPTED = "Interrupted; the features extracted so far are cached: quantize again to go on.";

/**
 * Observes ranges on the tiles, and fits thresholds (with labels: the head, if that is better) to the features that
 * integers give. Throws an InputError for a model that is quantised already, a ModelError for a backbone that cannot be.
 */
export async function quantize(options: QuantizeOptions, context: RunContext = {}): Promise<QuantizeSummary> {
  checkKinds(options, OPTIONS);
  checkLabelsGiven(options);
  // The tiles are read with floats and with integers.
  const run = () => quantizeInto(options, tellOnce(context)).catch(restateInterrupt(INTERRUPTED));
  return whileLocked(options.out, context, run);
}

async function quantizeInto(options: QuantizeOptions, context: RunContext): Promise<QuantizeSummary> {
  const { model, out, overwrite = false } = options;
  const before = await loadCheckpoint(model);
  if (before.precision === "int8")
    throw new InputError(`The model in ${model} computes with 8-bit integers already: use it as it is.`);
  await checkModelFolder(out, { overwrite });
  const floats = await trainedExtractor(before, options, context);
  const { card, bytes } = floats.backbone;
  const prepared = prepareBackbone(bytes, card, floats.size);
  const { fp32, int8, ranges } = await loadBoth(options, floats, prepared, before, context);
  const { integer, float } = quantise(prepared, ranges);
  const rejects = await rejectsBeside(out, int8.rejected, context);
  const cosine = checkCosine(cosines(fp32.features[0], int8.features[0]), card.name, float);
  const fitted = await refit(before, fp32, int8, context);
  const after: Checkpoint = {
    ...before,
    head: fitted.head,
    thresholds: fitted.thresholds,
    card: { ...card, ranges },
    precision: "int8",
    // Scores of the float model are not this one's.
    metrics: fitted.metrics,
  };
  await writeModelFolder(out, async (folder) => {
    const hasOwn = card.file === basename(card.file) && existsSync(join(model, card.file));
    if (hasOwn) await writeWhole(join(folder, card.file), bytes);
    const learnt = fitted.refitted === "head" ? int8.tiles : [];
    const seen = await addSeenTiles(join(model, SEEN_TILES_FILE), learnt);
    if (seen !== undefined) await writeWhole(join(folder, SEEN_TILES_FILE), seen);
    await saveCheckpoint(folder, after);
  });
  return {
    out,
    tiles: int8.features[0].rows,
    rejected: int8.rejected.length,
    rejects,
    integer,
    float,
    cosine,
    sameTags: fitted.sameTags,
    refitted: fitted.refitted,
    thresholds: before.tags.map((tag, i) => ({ tag, before: before.thresholds[i], after: after.thresholds[i] })),
    f2: fitted.f2,
    kernels: kernelsOn(int8.device).kernels,
  };
}

interface Loaded extends TileFeatures {
  /** Those that have a row. */
  tiles: readonly Tile[];
  rejected: readonly RejectedTile[];
  device: Device;
}

/** The tiles' features with floats and with integers, and the ranges observed on them. */
async function loadBoth(
  options: QuantizeOptions,
  floats: ExtractorOptions,
  model: Uint8Array,
  { tags }: Checkpoint,
  context: RunContext,
): Promise<{ fp32: Loaded; int8: Loaded; ranges: Ranges }> {
  const { tiles: inputs, labels } = options;
  const opened = await openTiles(inputs, context);
  try {
    const tiles: Tile[] = [];
    for await (const tile of opened.list()) tiles.push(tile);
    const ranges = await observeRanges(tiles, { ...floats, model }, context);
    const { card, bytes } = floats.backbone;
    const ranged = { ...floats, backbone: { bytes, card: { ...card, ranges } } };
    const load = async (precision: Precision): Promise<Loaded> => {
      if (labels === undefined) return extractAll(tiles, { ...ranged, precision }, context);
      const tagSet = createTagSet(tags);
      const labelled = { tiles: inputs, ...labelOptions(options), labels, tagSet, parts: [["train", "val"]] as const };
      return loadDataset({ ...ranged, ...labelled, precision }, context);
    };
    return { fp32: await load("fp32"), int8: await load("int8"), ranges };
  } finally {
    await opened.close();
  }
}

/** Without labels. Rejected tiles have no row. */
async function extractAll(tiles: readonly Tile[], options: ExtractorOptions, context: RunContext): Promise<Loaded> {
  const extractor = await openExtractor(options, context);
  try {
    const { features, numFeatures, outcomes } = await extractor.extract(tiles, context);
    const good = [...outcomes.keys()].filter((i) => outcomes[i] === undefined);
    const rejected = tiles.flatMap((tile, i) => {
      const failure = outcomes[i];
      return failure === undefined ? [] : [{ tile, failure }];
    });
    const kept = features.map((data) => ({
      data: selectRows(data, numFeatures, good),
      rows: good.length,
      numFeatures,
    }));
    return { tiles: good.map((i) => tiles[i]), features: kept, rejected, device: extractor.device };
  } finally {
    await extractor.close();
  }
}

/** Below this, features are others than those the network learned. */
const LEAST_COSINE = 0.99;

/** @throws ModelError for a network that loses too much */
export function checkCosine(cosine: QuantizeSummary["cosine"], name: string, float: readonly FloatNode[]) {
  if (cosine.mean >= LEAST_COSINE) return cosine;
  const operators = [...new Set(float.map(({ operator }) => operator))].join(", ");
  throw new ModelError(
    `${name} loses too much with 8-bit integers: the cosine of its features to those of floats is ${cosine.mean.toFixed(3)}, less than ` +
      `${LEAST_COSINE} (${operators} stay float). Keep the float model, or train with \`precision\` auto, which measures what it costs.`,
  );
}

/** Between the rows of two matrices. */
function cosines(a: FeatureMatrix, b: FeatureMatrix): QuantizeSummary["cosine"] {
  const { rows, numFeatures } = a;
  const all = Array.from({ length: rows }, (_, row) => {
    let [product, ofA, ofB] = [0, 0, 0];
    for (let i = row * numFeatures; i < (row + 1) * numFeatures; i++) {
      product += a.data[i] * b.data[i];
      ofA += a.data[i] ** 2;
      ofB += b.data[i] ** 2;
    }
    return product / Math.sqrt(ofA * ofB || 1);
  });
  return { mean: all.reduce((sum, each) => sum + each, 0) / rows, least: all.reduce((a, b) => Math.min(a, b)) };
}
