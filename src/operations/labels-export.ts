/** `labels export`: labels, predictions or both, as tables and for labelling tools. */
import { checkKinds, checkOneOf, type OptionKinds } from "../check.js";
import { type CuratedTile, EXCHANGE_FORMATS, namesFor } from "../curation/curated-tile.js";
import { exchangeText } from "../curation/exchange.js";
import type { ImageUrlOptions } from "../curation/image-url.js";
import { labelConfig } from "../curation/label-studio.js";
import { LABEL_TABLES, labelTableText } from "../curation/label-tables.js";
import { type PredictionTable, readPredictions } from "../curation/prediction-file.js";
import { InputError, OptionError } from "../errors.js";
import type { CsvOptions } from "../files/csv.js";
import { checkOutput } from "../files/output.js";
import { writePieces } from "../files/write.js";
import { tellLabels } from "../labels/describe.js";
import { readLabels } from "../labels/formats.js";
import { pairTiles } from "../labels/match.js";
import { type NameList, readNames } from "../labels/name-list.js";
import { checkLabelsGiven, type LabelOptions, labelOptions } from "../labels/options.js";
import type { LabelRow, LabelTable } from "../labels/table.js";
import type { RunContext } from "../run-context.js";
import type { TileInputs } from "../tiles/inputs.js";
import { collectTiles } from "../tiles/sources.js";
import type { Tile } from "../tiles/tile.js";

export const EXPORT_FORMATS = [...LABEL_TABLES, ...EXCHANGE_FORMATS] as const;
export type ExportLabelsFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportLabelsOptions extends CsvOptions, ImageUrlOptions, LabelOptions {
  /** Folders, files, archives, patterns, `@list.txt`: where the pictures are. @default for tables: all that is labelled or predicted */
  tiles?: TileInputs | undefined;
  /** File to write. */
  out: string;
  /** A table, or the tool that `out` is for. */
  format: ExportLabelsFormat;
  /** Label file. Either this or `predictions` must be given. */
  labels?: string | undefined;
  /** CSV or JSON lines that `predict` wrote. */
  predictions?: string | undefined;
  /** CSV whose first column names the tiles to export, in this order: label-errors.csv, or what `suggest` wrote. @default all */
  only?: string | undefined;
  /** Replace `out`. @default false */
  overwrite?: boolean | undefined;
}

/** Keys are those of `--json`, in camelCase, and stable. */
export interface ExportLabelsSummary {
  out: string;
  format: ExportLabelsFormat;
  /** Tiles written; those of them that have labels, and that have predictions. */
  tiles: number;
  labelled: number;
  predicted: number;
  /** Names that were to be exported and have no tile. */
  withoutTile: number;
  /** Label Studio's labelling interface for the tags; null in other formats. */
  labelConfig: string | null;
}

const OPTIONS: OptionKinds<ExportLabelsOptions> = {
  tiles: "strings?",
  out: "string",
  format: true,
  labels: "string?",
  predictions: "string?",
  only: "string?",
  overwrite: "boolean?",
  escapeFormulas: "boolean?",
  imageUrl: "string?",
  imageRoot: "string?",
  labelFormat: true,
  labelColumns: true,
  tagSeparator: "string?",
  split: "string?",
};

/**
 * Writes tiles with their labels or predictions as a table, or in the format of a labelling tool.
 * @throws OptionError if there is neither labels nor predictions; InputError for files that do not fit together;
 * FormatError
 */
export async function exportLabels(
  options: ExportLabelsOptions,
  context: RunContext = {},
): Promise<ExportLabelsSummary> {
  checkKinds(options, OPTIONS);
  const { out, format } = options;
  checkOneOf("format", format, EXPORT_FORMATS);
  checkLabelsGiven(options);
  if (options.labels === undefined && options.predictions === undefined) {
    throw new OptionError("Expected `labels` or `predictions`: without them there is nothing to export.");
  }
  if (options.tiles === undefined && isExchange(format)) {
    throw new OptionError(`Expected \`tiles\`: ${format} shows pictures.`);
  }
  await checkOutput(out, options.overwrite);
  const known = await readKnown(options, context);
  const curated = await curate(known, options, context);
  const { tiles } = curated;
  await writePieces(out, textOf(curated, known, options, context));
  const withoutTile = known.wanted.length - tiles.length;
  if (withoutTile > 0) {
    context.onWarning?.(`${withoutTile} of the ${known.wanted.length} tiles to export were not found among the tiles.`);
  }
  return {
    out,
    format,
    tiles: tiles.length,
    labelled: tiles.filter(({ labels }) => labels !== undefined).length,
    predicted: tiles.filter(({ prediction }) => prediction !== undefined).length,
    withoutTile,
    labelConfig:
      format === "label-studio"
        ? labelConfig(known.tags, { doubts: tiles.every(({ doubts }) => doubts !== undefined) })
        : null,
  };
}

