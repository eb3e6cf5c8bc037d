/** `predict`: tiles in, a file of tags out; in bulk, durably, and without losing one. */
import { checkInRange, checkInteger, checkOneOf } from "../check.js";
import { COLORSPACES, type Colorspace, DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import { decoderVersion } from "../decode/pool.js";
import { CanopyError } from "../errors.js";
import type { Device } from "../features/device.js";
import type { Checkpoint } from "../head/checkpoint.js";
import { assemble } from "../predict/assemble.js";
import { Engine } from "../predict/engine.js";
import { hashModel, RUN_VERSION, type RunIdentity } from "../predict/identity.js";
import type { Shard } from "../predict/name-hash.js";
import type { RunManifest } from "../predict/output.js";
import type { Committed } from "../predict/parts.js";
import { outputFormat, type RunPaths, runPaths } from "../predict/paths.js";
import { type OpenedRun, openRun } from "../predict/run-folder.js";
import { COMMIT_DEFAULTS, type CommitInterval, runTiles } from "../predict/run-tiles.js";
import type { RunContext } from "../run-context.js";
import type { OpenTilesOptions } from "../tiles/sources.js";

export interface PredictRunOptions {
  /** Folders, files, `.tar` archives, `@list.txt`, or `-` for standard input. */
  inputs: readonly string[];
  /** Ends in .csv, .jsonl or .parquet. */
  out: string;
  /** Adds each tag's probability. @default false */
  probabilities?: boolean | undefined;
  /** One threshold for all tags, 0 to 1. @default the fitted ones */
  threshold?: number | undefined;
  /** Goes on with an interrupted run of `out`; begins one where there is none. @default false */
  resume?: boolean | undefined;
  /** Replaces `out`, and forgets an unfinished run of it. @default false */
  overwrite?: boolean | undefined;
  /** Only the tiles of one shard of several, by a hash of their names. @default all */
  shard?: Shard | undefined;
  /** Decode threads. @default one per core */
  workers?: number | undefined;
  /** Tiles per run of a session. @default 8 on the CPU, 32 on a GPU */
  batchSize?: number | undefined;
  /** @default what the model was trained with */
  colorspace?: Colorspace | undefined;
  /** @default "reject" */
  onTruncated?: DecodeOptions["onTruncated"] | undefined;
  /** @default 178956970 */
  maxPixels?: number | undefined;
  /** When what is done gets committed. @default 8192 tiles, 10 seconds */
  commit?: Partial<CommitInterval> | undefined;
  /** What `-` reads. @default process.stdin */
  stdin?: OpenTilesOptions["stdin"];
}

/** A model ready to be run. */
export interface LoadedModel {
  checkpoint: Checkpoint;
  /** The prepared backbone: `tiles` uint8 in, `features` out. */
  backbone: Uint8Array;
  device: Device;
}

export interface PredictSummary {
  /** Tiles of the input (of the shard): predicted + rejected. */
  tiles: number;
  predicted: number;
  rejected: number;
  /** Files in folders and archives that were no tiles by their name. */
  ignored: number;
  /** Of `tiles`, those that earlier processes had done. */
  resumed: number;
  /** Wall clock of this process's part. */
  seconds: number;
  /** This process's tiles by its seconds, model loading and listing left out; null where it did none. */
  tiles_per_s: number | null;
  /** The provider that ran the backbone. */
  provider: Device;
  out: string;
  /** The rejects file, or null where nothing was rejected. */
  rejects: string | null;
  manifest: string;
}

/**
 * Predicts the tags of all tiles of the inputs into `options.out`, with `<out>.rejects.jsonl` and `<out>.manifest.json` beside it.
 * Bad tiles are rejected with their reason, and stop nothing. Throws InputError for inputs and outputs that cannot be used,
 * InterruptedError on abort (all that is done is committed), and a CanopyError where the disk is full.
 */
export async function predictWith(
  model: LoadedModel,
  options: PredictRunOptions,
  context: RunContext = {},
): Promise<PredictSummary> {
  checkOptions(options);
  const startedAt = performance.now();
  const paths = runPaths(options.out);
  const run = await openRun({ ...requestOf(options), paths, identity: identityOf(model, options) }, context);
  try {
    const work = run.finished
      ? { manifest: run.finished, tiles: 0, seconds: 0 }
      : await finishRun(run, paths, model, options, context);
    return summarize(work, run, paths, model.device, startedAt);
  } finally {
    await run.close();
  }
}

function requestOf({ inputs, resume = false, overwrite = false, stdin }: PredictRunOptions) {
  return { inputs, resume, overwrite, ...(stdin === undefined ? {} : { stdin }) };
}

interface Work {
  manifest: RunManifest;
  /** Tiles this process did, and the time they took. */
  tiles: number;
  seconds: number;
}

async function finishRun(
  run: OpenedRun,
  paths: RunPaths,
  model: LoadedModel,
  options: PredictRunOptions,
  context: RunContext,
): Promise<Work> {
  const { settings } = run.identity;
  const engine = await Engine.open(
    {
      checkpoint: model.checkpoint,
      model: model.backbone,
      device: model.device,
      decode: decodeOptions(model, options),
      threshold: options.threshold,
      workers: options.workers,
      batchSize: settings.batchSize,
    },
    context,
  );
  const startedAt = performance.now();
  try {
    const interval = { ...COMMIT_DEFAULTS, ...options.commit };
    const committed = await runTiles(paths.folder, run.identity, run.committed, engine, interval, context);
    checkComplete(committed, run.identity, paths);
    const seconds = (performance.now() - startedAt) / 1000;
    const manifest = await assemble(paths, run.identity, context.signal);
    return { manifest, tiles: committed.tiles - run.committed.tiles, seconds };
  } finally {
    await engine.close();
  }
}

/** The promise of the whole thing: no tile is lost. */
function checkComplete(committed: Committed, identity: RunIdentity, paths: RunPaths): void {
  const { tiles } = identity.input;
  if (committed.predicted + committed.rejected === tiles) return;
  const { predicted, rejected } = committed;
  throw new CanopyError(
    "INCOMPLETE",
    `The input has ${tiles} tiles, but ${predicted} were predicted and ${rejected} rejected; what there is stays in ${paths.folder}.`,
  );
}

function summarize(work: Work, run: OpenedRun, paths: RunPaths, provider: Device, startedAt: number): PredictSummary {
  const { tiles, predicted, rejected, rejects } = work.manifest;
  return {
    tiles,
    predicted,
    rejected,
    ignored: run.ignored,
    resumed: tiles - work.tiles,
    seconds: round((performance.now() - startedAt) / 1000),
    tiles_per_s: work.tiles === 0 ? null : round(work.tiles / work.seconds),
    provider,
    out: paths.out,
    rejects: rejects === null ? null : paths.rejects,
    manifest: paths.manifest,
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function decodeOptions({ checkpoint }: LoadedModel, options: PredictRunOptions): Omit<DecodeOptions, "size"> {
  const { preprocessing } = checkpoint;
  return {
    colorspace: options.colorspace ?? preprocessing.colorspace,
    antialias: preprocessing.antialias,
    maxPixels: options.maxPixels ?? DECODE_DEFAULTS.maxPixels,
    onTruncated: options.onTruncated ?? DECODE_DEFAULTS.onTruncated,
  };
}

function identityOf(model: LoadedModel, options: PredictRunOptions): Omit<RunIdentity, "input"> {
  const { checkpoint, device } = model;
  return {
    version: RUN_VERSION,
    model: { sha256: hashModel(checkpoint), backbone: checkpoint.card.name, tags: checkpoint.tags },
    settings: {
      format: outputFormat(options.out),
      probabilities: options.probabilities ?? false,
      threshold: options.threshold ?? null,
      ...decodeOptions(model, options),
      size: checkpoint.preprocessing.size,
      batchSize: options.batchSize ?? (device === "cpu" ? 8 : 32),
      device,
      decoder: decoderVersion(),
    },
    shard: options.shard ?? null,
  };
}

function checkOptions(options: PredictRunOptions): void {
  const { threshold, shard, colorspace, maxPixels, commit } = options;
  if (threshold !== undefined) checkInRange("threshold", threshold, 0, 1);
  if (colorspace !== undefined) checkOneOf("colorspace", colorspace, COLORSPACES);
  if (options.onTruncated !== undefined) checkOneOf("onTruncated", options.onTruncated, ["reject", "accept"]);
  if (maxPixels !== undefined) checkInteger("maxPixels", maxPixels, 1);
  if (options.batchSize !== undefined) checkInteger("batchSize", options.batchSize, 1, 4096);
  if (commit?.tiles !== undefined) checkInteger("commit.tiles", commit.tiles, 1);
  if (commit?.seconds !== undefined) checkInRange("commit.seconds", commit.seconds, 0, 86_400);
  if (shard !== undefined) {
    checkInteger("shard.count", shard.count, 1, 1_000_000);
    checkInteger("shard.index", shard.index, 1, shard.count);
  }
}
