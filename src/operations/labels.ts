/** `labels`: label files to and from labelling tools. */
import { stringify } from "csv-stringify/sync";
import { checkOneOf } from "../check.js";
import {
  type CuratedTile,
  EXCHANGE_FORMATS,
  type ExchangeFormat,
  type TilePrediction,
} from "../curation/curated-tile.js";
import { exchangeText } from "../curation/exchange.js";
import type { ImageUrlOptions } from "../curation/image-url.js";
import { readLabelExport } from "../curation/label-import.js";
import { labelConfig } from "../curation/label-studio.js";
import { readPredictions } from "../curation/prediction-file.js";
import { InputError, OptionError } from "../errors.js";
import { checkOutput } from "../files/output.js";
import { writePieces } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import { readLabels, readNames } from "../tiles/labels.js";
import { openTiles } from "../tiles/sources.js";
import { type Tile, type TileSource, tileLocation } from "../tiles/tile.js";

export interface ImportLabelsOptions {
  /** A Label Studio JSON export, or FiftyOne samples as docs/curation.md describes them. */
  file: string;
  /** Label CSV to write. */
  out: string;
  /** Label CSV to begin with: imported tiles replace its rows or follow them. @default none */
  labels?: string | undefined;
  /** Name of the Label Studio control to read. @default all choices */
  control?: string | undefined;
  /** Replace `out`, which may be `labels` itself. @default false */
  overwrite?: boolean | undefined;
}

/** Keys are those of `--json`, and stable. */
export interface ImportLabelsSummary {
  out: string;
  /** Rows of `out`. */
  tiles: number;
  /** Rows that `labels` did not have, that had other tags there, and that had the same. */
  added: number;
  changed: number;
  confirmed: number;
  /** Tiles of the export that nobody has labelled. */
  unlabelled: number;
  /** Tiles labelled with no tag at all, which no label file can hold: they are left out, also where `labels` has them. */
  untagged: number;
  /** All tags of `out`, sorted. */
  tags: string[];
}

/**
 * Takes what people have corrected in a labelling tool over into a label file.
 * @throws InputError for files that are not there or hold no labels; FormatError, naming the place, for damaged ones
 */
export async function importLabels(
  options: ImportLabelsOptions,
  context: RunContext = {},
): Promise<ImportLabelsSummary> {
  const { file, out, control } = options;
  await checkOutput(out, options.overwrite);
  const imported = await readLabelExport(file, { control });
  const base = options.labels === undefined ? [] : (await readLabels(options.labels, { allowUntagged: true })).rows;
  const before = new Map(base.map(({ name, tags }) => [name, tags]));
  const rows = new Map(before);
  for (const [tag, spelled] of imported.respelled) {
    context.onWarning?.(`The tag ${JSON.stringify(tag)} is written ${spelled}: label files separate tags by spaces.`);
  }
  const untagged = imported.rows.filter(({ tags }) => tags.length === 0);
  if (untagged.length > 0) {
    context.onWarning?.(
      `${untagged.length} tiles are left out, as nobody gave them a tag; the first is ${untagged[0].name}.`,
    );
  }
  for (const { name, tags } of imported.rows) {
    if (tags.length > 0) rows.set(name, tags);
    else rows.delete(name);
  }
  if (rows.size === 0)
    throw new InputError(`${file} holds no labels: none of its ${imported.unlabelled} tiles has an annotation.`);
  await writePieces(out, [
    stringify([["image_name", "tags"], ...[...rows].map(([name, tags]) => [name, tags.join(" ")])]),
  ]);
  const tagged = imported.rows.filter(({ tags }) => tags.length > 0);
  const confirmed = tagged.filter(({ name, tags }) => sameTags(tags, before.get(name)));
  const added = tagged.filter(({ name }) => !before.has(name)).length;
  return {
    out,
    tiles: rows.size,
    added,
    changed: tagged.length - added - confirmed.length,
    confirmed: confirmed.length,
    unlabelled: imported.unlabelled,
    untagged: untagged.length,
    tags: [...new Set([...rows.values()].flat())].sort(),
  };
}

function sameTags(tags: readonly string[], others: readonly string[] | undefined): boolean {
  return others !== undefined && tags.length === others.length && tags.every((tag) => others.includes(tag));
}

export interface ExportLabelsOptions extends ImageUrlOptions {
  /** Folders, files, `.tar` archives, `@list.txt`: where the pictures are. */
  tiles: readonly string[];
  /** File to write. */
  out: string;
  /** The tool that `out` is for. */
  format: ExchangeFormat;
  /** Label CSV. Either this or `predictions` must be given. */
  labels?: string | undefined;
  /** CSV or JSON lines that `predict` wrote. */
  predictions?: string | undefined;
  /** CSV whose first column names the tiles to export, in this order: label-errors.csv, or what `suggest` wrote. @default all */
  only?: string | undefined;
  /** Replace `out`. @default false */
  overwrite?: boolean | undefined;
}

