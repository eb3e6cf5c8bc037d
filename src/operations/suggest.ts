/**
 * `suggest`: which unlabelled tiles to label next. Of a stream of tiles only the most uncertain are kept; of these,
 * tiles unlike each other are chosen.
 */
import { extname } from "node:path";
import { checkInteger, checkKinds, checkOneOf, type OptionKinds } from "../check.js";
import { chooseSuggestions, createCandidatePool } from "../curation/candidates.js";
import { type CuratedTile, EXCHANGE_FORMATS } from "../curation/curated-tile.js";
import { exchangeText } from "../curation/exchange.js";
import type { ImageUrlOptions } from "../curation/image-url.js";
import { labelConfig } from "../curation/label-studio.js";
import { suggestionTable, TABLE_FORMATS } from "../curation/suggestion-rows.js";
import { InputError, OptionError } from "../errors.js";
import type { Device } from "../features/device.js";
import { type Extractor, openExtractor } from "../features/extractor.js";
import type { CsvOptions } from "../files/csv.js";
import { checkOutput } from "../files/output.js";
import { writePieces } from "../files/write.js";
import { type Checkpoint, loadCheckpoint } from "../head/checkpoint.js";
import { tellLabels } from "../labels/describe.js";
import { readLabels } from "../labels/formats.js";
import { labelledTest } from "../labels/match.js";
import { checkLabelsGiven, type LabelOptions, labelOptions } from "../labels/options.js";
import type { RunContext } from "../run-context.js";
import type { TileInputs } from "../tiles/inputs.js";
import { openTiles } from "../tiles/sources.js";
import type { Tile, TileSource } from "../tiles/tile.js";
import { rejectsBeside } from "./rejects.js";
import { type Scan, scanTiles, startScan, withoutLabelled } from "./suggest-scan.js";
import { type ReadingOptions, trainedExtractor } from "./trained-extractor.js";

export const SUGGESTION_FORMATS = [...TABLE_FORMATS, ...EXCHANGE_FORMATS] as const;
export type SuggestionFormat = (typeof SUGGESTION_FORMATS)[number];

export interface SuggestOptions extends CsvOptions, ImageUrlOptions, ReadingOptions, Omit<LabelOptions, "split"> {
  /** Folders, files, archives, patterns, `@list.txt`, or `-` for standard input. */
  inputs: TileInputs;
  /** Folder that `train` wrote. */
  model: string;
  /** File to write. */
  out: string;
  /** Tiles to suggest. @default 50 */
  count?: number | undefined;
  /** Format of `out`. @default by the ending of `out`: .csv, .jsonl or .json */
  format?: SuggestionFormat | undefined;
  /** Label file: the tiles it labels are not suggested. @default none */
  labels?: string | undefined;
  /** Replace `out`. @default false */
  overwrite?: boolean | undefined;
}

/** Keys are those of `--json`, in camelCase, and stable. */
export interface SuggestSummary {
  out: string;
  format: SuggestionFormat;
  suggested: number;
  /** Tiles looked at: those that are not labelled and could be decoded. */
  tiles: number;
  /** Tiles passed over because `labels` names them. */
  labelled: number;
  rejected: number;
  rejects: string | null;
  decoded: number;
  cached: number;
  provider: Device;
  seconds: number;
  /** Label Studio's labelling interface for the model's tags; null in other formats. */
  labelConfig: string | null;
}

const OPTIONS: OptionKinds<SuggestOptions> = {
  inputs: "strings",
  model: "string",
  out: "string",
  count: true,
  format: true,
  escapeFormulas: "boolean?",
  labels: "string?",
  overwrite: "boolean?",
  imageUrl: "string?",
  imageRoot: "string?",
  backbone: "string?",
  device: true,
  workers: true,
  maxPixels: true,
  onTruncated: true,
  labelFormat: true,
  labelColumns: true,
  tagSeparator: "string?",
};

