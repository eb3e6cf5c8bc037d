/** Labelled tiles with their features, for `train` and `evaluate`. */
import { checkInteger } from "../check.js";
import { describeDarkRasters } from "../decode/dark-rasters.js";
import { checkDecodeOptions, DECODE_DEFAULTS, type DecodeFailure, type DecodeOptions } from "../decode/decoder.js";
import { resolveStretch, type StretchOption } from "../decode/stretch.js";
import { InputError } from "../errors.js";
import type { Device } from "../features/device.js";
import type { ExtractedFeatures } from "../features/extract.js";
import { type ExtractorOptions, openExtractor } from "../features/extractor.js";
import { observeRanges } from "../features/observe-ranges.js";
import type { PipelinePlan } from "../features/plan.js";
import type { StoredFeatures } from "../features/stored.js";
import { type FeatureMatrix, type FeatureSource, toFeatureSource } from "../head/feature-matrix.js";
import { type LabelledTiles, matchTiles } from "../labels/match.js";
import type { LabelTable, Recognised } from "../labels/table.js";
import type { ModelCard } from "../models/card.js";
import { prepareBackbone } from "../onnx/prepare.js";
import { isRemote } from "../remote/address.js";
import type { RunContext } from "../run-context.js";
import type { TileInputs } from "../tiles/inputs.js";
import { type LabelMatrix, toLabelMatrix } from "../tiles/label-matrix.js";
import { openTiles } from "../tiles/sources.js";
import { tagSetOf } from "../tiles/tag-set.js";
import type { Tile } from "../tiles/tile.js";
import {
  hashLabels,
  type LabelUse,
  readDatasetLabels,
  tagsOutside,
  type UnknownTag,
  warnUnmatched,
} from "./dataset-labels.js";
import { groupEqualTiles } from "./equal-tiles.js";

export interface DatasetOptions extends ExtractorOptions, LabelUse {
  /** Folders, files, archives, patterns, `@list.txt`. */
  tiles: TileInputs;
  /** Which features are in memory. @default all */
  budget?: FeatureBudget | undefined;
  /** Which samples of TIFFs become 0 and 255, if `decode` does not say it. */
  stretch?: StretchOption | undefined;
}

export interface FeatureBudget {
  /** Features that need more are kept on disk. */
  bytes: number;
  /** What needs features in memory: flips and turns, or L-BFGS; null if nothing does. */
  neededBy: "variants" | "lbfgs" | null;
}

export interface RejectedTile {
  tile: Tile;
  failure: DecodeFailure;
}

interface StoredSource extends FeatureSource, Pick<StoredFeatures, "fingerprint"> {}

export interface Dataset {
  /** Tiles that are labelled and could be decoded, in the order of the label file. */
  tiles: Tile[];
  /** With the groups of equal tiles, if there are any. */
  labels: LabelMatrix;
  /** What the label file was recognised as. */
  recognised: Recognised;
  /** Of the labels that were asked for; see hashLabels. */
  labelsSha256: string;
  /** Tags outside `tagSet`, with the number of tiles that have them. */
  unknownTags: UnknownTag[];
  /** The tiles that `split` says are for validation, ascending; absent if there are none. */
  validation?: Uint32Array;
  /** `[tiles, numFeatures]` for each variant asked for; empty if they are on disk. */
  features: FeatureMatrix[];
  /** The first variant's features on disk, if they do not fit in memory. To be read before `close()`. */
  stored?: StoredSource;
  rejected: RejectedTile[];
  /** Files whose names are not those of tiles. */
  ignored: number;
  labelsWithoutTiles: number;
  tilesWithoutLabels: number;
  /** The backbone's, with the ranges that integers need. */
  card: ModelCard;
  device: Device;
  plan: PipelinePlan;
  decode: Omit<DecodeOptions, "size">;
  /** Tiles decoded now, and tiles whose features were in the cache. */
  decoded: number;
  cached: number;
  /** Wall clock of the extraction, sessions already started. */
  seconds: number;
  /** Closes the features on disk; a dataset in memory has nothing open. */
  close(): Promise<void>;
}

