/** `predict`: tiles in, a file of tags out, in bulk, without losing a tile. */

import { loadAddon } from "../addon.js";
import { checkNames } from "../check.js";
import { describeDarkRasters } from "../decode/dark-rasters.js";
import type { DecodeOptions } from "../decode/decoder.js";
import { Engine, type LoadedModel } from "../engine/engine.js";
import { openModel } from "../engine/open-model.js";
import { engineOptions } from "../engine/settings.js";
import { InterruptedError } from "../errors.js";
import type { Device } from "../features/device.js";
import { type Kernels, kernelsOn } from "../features/kernels.js";
import { pointToResume } from "../files/write-error.js";
import { MAX_UNREADABLE } from "../isolation/lost-input.js";
import type { Precision } from "../quantise/precision.js";
import { assemble } from "../run/assemble.js";
import type { RunManifest } from "../run/formats.js";
import {
  checkOptions,
  identityOf,
  PREDICT_OPTIONS,
  type PredictOptions,
  type PredictRunOptions,
} from "../run/options.js";
import type { Committed } from "../run/parts.js";
import { type RunPaths, runFiles, runPaths } from "../run/paths.js";
import { type OpenedRun, openRun } from "../run/run-folder.js";
import { COMMIT_DEFAULTS, runTiles } from "../run/run-tiles.js";
import type { RunContext } from "../run-context.js";
import type { Tile } from "../tiles/tile.js";
import { readTileList } from "../tiles/tile-list.js";

/** Tiles at the beginning of a run that are checked for a warning. */
const LOOKED_AT = 256;

export type { PredictOptions, PredictRunOptions };

export interface PredictSummary {
  /** Tiles of the input (of the shard): predicted + rejected. */
  tiles: number;
  predicted: number;
  rejected: number;
  /** Files in folders and archives that were no tiles by their name. */
  ignored: number;
  /** Number of `tiles` that earlier processes had done. */
  resumed: number;
  /** Wall clock of this process's part. */
  seconds: number;
  /** This process's tiles by its seconds, model loading and listing left out; null if it did none. */
  tilesPerS: number | null;
  /** Decode workers and sessions. Null if it had nothing to do. */
  workers: number | null;
  sessions: number | null;
  /** The provider that ran the backbone. */
  provider: Device;
  /** What the backbone computes with; with "int8" by which kernels here: "integer", or "simulated" in floats. */
  precision: Precision;
  kernels: Kernels | null;
  out: string;
  /** The rejects file, or null if nothing was rejected. */
  rejects: string | null;
  manifest: string;
}

/**
 * Predicts the tags of all tiles of the inputs into `options.out`, with `<out>.rejects.jsonl` and `<out>.manifest.json`
 * beside it. Bad tiles are rejected with their reason and do not stop the run. Throws InputError for inputs and outputs
 * that cannot be used, ModelError for a model or device that cannot, InterruptedError on abort (all that is done is
 * committed), LostInputError if the input goes away while it is read (the same), CanopyError if the disk is full.
 */
export async function predict(options: PredictOptions, context: RunContext = {}): Promise<PredictSummary> {
  checkNames(options, PREDICT_OPTIONS);
  checkOptions(options);
  const model = await openModel(options.model, { ...options, signal: context.signal });
  if (context.signal?.aborted) throw new InterruptedError();
  return predictWith(model, options, context);
}

/** `predict` with a model that is loaded already. */
export async function predictWith(
  model: LoadedModel,
  options: PredictRunOptions,
  context: RunContext = {},
): Promise<PredictSummary> {
  checkOptions(options);
  const startedAt = performance.now();
  if (options.memory !== undefined) loadAddon()?.returnFreedMemory();
  const paths = runPaths(options.out);
  const setup = engineOptions(model, options);
  const run = await openRun(
    { ...requestOf(options), paths, identity: identityOf(model, setup, options) },
    context,
  ).catch(pointToResume);
  try {
    const work = run.finished
      ? { manifest: run.finished, tiles: 0, seconds: 0, threads: { workers: null, sessions: null } }
      : await finishRun(run, paths, await Engine.open(model, setup, context), options, context);
    return summarize(work, run, paths, model, startedAt);
  } catch (error) {
    return pointToResume(error);
  } finally {
    run.close();
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
  threads: { workers: number | null; sessions: number | null };
}

async function finishRun(
  run: OpenedRun,
  paths: RunPaths,
  engine: Engine,
  options: PredictRunOptions,
  context: RunContext,
): Promise<Work> {
  const startedAt = performance.now();
  const committed = await predictAll(run, paths, engine, options, context);
  const seconds = (performance.now() - startedAt) / 1000;
  const manifest = await assemble(paths, run.identity, context);
  return { manifest, tiles: committed.tiles - run.committed.tiles, seconds, threads: engine.threads };
}

/** Checks the first tiles of the list. */
async function warnOfDarkRasters(
  list: string,
  decode: DecodeOptions,
  { signal, onWarning }: RunContext,
): Promise<void> {
  const tiles: Tile[] = [];
  for await (const tile of readTileList(list, { from: 0, to: LOOKED_AT })) tiles.push(tile);
  const warning = await describeDarkRasters(tiles, decode, signal);
  if (warning !== undefined) onWarning?.(warning);
}

/** Predicts to the end of the run. Sessions and workers end before a large output is written, which needs memory. */
async function predictAll(
  { identity, committed }: OpenedRun,
  { folder }: RunPaths,
  engine: Engine,
  options: PredictRunOptions,
  context: RunContext,
): Promise<Committed> {
  try {
    await warnOfDarkRasters(runFiles(folder).tiles, engine.decode, context);
    const { maxUnreadable = MAX_UNREADABLE } = options;
    const policy = { commit: { ...COMMIT_DEFAULTS, ...options.commit }, maxUnreadable };
    return await runTiles(folder, identity, committed, engine, policy, context);
  } finally {
    await engine.close();
  }
}

function summarize(work: Work, run: OpenedRun, paths: RunPaths, model: LoadedModel, startedAt: number): PredictSummary {
  const { tiles, predicted, rejected, rejects } = work.manifest;
  const { precision = "fp32" } = model.checkpoint;
  return {
    tiles,
    predicted,
    rejected,
    ignored: run.ignored,
    resumed: tiles - work.tiles,
    seconds: round((performance.now() - startedAt) / 1000),
    tilesPerS: work.tiles === 0 ? null : round(work.tiles / work.seconds),
    ...work.threads,
    provider: model.device,
    precision,
    kernels: precision === "int8" ? kernelsOn(model.device).kernels : null,
    out: paths.out,
    rejects: rejects === null ? null : paths.rejects,
    manifest: paths.manifest,
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
