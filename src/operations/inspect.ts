/** `inspect`: what is in a tile set, to see before training. Every tile is decoded. */
import { checkInteger, checkKinds, type OptionKinds } from "../check.js";
import { ChunkPool } from "../chunk-pool.js";
import { chunksOf } from "../chunks.js";
import {
  checkDecodeOptions,
  crashFailure,
  DECODE_DEFAULTS,
  type DecodeFailure,
  isFailure,
  type PictureSource,
  placeOf,
} from "../decode/decoder.js";
import type { FullOptions } from "../decode/full.js";
import { type RasterOptions, resolveStretch } from "../decode/stretch.js";
import { InterruptedError, restateInterrupt } from "../errors.js";
import { mapInFlight } from "../in-flight.js";
import {
  countEncodings,
  countLeftAside,
  countSizes,
  type EncodingCount,
  type LeftAsideCount,
  type SizeCount,
} from "../inspect/counts.js";
import { groupEqual, groupNear, NEAR_DISTANCE } from "../inspect/duplicates.js";
import { describeLabels, type LabelFacts } from "../inspect/label-facts.js";
import { findProblems, type Problem } from "../inspect/problems.js";
import type { Examined, ExamineSettings, TileFacts } from "../inspect/worker.js";
import { readLabels } from "../labels/formats.js";
import { type LabelledTiles, pairTiles } from "../labels/match.js";
import { checkLabelsGiven, type LabelOptions, labelOptions } from "../labels/options.js";
import type { LabelTable } from "../labels/table.js";
import { usableCores } from "../machine.js";
import type { RunContext } from "../run-context.js";
import { CompressedTiles } from "../tiles/compressed-tiles.js";
import type { TileInputs } from "../tiles/inputs.js";
import { collectTiles } from "../tiles/sources.js";
import { type Tile, tileLocation } from "../tiles/tile.js";

export interface InspectOptions extends Partial<Omit<FullOptions, "bands" | "stretch">>, RasterOptions, LabelOptions {
  /** Folders, files, archives, patterns, `@list.txt`, or `-` for standard input. */
  inputs: TileInputs;
  /** A label file to compare the tiles with. */
  labels?: string | undefined;
  /** Decoding threads. @default one per core */
  workers?: number | undefined;
}

/** Keys are those of `--json`, in camelCase, and stable. Lists of tiles hold their locations: a path, or `archive.tar#member`. */
export interface InspectReport {
  tiles: number;
  readable: number;
  rejected: number;
  /** Files of folders and archives that are no tiles by their name. */
  ignoredFiles: number;
  /** Bytes of the readable tiles. */
  bytes: number;
  /** What is wrong, most important first. */
  problems: Problem[];
  rejects: { path: string; name: string; code: DecodeFailure["code"]; message: string }[];
  sizes: SizeCount[];
  encodings: EncodingCount[];
  /** What files say of their colours and orientation and canopy does not apply. */
  leftAside: LeftAsideCount[];
  /** Tiles whose mean level is below 8 or above 247 of 255. */
  dark: string[];
  bright: string[];
  /** Groups of files with the same bytes; `conflicting`: their labels differ. */
  duplicates: { tiles: string[]; conflicting: boolean }[];
  /** Groups whose 64-bit difference hashes differ in at most `nearDuplicateThreshold` bits; `distance`: the most among the pairs. */
  nearDuplicates: { tiles: string[]; distance: number }[];
  nearDuplicateThreshold: number;
  /** Names (without folder and extension) that several tiles share. */
  duplicateNames: { name: string; tiles: string[] }[];
  /** Null if no labels were given. */
  labels: LabelFacts | null;
}

/** Mean level, of 255, below which a tile counts as dark. */
const DARK = 8;

const INTERRUPTED = "Interrupted; inspect keeps nothing, run it again for a report.";

/** Tiles per task. */
const CHUNK = 32;

const OPTIONS: OptionKinds<InspectOptions> = {
  inputs: "strings",
  labels: "string?",
  workers: true,
  colorspace: true,
  onTruncated: true,
  maxPixels: true,
  bands: true,
  stretch: true,
  labelFormat: true,
  labelColumns: true,
  tagSeparator: "string?",
  split: "string?",
};

/**
 * Decodes all tiles of the inputs and reports what they are, which are bad, and how they fit their labels.
 *
 * @throws InputError if an input does not exist or holds no tiles, and for labels that cannot be read
 */
export async function inspect(options: InspectOptions, context: RunContext = {}): Promise<InspectReport> {
  checkKinds(options, OPTIONS);
  checkLabelsGiven(options);
  const labels = options.labels === undefined ? undefined : await readLabels(options.labels, labelOptions(options));
  const { tiles, ignored, close } = await collectTiles(options.inputs, context);
  try {
    return summarize(
      tiles,
      ignored,
      await examineAll(tiles, options, context).catch(restateInterrupt(INTERRUPTED)),
      labels,
      options.stretch !== undefined,
    );
  } finally {
    await close();
  }
}