/**
 * Reads labels, finds their tiles, and extracts features (once: they are cached).
 *
 * @throws InputError if labels and tiles do not fit together or no tile can be decoded; ModelError for a backbone or device that cannot
 *   be used; InterruptedError on abort, with the features extracted so far in the cache.
 */
export async function loadDataset(options: DatasetOptions, context: RunContext = {}): Promise<Dataset> {
  checkDecodeOptions({ ...options.decode, size: options.size });
  if (options.workers !== undefined) checkInteger("workers", options.workers, 1, 1024);
  const labels = await readDatasetLabels(options, context);
  const opened = await openTiles(options.tiles, context);
  try {
    const matched = await matchTiles(labels, opened.list());
    warnUnmatched(matched, options.labels, context);
    const unknown = tagsOutside(matched, options, context);
    const decode = await resolveReading(matched.tiles, options, context);
    const reading = await withRanges(matched.tiles, { ...options, decode }, context);
    const extracted = await extract(matched.tiles, reading, context);
    try {
      const dataset = assemble(matched, labels, unknown, opened.ignored(), extracted, reading);
      const features = dataset.stored ?? toFeatureSource(dataset.features[0]);
      return { ...dataset, labels: await groupEqualTiles(dataset.labels, features) };
    } catch (error) {
      await extracted.close();
      throw error;
    }
  } finally {
    await opened.close();
  }
}

/** How tiles are decoded; measures `stretch` on the tiles if that is asked for, and warns if one is missing. */
async function resolveReading(
  tiles: readonly Tile[],
  { decode = {}, stretch }: DatasetOptions,
  { signal, onWarning }: RunContext,
): Promise<Partial<Omit<DecodeOptions, "size">>> {
  const bands = decode.bands ?? null;
  const reading = {
    ...decode,
    bands,
    stretch: decode.stretch ?? (await resolveStretch(stretch, tiles, bands, signal)),
  };
  const warning = await describeDarkRasters(tiles, reading, signal);
  if (warning !== undefined) onWarning?.(warning);
  return reading;
}

/** Observes the ranges that integers need on these tiles, if the backbone's card has none. */
async function withRanges<Options extends ExtractorOptions>(
  tiles: readonly Tile[],
  options: Options,
  context: RunContext,
): Promise<Options> {
  const { precision, size, decode, workers } = options;
  const { card, bytes } = options.backbone;
  if (precision !== "int8" || card.ranges !== undefined) return options;
  const model = prepareBackbone(bytes, card, size);
  const ranges = await observeRanges(tiles, { model, size, decode, workers }, context);
  return { ...options, backbone: { bytes, card: { ...card, ranges } } };
}

interface Extraction extends Omit<ExtractedFeatures, "features"> {
  features: Float32Array[];
  stored?: StoredFeatures;
  device: Device;
  plan: PipelinePlan;
  seconds: number;
  close(): Promise<void>;
}

async function extract(tiles: readonly Tile[], options: DatasetOptions, context: RunContext): Promise<Extraction> {
  const { variants = [0], backbone, budget } = options;
  const onDisk = exceeds(tiles.length * variants.length * backbone.card.features.count * 4, budget);
  if (onDisk) refuseRemote(tiles);
  const extractor = await openExtractor(options, context);
  const { device, plan } = extractor;
  const startedAt = performance.now();
  const facts = () => ({ device, plan, seconds: (performance.now() - startedAt) / 1000 });
  let keepOpen = false;
  try {
    if (!onDisk) return { ...(await extractor.extract(tiles, context)), ...facts(), close: async () => {} };
    const stored = await extractor.extractToStore(tiles, context);
    keepOpen = true;
    return { ...stored, features: [], stored, ...facts(), close: () => extractor.close() };
  } finally {
    if (!keepOpen) await extractor.close();
  }
}

/** Features are in memory once, and once more in the rows of a training. */
const COPIES = 2.2;