function isExchange(format: ExportLabelsFormat): format is (typeof EXCHANGE_FORMATS)[number] {
  return (EXCHANGE_FORMATS as readonly string[]).includes(format);
}

interface Curated {
  tiles: CuratedTile[];
  /** What tables call a tile: no other one of the input, exported or not. */
  nameOf: (tile: Tile) => string;
}

function textOf({ tiles, nameOf }: Curated, { tags }: Known, options: ExportLabelsOptions, { onWarning }: RunContext) {
  const { format, out, imageUrl, imageRoot, escapeFormulas } = options;
  return isExchange(format)
    ? exchangeText(format, tiles, { tags, imageUrl, imageRoot, onWarning })
    : labelTableText(format, tiles, { tags, out, nameOf, escapeFormulas });
}

/** What the files say. */
interface Known {
  labels: LabelTable | undefined;
  predictions: PredictionTable | undefined;
  /** The tiles to export, in this order; undefined for all that are labelled or predicted. */
  only: NameList | undefined;
  /** Paths of tiles to export. */
  wanted: readonly string[];
  tags: string[];
}

async function readKnown(options: ExportLabelsOptions, context: RunContext): Promise<Known> {
  const { labels: path, predictions: predicted } = options;
  const labels = path === undefined ? undefined : await readLabels(path, labelOptions(options));
  if (labels !== undefined) tellLabels(labels, context);
  const rows = labels?.rows ?? [];
  const predictions = predicted === undefined ? undefined : await readPredictions(predicted);
  const only = options.only === undefined ? undefined : await readNames(options.only);
  const wanted = (only?.rows ?? allRows(labels, predictions)).map((row) => row.path);
  const tags = new Set(rows.flatMap((row) => row.tags));
  for (const prediction of predictions?.of.values() ?? []) {
    for (const tag of [...prediction.tags, ...(prediction.probabilities?.keys() ?? [])]) tags.add(tag);
  }
  return { labels, predictions, only, wanted, tags: [...tags].sort() };
}

/** Rows of labels, and of predictions for other tiles. */
function allRows(labels: LabelTable | undefined, predictions: PredictionTable | undefined): readonly LabelRow[] {
  const labelled = new Set(labels?.rows.map(({ name }) => name));
  const others = predictions?.rows.filter(({ name }) => !labelled.has(name)) ?? [];
  return [...(labels?.rows ?? []), ...others];
}

/** The tiles to export, with what is known of them. */
async function curate(known: Known, options: ExportLabelsOptions, context: RunContext): Promise<Curated> {
  const { labels, predictions, only, wanted } = known;
  const tiles = options.tiles === undefined ? namedTiles(known) : await listTiles(options.tiles, context);
  const labelled = labels && pairTiles(labels, tiles);
  const predicted = predictions && pairTiles(predictions, tiles);
  const tagsOf = new Map(labelled?.tiles.map((tile, i) => [tile, labelled.rows[i].tags]));
  const predictionOf = new Map(predicted?.tiles.map((tile, i) => [tile, predictions?.of.get(predicted.rows[i])]));
  const chosen = only && pairTiles(only, tiles);
  const doubtsOf = new Map(chosen?.tiles.map((tile, i) => [tile, only?.doubts.get(chosen.rows[i])]));
  const found = chosen ? chosen.tiles : tiles.filter((tile) => tagsOf.has(tile) || predictionOf.has(tile));
  if (found.length === 0) {
    throw new InputError(
      `None of the ${wanted.length} tiles to export is among the tiles; the first is called ${wanted[0]}.`,
    );
  }
  const curated = found.map((tile) => {
    const [own, prediction, doubts] = [tagsOf.get(tile), predictionOf.get(tile), doubtsOf.get(tile)];
    return { tile, ...(own && { labels: own }), ...(prediction && { prediction }), ...(doubts && { doubts }) };
  });
  return { tiles: curated, nameOf: namesFor(tiles) };
}

async function listTiles(inputs: TileInputs, context: RunContext): Promise<Tile[]> {
  const { tiles, close } = await collectTiles(inputs, context);
  await close();
  return tiles;
}

/** Without pictures: the tiles that the files name. */
function namedTiles({ labels, predictions }: Known): Tile[] {
  return allRows(labels, predictions).map(({ name, path }): Tile => ({ name, path }));
}