async function examineAll(tiles: readonly Tile[], options: InspectOptions, context: RunContext): Promise<Examined[]> {
  const { workers = usableCores() } = options;
  checkInteger("workers", workers, 1, 1024);
  const { colorspace, maxPixels, onTruncated, bands } = { ...DECODE_DEFAULTS, ...options };
  checkDecodeOptions({ colorspace, maxPixels, onTruncated, bands });
  const stretch = await resolveStretch(options.stretch, tiles, bands ?? null, context.signal);
  const settings: ExamineSettings = { options: { colorspace, maxPixels, onTruncated, bands: bands ?? null, stretch } };
  const file = new URL("../inspect/worker.js", import.meta.url);
  const pool = new ChunkPool<PictureSource, Examined>(file, "examineChunk", workers, settings, context.signal);
  const compressed = new CompressedTiles(context);
  const run = async (chunk: Tile[]): Promise<Examined[]> => {
    const loaded = await compressed.load(chunk);
    const good = loaded.filter(({ failure }) => failure === undefined);
    const examined = (await pool.run(good.map(placeOf), crashFailure)).values();
    return loaded.map((tile) => tile.failure ?? (examined.next().value as Examined));
  };
  const results: Examined[] = [];
  let rejected = 0;
  try {
    for await (const examined of mapInFlight(chunksOf(tiles, CHUNK), 2 * workers, run)) {
      results.push(...examined);
      rejected += examined.filter(isFailure).length;
      context.onProgress?.({ stage: "inspect", done: results.length, total: tiles.length, rejected });
      if (context.signal?.aborted) {
        throw new InterruptedError();
      }
    }
  } finally {
    await Promise.all([pool.close(), compressed.close()]);
  }
  return results;
}

function summarize(
  tiles: readonly Tile[],
  ignored: number,
  examined: readonly Examined[],
  labels: LabelTable | undefined,
  stretched: boolean,
): InspectReport {
  const facts = examined.map((result) => (isFailure(result) ? undefined : result));
  const readable = facts.filter((fact) => fact !== undefined);
  const rejects = tiles.flatMap((tile, i) => {
    const result = examined[i];
    return isFailure(result) ? [{ path: tileLocation(tile), name: tile.name, ...result }] : [];
  });
  // Duplicate names are reported as a problem; here they are no error.
  const matched = labels && pairTiles(labels, tiles, { lenient: true });
  const duplicates = findDuplicates(tiles, facts, matched);
  const findings = {
    tiles: tiles.length,
    readable: readable.length,
    rejected: rejects.length,
    ignoredFiles: ignored,
    bytes: readable.reduce((total, { byteLength }) => total + byteLength, 0),
    sizes: countSizes(readable),
    encodings: countEncodings(tiles, facts),
    leftAside: countLeftAside(tiles, facts),
    dark: locateIf(tiles, facts, ({ brightness }) => brightness < DARK),
    bright: locateIf(tiles, facts, ({ brightness }) => brightness > 255 - DARK),
    ...duplicates,
    nearDuplicateThreshold: NEAR_DISTANCE,
    duplicateNames: groupEqual(tiles.map(({ name }) => name)).map((group) => ({
      name: tiles[group[0]].name,
      tiles: group.map((i) => tileLocation(tiles[i])),
    })),
    labels: labels && matched ? describeLabels(labels, matched) : null,
    rejects,
  };
  return { ...findings, problems: findProblems({ ...findings, stretched }) };
}

function locateIf(
  tiles: readonly Tile[],
  facts: readonly (TileFacts | undefined)[],
  holds: (fact: TileFacts) => boolean,
): string[] {
  return tiles.filter((_, i) => facts[i] !== undefined && holds(facts[i])).map(tileLocation);
}

function findDuplicates(
  tiles: readonly Tile[],
  facts: readonly (TileFacts | undefined)[],
  matched: LabelledTiles | undefined,
) {
  const locate = (i: number) => tileLocation(tiles[i]);
  const tagsOf = new Map(matched?.rows.map(({ tags }, i) => [matched.tiles[i], [...tags].sort().join(" ")]));
  const groups = groupEqual(facts.map((fact) => fact?.sha256));
  // One of identical files stands for all, so that they are not found again.
  const copies = new Set(groups.flatMap((group) => group.slice(1)));
  const near = groupNear(facts.map((fact, i) => (copies.has(i) ? undefined : fact?.fingerprint)));
  return {
    duplicates: groups.map((group) => {
      const tagSets = new Set(group.map((i) => tagsOf.get(tiles[i])).filter((tags) => tags !== undefined));
      return { tiles: group.map(locate), conflicting: tagSets.size > 1 };
    }),
    nearDuplicates: near.map(({ members, distance }) => ({ tiles: members.map(locate), distance })),
  };
}