/**
 * The same tiles, model and options give the same suggestions. Features are cached, as in training.
 * @throws OptionError for options that cannot be used; InputError for inputs and outputs that cannot; FormatError for a damaged model or
 *   label file, ModelError for backbone or device; InterruptedError on abort, with the features made so far in the cache.
 */
export async function suggest(options: SuggestOptions, context: RunContext = {}): Promise<SuggestSummary> {
  checkKinds(options, OPTIONS);
  const startedAt = performance.now();
  const { count = 50, out } = options;
  checkInteger("count", count, 1, 10_000);
  const format = chooseFormat(options);
  await checkOutput(out, options.overwrite);
  const checkpoint = await loadCheckpoint(options.model);
  const isLabelled = await findLabelled(options, context);
  const reading = await trainedExtractor(checkpoint, options, context);
  const opened = await openTiles(options.inputs, context);
  let extractor: Extractor | undefined;
  try {
    extractor = await openExtractor(reading, context);
    const total = await countTiles(opened.list(), isLabelled);
    const scan = startScan(checkpoint, extractor, createCandidatePool(count, checkpoint.thresholds), total);
    await scanTiles(withoutLabelled(opened.list(), isLabelled, scan), scan, context);
    const tiles = chooseSuggestions(scan.pool, checkpoint.tags);
    if (tiles.length === 0) throw new InputError(nothingLeft(scan, options));
    await write(format, tiles, checkpoint, options, context);
    return {
      out,
      format,
      suggested: tiles.length,
      tiles: scan.seen - scan.rejected.length,
      labelled: scan.labelled,
      rejected: scan.rejected.length,
      rejects: await rejectsBeside(out, scan.rejected, context),
      decoded: scan.decoded,
      cached: scan.cached,
      provider: extractor.device,
      seconds: (performance.now() - startedAt) / 1000,
      labelConfig: format === "label-studio" ? labelConfig(checkpoint.tags) : null,
    };
  } finally {
    await Promise.all([opened.close(), extractor?.close()]);
  }
}

function chooseFormat({ format, out }: SuggestOptions): SuggestionFormat {
  if (format !== undefined) {
    checkOneOf("format", format, SUGGESTION_FORMATS);
    return format;
  }
  const ending = extname(out).slice(1).toLowerCase();
  if ((TABLE_FORMATS as readonly string[]).includes(ending)) return ending as SuggestionFormat;
  throw new OptionError(
    `Expected \`out\` to end in .csv, .jsonl or .json, got ${JSON.stringify(out)}; or name a format: ${SUGGESTION_FORMATS.join(", ")}.`,
  );
}

async function findLabelled(options: SuggestOptions, context: RunContext): Promise<(tile: Tile) => boolean> {
  checkLabelsGiven(options);
  if (options.labels === undefined) return () => false;
  const labels = await readLabels(options.labels, labelOptions(options));
  tellLabels(labels, context);
  return labelledTest(labels);
}

/** Listing twice costs little beside features, and gives progress a total. */
async function countTiles(tiles: TileSource, isLabelled: (tile: Tile) => boolean): Promise<number> {
  let count = 0;
  for await (const tile of tiles) if (!isLabelled(tile)) count++;
  return count;
}

function nothingLeft({ labelled, rejected }: Scan, { labels }: SuggestOptions): string {
  const reasons = [
    ...(labelled > 0 ? [`${labelled} tiles are labelled in ${labels}`] : []),
    ...(rejected.length > 0 ? [`${rejected.length} could not be decoded`] : []),
  ];
  return `There is no tile to suggest: ${reasons.join(", and ")}.`;
}

async function write(
  format: SuggestionFormat,
  tiles: readonly CuratedTile[],
  { tags }: Checkpoint,
  options: SuggestOptions,
  context: RunContext,
): Promise<void> {
  if (format === "label-studio" || format === "fiftyone") {
    const { imageUrl, imageRoot } = options;
    const { onWarning } = context;
    await writePieces(options.out, exchangeText(format, tiles, { tags, imageUrl, imageRoot, onWarning }));
  } else {
    await writePieces(options.out, [suggestionTable(format, tiles, options)]);
  }
}
