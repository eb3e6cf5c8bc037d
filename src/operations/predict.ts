/** `predict`: tiles in, a file of tags out; in bulk, durably, and without losing one. */
import { checkInRange, checkInteger, checkOneOf } from "../check.js";
import { COLORSPACES, type Colorspace, DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import { decoderVersion } from "../decode/pool.js";
import { CanopyError } from "../errors.js";
import type { Device, DeviceChoice } from "../features/device.js";
import { planPipeline } from "../features/plan.js";
import { assemble } from "../predict/assemble.js";
import { Engine, type EngineOptions, type LoadedModel } from "../predict/engine.js";
import { hashModel, RUN_VERSION, type RunIdentity } from "../predict/identity.js";
import type { Shard } from "../predict/name-hash.js";
import { openModel } from "../predict/open-model.js";
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
  /** @default 178956970, or what fits the memory budget */
  maxPixels?: number | undefined;
  /** Budget in bytes: fewer sessions, smaller batches and a lower limit on pixels keep it. @default none */
  memory?: number | undefined;
  /** When what is done gets committed. @default 8192 tiles, 10 seconds */
  commit?: Partial<CommitInterval> | undefined;
  /** What `-` reads. @default process.stdin */
  stdin?: OpenTilesOptions["stdin"];
}

export interface PredictOptions extends PredictRunOptions {
  /** Folder of a trained model. */
  model: string;
  /** Where the model's backbone file is now. @default where its card says */
  backbone?: string | undefined;
  /** @default "auto" */
  device?: DeviceChoice | undefined;
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
 * Bad tiles are rejected with their reason, and stop nothing. Throws InputError for inputs and outputs that cannot be used, ModelError
 * for a model or device that cannot, InterruptedError on abort (all that is done is committed), CanopyError where the disk is full.
 */
export async function predict(options: PredictOptions, context: RunContext = {}): Promise<PredictSummary> {
  checkOptions(options);
  return predictWith(await openModel(options.model, options), options, context);
}

/** `predict` with a model that is loaded already. */
export async function predictWith(
  model: LoadedModel,
  options: PredictRunOptions,
  context: RunContext = {},
): Promise<PredictSummary> {
  checkOptions(options);
  const startedAt = performance.now();
  const paths = runPaths(options.out);
  const setup = engineOptions(model, options);
  const run = await openRun({ ...requestOf(options), paths, identity: identityOf(model, setup, options) }, context);
  try {
    const work = run.finished
      ? { manifest: run.finished, tiles: 0, seconds: 0 }
      : await finishRun(run, paths, await Engine.open(model, setup, context), options, context);
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
  engine: Engine,
  options: PredictRunOptions,
  context: RunContext,
): Promise<Work> {
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

/** Bytes a pixel may take while an image is decoded: four components. */
const BYTES_PER_PIXEL = 4;

function engineOptions({ checkpoint, device }: LoadedModel, options: PredictRunOptions): EngineOptions {
  const { preprocessing } = checkpoint;
  const { workers, batchSize, memory } = options;
  const plan = planPipeline({
    device,
    size: preprocessing.size,
    ...(workers === undefined ? {} : { workers }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(memory === undefined ? {} : { memory }),
  });
  const spare = memory === undefined ? Number.POSITIVE_INFINITY : (memory - plan.memory) / plan.workers;
  const maxPixels = Math.min(options.maxPixels ?? DECODE_DEFAULTS.maxPixels, Math.floor(spare / BYTES_PER_PIXEL));
  const decode = {
    colorspace: options.colorspace ?? preprocessing.colorspace,
    antialias: preprocessing.antialias,
    maxPixels: Math.max(maxPixels, preprocessing.size ** 2),
    onTruncated: options.onTruncated ?? DECODE_DEFAULTS.onTruncated,
  };
  return { plan, decode, threshold: options.threshold };
}

function identityOf(
  { checkpoint, device }: LoadedModel,
  { plan, decode }: EngineOptions,
  options: PredictRunOptions,
): Omit<RunIdentity, "input"> {
  return {
    version: RUN_VERSION,
    model: { sha256: hashModel(checkpoint), backbone: checkpoint.card.name, tags: checkpoint.tags },
    settings: {
      format: outputFormat(options.out),
      probabilities: options.probabilities ?? false,
      threshold: options.threshold ?? null,
      ...decode,
      size: checkpoint.preprocessing.size,
      batchSize: plan.batchSize,
      device,
      decoder: decoderVersion(),
    },
    shard: options.shard ?? null,
  };
}

function checkOptions(options: PredictRunOptions): void {
  const { threshold, shard, colorspace, maxPixels, memory, commit } = options;
  if (memory !== undefined) checkInteger("memory", memory, 1);
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