/** Keys are those of `--json`, and stable. */
export interface ExportLabelsSummary {
  out: string;
  format: ExchangeFormat;
  /** Tiles written; those of them that have labels, and that have predictions. */
  tiles: number;
  labelled: number;
  predicted: number;
  /** Names that were to be exported and have no tile. */
  without_tile: number;
  /** Label Studio's labelling interface for the tags; null in other formats. */
  label_config: string | null;
}

/**
 * Writes tiles with their labels or predictions as a labelling tool takes them.
 * @throws OptionError where there is neither labels nor predictions; InputError for what does not fit together; FormatError
 */
export async function exportLabels(
  options: ExportLabelsOptions,
  context: RunContext = {},
): Promise<ExportLabelsSummary> {
  const { out, format } = options;
  checkOneOf("format", format, EXCHANGE_FORMATS);
  if (options.labels === undefined && options.predictions === undefined) {
    throw new OptionError("Expected `labels` or `predictions`: without them there is nothing to export.");
  }
  await checkOutput(out, options.overwrite);
  const known = await readKnown(options);
  const opened = await openTiles(options.tiles, { signal: context.signal });
  const summary = { out, format, tiles: 0, labelled: 0, predicted: 0, without_tile: 0, label_config: null };
  try {
    const tiles = counting(curate(opened.list(), known), summary);
    const { imageUrl, imageRoot } = options;
    const { onWarning } = context;
    await writePieces(out, exchangeText(format, tiles, { tags: known.tags, imageUrl, imageRoot, onWarning }));
  } finally {
    await opened.close();
  }
  const without_tile = known.names.size - summary.tiles;
  if (without_tile > 0) {
    context.onWarning?.(`${without_tile} of the ${known.names.size} tiles to export were not found among the tiles.`);
  }
  return { ...summary, without_tile, label_config: format === "label-studio" ? labelConfig(known.tags) : null };
}

/** What the files say, by tile name. */
interface Known {
  labels: ReadonlyMap<string, readonly string[]>;
  predictions: ReadonlyMap<string, TilePrediction>;
  /** Tiles to export; `ordered` where their order counts. */
  names: ReadonlyMap<string, number>;
  ordered: boolean;
  tags: string[];
}

async function readKnown({ labels: path, predictions: predicted, only }: ExportLabelsOptions): Promise<Known> {
  const rows = path === undefined ? [] : (await readLabels(path, { allowUntagged: true })).rows;
  const labels = new Map(rows.map(({ name, tags }) => [name, tags]));
  const predictions = predicted === undefined ? new Map<string, TilePrediction>() : await readPredictions(predicted);
  const names = only === undefined ? [...labels.keys(), ...predictions.keys()] : await readNames(only);
  const tags = new Set([...labels.values()].flat());
  for (const prediction of predictions.values()) {
    for (const tag of [...prediction.tags, ...(prediction.probabilities?.keys() ?? [])]) tags.add(tag);
  }
  const distinct = [...new Set(names)];
  const order = new Map(distinct.map((name, i) => [name, i]));
  return { labels, predictions, names: order, ordered: only !== undefined, tags: [...tags].sort() };
}

async function* curate(tiles: TileSource, known: Known): AsyncGenerator<CuratedTile> {
  if (!known.ordered) {
    for await (const tile of wanted(tiles, known)) yield toCurated(tile, known);
    return;
  }
  const found: Tile[] = [];
  for await (const tile of wanted(tiles, known)) found.push(tile);
  found.sort((a, b) => known.names.get(a.name)! - known.names.get(b.name)!);
  for (const tile of found) yield toCurated(tile, known);
}

/** The tiles to export; two of one name are an InputError, as labels go by name. */
async function* wanted(tiles: TileSource, { names }: Known): AsyncGenerator<Tile> {
  const seen = new Map<string, string>();
  for await (const tile of tiles) {
    if (!names.has(tile.name)) continue;
    const other = seen.get(tile.name);
    if (other !== undefined) {
      throw new InputError(
        `Two tiles are called ${tile.name}: ${other} and ${tileLocation(tile)}. Labels go by name: rename one.`,
      );
    }
    seen.set(tile.name, tileLocation(tile));
    yield tile;
  }
  if (seen.size === 0) {
    throw new InputError(
      `None of the ${names.size} tiles to export is among the tiles; the first is called ${[...names.keys()][0]}.`,
    );
  }
}

function toCurated(tile: Tile, known: Known): CuratedTile {
  const [labels, prediction] = [known.labels.get(tile.name), known.predictions.get(tile.name)];
  return { tile, ...(labels && { labels }), ...(prediction && { prediction }) };
}

async function* counting(
  tiles: AsyncIterable<CuratedTile>,
  counts: { tiles: number; labelled: number; predicted: number },
): AsyncGenerator<CuratedTile> {
  for await (const tile of tiles) {
    counts.tiles++;
    if (tile.labels !== undefined) counts.labelled++;
    if (tile.prediction !== undefined) counts.predicted++;
    yield tile;
  }
}
