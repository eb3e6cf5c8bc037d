/** Labelled tiles with their features: what `train` and `evaluate` both begin with. */
import { DECODE_DEFAULTS, type DecodeFailure, type DecodeOptions } from "../decode/decoder.js";
import { InputError } from "../errors.js";
import type { Device } from "../features/device.js";
import type { ExtractedFeatures } from "../features/extract.js";
import type { PipelinePlan } from "../features/plan.js";
import type { FeatureMatrix } from "../head/feature-matrix.js";
import type { RunContext } from "../run-context.js";
import { type LabelMatrix, toLabelMatrix } from "../tiles/label-matrix.js";
import { readLabels } from "../tiles/labels.js";
import { type LabelledTiles, matchTiles } from "../tiles/match.js";
import { openTiles } from "../tiles/sources.js";
import { type TagSet, tagSetOf } from "../tiles/tag-set.js";
import type { Tile } from "../tiles/tile.js";
import { type ExtractorOptions, openExtractor } from "./extractor.js";

export interface DatasetOptions extends ExtractorOptions {
  /** Folders, files, `.tar` archives, `@list.txt`. */
  tiles: readonly string[];
  /** Label CSV; see readLabels. */
  labels: string;
  /** The tags of an existing model; labels outside it are left out. @default the tags that occur */
  tagSet?: TagSet | undefined;
}

export interface RejectedTile {
  tile: Tile;
  failure: DecodeFailure;
}

export interface Dataset {
  /** Tiles that are labelled and could be decoded, in the order of the label file. */
  tiles: Tile[];
  labels: LabelMatrix;
  /** `[tiles, numFeatures]` for each variant asked for. */
  features: FeatureMatrix[];
  rejected: RejectedTile[];
  /** Files that are no tiles by their name. */
  ignored: number;
  labelsWithoutTiles: number;
  tilesWithoutLabels: number;
  device: Device;
  plan: PipelinePlan;
  decode: Omit<DecodeOptions, "size">;
  /** Tiles decoded now, and tiles whose features were in the cache. */
  decoded: number;
  cached: number;
  /** Wall clock of the extraction, sessions already started. */
  seconds: number;
}

/**
 * Reads labels, finds their tiles, and extracts features (once: they are cached).
 *
 * @throws InputError where labels and tiles do not fit together or no tile can be decoded; ModelError for a backbone or device that cannot
 *   be used; InterruptedError on abort, with the features extracted so far in the cache.
 */
export async function loadDataset(options: DatasetOptions, context: RunContext = {}): Promise<Dataset> {
  const labels = await readLabels(options.labels);
  const opened = await openTiles(options.tiles);
  try {
    const matched = await matchTiles(labels, opened.list());
    warnUnmatched(matched, options.labels, context);
    const extracted = await extract(matched.tiles, options, context);
    return assemble(matched, opened.ignored(), extracted, options);
  } finally {
    await opened.close();
  }
}

interface Extraction extends ExtractedFeatures {
  device: Device;
  plan: PipelinePlan;
  seconds: number;
}

async function extract(tiles: readonly Tile[], options: DatasetOptions, context: RunContext): Promise<Extraction> {
  const extractor = await openExtractor(options, context);
  const { device, plan } = extractor;
  try {
    const startedAt = performance.now();
    const extracted = await extractor.extract(tiles, context);
    return { ...extracted, device, plan, seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    await extractor.close();
  }
}

function assemble(matched: LabelledTiles, ignored: number, extracted: Extraction, options: DatasetOptions): Dataset {
  const { outcomes, numFeatures, device, plan, decoded, cached, seconds } = extracted;
  const good = [...outcomes.keys()].filter((i) => outcomes[i] === undefined);
  const rejected = [...outcomes.entries()].flatMap(([i, failure]) =>
    failure === undefined ? [] : [{ tile: matched.tiles[i]!, failure }],
  );
  if (good.length === 0) {
    const first = rejected[0]!;
    throw new InputError(
      `None of the ${rejected.length} tiles could be decoded; ${first.tile.path}: ${first.failure.message}.`,
    );
  }
  const rows = good.map((i) => matched.rows[i]!);
  const tagSet = options.tagSet ?? tagSetOf({ path: options.labels, rows });
  return {
    tiles: good.map((i) => matched.tiles[i]!),
    labels: toLabelMatrix(rows, tagSet, { ignoreUnknown: options.tagSet !== undefined }),
    features: extracted.features.map((data) => keepRows(data, good, numFeatures)),
    rejected,
    ignored,
    labelsWithoutTiles: matched.labelsWithoutTiles.length,
    tilesWithoutLabels: matched.tilesWithoutLabels.length,
    device,
    plan,
    decode: { ...DECODE_DEFAULTS, ...options.decode },
    decoded,
    cached,
    seconds,
  };
}

/** Moves the good rows together, in place. */
function keepRows(data: Float32Array, good: readonly number[], numFeatures: number): FeatureMatrix {
  for (const [to, from] of good.entries()) {
    if (to !== from) {
      data.copyWithin(to * numFeatures, from * numFeatures, (from + 1) * numFeatures);
    }
  }
  return { data: data.subarray(0, good.length * numFeatures), rows: good.length, numFeatures };
}

function warnUnmatched(matched: LabelledTiles, labels: string, { onWarning }: RunContext): void {
  const { labelsWithoutTiles, tilesWithoutLabels } = matched;
  if (labelsWithoutTiles.length > 0) {
    onWarning?.(
      `${labelsWithoutTiles.length} labels of ${labels} have no tile, the first is ${labelsWithoutTiles[0]}.`,
    );
  }
  if (tilesWithoutLabels.length > 0) {
    onWarning?.(`${tilesWithoutLabels.length} tiles have no label, the first is ${tilesWithoutLabels[0]!.name}.`);
  }
}
