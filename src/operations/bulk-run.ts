/** A bulk run of any kind of rows: tiles in, one file of rows out, without losing a tile. `predict` and `embed` are two. */
import { loadAddon } from "../addon.js";
import { describeDarkRasters } from "../decode/dark-rasters.js";
import type { DecodeOptions } from "../decode/decoder.js";
import type { Engine } from "../engine/engine.js";
import type { Device } from "../features/device.js";
import { pointToResume } from "../files/write-error.js";
import { MAX_UNREADABLE } from "../isolation/lost-input.js";
import { assemble } from "../run/assemble.js";
import type { RunManifest } from "../run/formats.js";
import type { RunKind } from "../run/identity.js";
import type { BulkOptions } from "../run/options.js";
import type { Committed } from "../run/parts.js";
import { type RunPaths, runFiles, runPaths } from "../run/paths.js";
import { type OpenedRun, openRun } from "../run/run-folder.js";
import { type CommitInterval, runTiles } from "../run/run-tiles.js";
import type { RunContext } from "../run-context.js";
import type { Placed, RowFormat } from "../tags/rows.js";
import type { Tile } from "../tiles/tile.js";
import { readTileList } from "../tiles/tile-list.js";

/** Tiles at the beginning of a run that are checked for a warning. */
const LOOKED_AT = 256;

/** What becomes of tiles, and by what. */
export interface RowKind<Row extends object> {
  identity: RunKind;
  format: RowFormat<Placed & Row>;
  /** How often parts are committed. */
  commit: CommitInterval;
  /** The provider that runs the backbone. */
  device: Device;
  /** For no more than `tiles` tiles. */
  open(tiles: number): Promise<Engine<Row>>;
}

export interface BulkSummary {
  /** Tiles of the input (of the shard): done + rejected. */
  tiles: number;
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
  out: string;
  /** The rejects file, or null if nothing was rejected. */
  rejects: string | null;
  manifest: string;
}

/** Begins, resumes or finds finished the run of `options.out`. Errors are those of `predict`. */
export async function runInBulk<Row extends object>(
  options: BulkOptions,
  kind: RowKind<Row>,
  context: RunContext,
): Promise<BulkSummary> {
  const startedAt = performance.now();
  if (options.memory !== undefined) loadAddon()?.returnFreedMemory();
  const paths = runPaths(options.out);
  const request = { ...requestOf(options), paths, identity: kind.identity };
  const run = await openRun(request, context).catch(pointToResume);
  try {
    const work = run.finished
      ? { manifest: run.finished, tiles: 0, seconds: 0, threads: { workers: null, sessions: null } }
      : await finishRun(run, paths, kind, options, context);
    const summary = summarize(work, run, paths, kind.device, startedAt);
    if (summary.tiles > 0 && summary.rejected === summary.tiles) context.onWarning?.(describeNothing(summary));
    return summary;
  } catch (error) {
    return pointToResume(error);
  } finally {
    run.close();
  }
}

function requestOf({ inputs, resume = false, overwrite = false, stdin }: BulkOptions) {
  return { inputs, resume, overwrite, ...(stdin === undefined ? {} : { stdin }) };
}

interface Work {
  manifest: RunManifest;
  /** Tiles this process did, and the time they took. */
  tiles: number;
  seconds: number;
  threads: { workers: number | null; sessions: number | null };
}

async function finishRun<Row extends object>(
  run: OpenedRun,
  paths: RunPaths,
  kind: RowKind<Row>,
  options: BulkOptions,
  context: RunContext,
): Promise<Work> {
  const engine = await kind.open(run.identity.input.tiles - run.committed.tiles);
  const startedAt = performance.now();
  const committed = await doTiles(run, paths, engine, kind, options, context);
  const seconds = (performance.now() - startedAt) / 1000;
  const manifest = await assemble(paths, run.identity, context);
  return { manifest, tiles: committed.tiles - run.committed.tiles, seconds, threads: engine.threads };
}

/** To the end of the run. Sessions and workers end before a large output is written, which needs memory. */
async function doTiles<Row extends object>(
  { identity, committed }: OpenedRun,
  { folder }: RunPaths,
  engine: Engine<Row>,
  { format, commit }: RowKind<Row>,
  { maxUnreadable = MAX_UNREADABLE, ...options }: BulkOptions,
  context: RunContext,
): Promise<Committed> {
  try {
    await warnOfDarkRasters(runFiles(folder).tiles, engine.decode, context);
    const policy = { format, commit: { ...commit, ...options.commit }, maxUnreadable };
    return await runTiles(folder, identity, committed, engine, policy, context);
  } finally {
    await engine.close();
  }
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

function summarize(work: Work, run: OpenedRun, paths: RunPaths, provider: Device, startedAt: number): BulkSummary {
  const { tiles, rejected, rejects } = work.manifest;
  return {
    tiles,
    rejected,
    ignored: run.ignored,
    resumed: tiles - work.tiles,
    seconds: round((performance.now() - startedAt) / 1000),
    tilesPerS: work.tiles === 0 ? null : round(work.tiles / work.seconds),
    ...work.threads,
    provider,
    out: paths.out,
    rejects: rejects === null ? null : paths.rejects,
    manifest: paths.manifest,
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function describeNothing({ tiles, rejects, out }: BulkSummary): string {
  const all = tiles === 1 ? "The only tile was" : `All ${tiles} tiles were`;
  return `${all} rejected, so ${out} is empty; ${rejects} says why.`;
}