/** Whether features of so many bytes are too many for memory. @throws InputError if something needs them there */
function exceeds(
  featureBytes: number,
  { bytes, neededBy }: FeatureBudget = { bytes: Infinity, neededBy: null },
): boolean {
  const needed = featureBytes * COPIES;
  if (needed <= bytes) return false;
  const sizes = `${gib(needed)} GiB of memory and ${gib(bytes)} may be used: allow more with \`memory\``;
  if (neededBy === "variants")
    throw new InputError(`Features of all flips and turns need ${sizes}, or leave out \`augment\` and \`tta\`.`);
  if (neededBy === "lbfgs")
    throw new InputError(`L-BFGS needs ${sizes}, or take another \`optimizer\`, which streams features from disk.`);
  return true;
}

/** Nothing says cheaply whether a file of a server is still the same, so that its features are not kept on disk. */
function refuseRemote(tiles: readonly Tile[]): void {
  const count = tiles.filter(({ path }) => isRemote(path)).length;
  if (count === 0) return;
  throw new InputError(
    `The features do not fit in memory, and those of tiles on servers (${count}) are not kept on disk: copy the tiles to a disk, or allow more with \`memory\`.`,
  );
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toPrecision(2);
}

function assemble(
  matched: LabelledTiles,
  table: LabelTable,
  unknownTags: UnknownTag[],
  ignored: number,
  extracted: Extraction,
  options: DatasetOptions,
): Dataset {
  const { outcomes, numFeatures, stored, device, plan, decoded, cached, seconds, close } = extracted;
  const good = [...outcomes.keys()].filter((i) => outcomes[i] === undefined);
  const rejected = [...outcomes.entries()].flatMap(([i, failure]) =>
    failure === undefined ? [] : [{ tile: matched.tiles[i], failure }],
  );
  if (good.length === 0) {
    const first = rejected[0];
    throw new InputError(
      `None of the ${rejected.length} tiles could be decoded; ${first.tile.path}: ${first.failure.message}.`,
    );
  }
  const rows = good.map((i) => matched.rows[i]);
  const tagSet = options.tagSet ?? tagSetOf(rows);
  const validation = Uint32Array.from([...rows.keys()].filter((i) => rows[i].part === "val"));
  return {
    tiles: good.map((i) => matched.tiles[i]),
    labels: toLabelMatrix(rows, tagSet, { ignoreUnknown: options.tagSet !== undefined }),
    recognised: table.recognised,
    labelsSha256: hashLabels(table),
    unknownTags,
    ...(validation.length > 0 && { validation }),
    features: extracted.features.map((data) => keepRows(data, good, numFeatures)),
    ...(stored && { stored: sourceOf(stored, good) }),
    rejected,
    ignored,
    labelsWithoutTiles: matched.labelsWithoutTiles.length,
    tilesWithoutLabels: matched.tilesWithoutLabels.length,
    card: options.backbone.card,
    device,
    plan,
    decode: { ...DECODE_DEFAULTS, ...options.decode },
    decoded,
    cached,
    seconds,
    close,
  };
}

/** The rows of decoded tiles, on disk. */
function sourceOf(stored: StoredFeatures, good: readonly number[]): StoredSource {
  const { numFeatures, windowRows, fingerprint } = stored;
  const read = async (start: number, count: number) => {
    const wanted = good.slice(start, start + count);
    const first = wanted[0];
    const data = await stored.read(first, wanted.at(-1)! - first + 1);
    return keepRows(
      data,
      wanted.map((row) => row - first),
      numFeatures,
    ).data;
  };
  return { rows: good.length, numFeatures, windowRows, read, fingerprint };
}

/** Moves the rows of decoded tiles together, in place. */
function keepRows(data: Float32Array, good: readonly number[], numFeatures: number): FeatureMatrix {
  for (const [to, from] of good.entries()) {
    if (to !== from) {
      data.copyWithin(to * numFeatures, from * numFeatures, (from + 1) * numFeatures);
    }
  }
  return { data: data.subarray(0, good.length * numFeatures), rows: good.length, numFeatures };
}
