/** `fix`: colour-corrected copies of tiles as ordinary RGB files, at their own size. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { checkInteger, checkKinds, checkOneOf, type OptionKinds, refuseBoth } from "../check.js";
import { ChunkPool } from "../chunk-pool.js";
import { chunksOf } from "../chunks.js";
import { checkDecodeOptions, crashFailure, DECODE_DEFAULTS, isFailure, placeOf } from "../decode/decoder.js";
import type { FullOptions } from "../decode/full.js";
import { checkStretchOption, type RasterOptions, resolveStretch } from "../decode/stretch.js";
import { InputError, InterruptedError, restateInterrupt } from "../errors.js";
import { foldsNames } from "../files/folds-names.js";
import { ensureFolder, namesIn } from "../files/output.js";
import { pointToResume, WriteError } from "../files/write-error.js";
import { type FixJob, planTargets } from "../fix/targets.js";
import {
  FIX_FORMATS,
  type FixFormat,
  type FixItem,
  type FixOutcome,
  type FixSettings,
  NAME_FAULTS,
} from "../fix/worker.js";
import { mapInFlight } from "../in-flight.js";
import { usableCores } from "../machine.js";
import type { RunContext } from "../run-context.js";
import { CompressedTiles } from "../tiles/compressed-tiles.js";
import { listOf, type TileInputs } from "../tiles/inputs.js";
import { collectTiles } from "../tiles/sources.js";
import type { RejectedTile } from "../training/dataset.js";
import { writeRejects } from "./rejects.js";

export interface FixOptions extends Partial<Omit<FullOptions, "bands" | "stretch">>, RasterOptions {
  /** Folders, files, archives, patterns, `@list.txt`, or `-` for standard input. */
  inputs: TileInputs;
  /** Folder for the copies; sub-folders are kept. */
  out: string;
  /** `png` keeps every pixel exactly. @default "png" */
  format?: FixFormat | undefined;
  /** Decoding and encoding threads. @default one per core */
  workers?: number | undefined;
  /** Write into a folder that is not empty, replacing files of the same name. @default false */
  overwrite?: boolean | undefined;
  /** Write into a folder that is not empty, leaving what is already there. @default false */
  resume?: boolean | undefined;
}

/** Keys are those of `--json`, in camelCase, and stable. */
export interface FixSummary {
  out: string;
  format: FixFormat;
  /** written + skipped + rejected */
  tiles: number;
  written: number;
  /** Already there, with `resume`. */
  skipped: number;
  rejected: number;
  /** The rejects file, or null if nothing was rejected. */
  rejects: string | null;
  /** Written tiles by how their colours were read. */
  readings: Record<string, number>;
  seconds: number;
}

/** Tiles per task. */
const CHUNK = 16;

/**
 * Writes a colour-corrected copy of every tile. Each file appears whole; bad tiles go to `<out>.rejects.jsonl` and do
 * not stop the others.
 *
 * @throws InputError if `out` is in use or an input, InterruptedError on abort (what is written stays; without `overwrite`, `resume` goes on)
 */
export function fix(options: FixOptions, context: RunContext = {}): Promise<FixSummary> {
  // With `overwrite`, copies may be older ones: `resume` would take them for done.
  return fixTiles(options, context).catch(options.overwrite ? restateInterrupt(INTERRUPTED) : pointToResume);
}

const INTERRUPTED = "Interrupted; each copy is whole, an older one or a new one: overwrite them again.";

const OPTIONS: OptionKinds<FixOptions> = {
  inputs: "strings",
  out: "string",
  format: true,
  workers: true,
  overwrite: "boolean?",
  resume: "boolean?",
  colorspace: true,
  onTruncated: true,
  maxPixels: true,
  bands: true,
  stretch: true,
};

async function fixTiles(options: FixOptions, context: RunContext): Promise<FixSummary> {
  checkKinds(options, OPTIONS);
  refuseBoth(options);
  const { out, format = "png", resume = false, overwrite = false } = options;
  const inputs = listOf(options.inputs);
  checkOneOf("format", format, FIX_FORMATS);
  const { bands, colorspace, maxPixels, onTruncated, stretch } = options;
  checkDecodeOptions({ bands, colorspace, maxPixels, onTruncated });
  if (stretch !== undefined) checkStretchOption(stretch);
  if (options.workers !== undefined) checkInteger("workers", options.workers, 1, 1024);
  const startedAt = performance.now();
  await checkOut(out, inputs, resume || overwrite);
  const { tiles, close } = await collectTiles(inputs, context);
  try {
    await ensureFolder(out);
    const jobs = planTargets(tiles, inputs, out, format, await foldsNames(out));
    await makeFolders(jobs);
    const run = await runJobs(jobs, { ...options, format, resume }, context);
    const rejects = await writeRejects(out, run.rejected);
    const rejected = run.rejected.length;
    const seconds = (performance.now() - startedAt) / 1000;
    const { written, skipped, readings } = run;
    return { out, format, tiles: tiles.length, written, skipped, rejected, rejects, readings, seconds };
  } finally {
    await close();
  }
}

/** Originals are safe: the output may not be an input, and existing files are changed only if asked for. */
async function checkOut(out: string, inputs: readonly string[], mayWrite: boolean): Promise<void> {
  if (inputs.some((input) => resolve(input) === resolve(out))) {
    throw new InputError(`${out} is both input and output: give another \`out\`; fix never replaces originals.`);
  }
  if (!existsSync(out)) {
    return;
  }
  const names = await namesIn(out);
  if (names.length > 0 && !mayWrite) {
    throw new InputError(
      `${out} is not empty: \`resume\` leaves what is there, \`overwrite\` replaces files of the same name.`,
    );
  }
}

/** Makes the folders of all copies. If one cannot have its name, its copies are refused. */
async function makeFolders(jobs: FixJob[]): Promise<void> {
  const refused = new Map<string, string>();
  for (const job of jobs) {
    if (typeof job.target !== "string") continue;
    const folder = dirname(job.target);
    if (!refused.has(folder)) refused.set(folder, await reasonAgainst(folder));
    const message = refused.get(folder);
    if (message) job.target = { code: "NAME", message };
  }
}

/** Makes a folder; returns why it cannot have its name, or "". */
async function reasonAgainst(folder: string): Promise<string> {
  try {
    await ensureFolder(folder);
    return "";
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (!(error instanceof InputError) || (code !== undefined && !NAME_FAULTS.includes(code))) throw error;
    return error.message;
  }
}

interface Tally {
  written: number;
  skipped: number;
  rejected: RejectedTile[];
  readings: Record<string, number>;
}

type RunOptions = FixOptions & { format: FixFormat; resume: boolean };

async function runJobs(jobs: readonly FixJob[], options: RunOptions, context: RunContext): Promise<Tally> {
  const { workers = usableCores(), resume } = options;
  const { colorspace, maxPixels, onTruncated, bands } = { ...DECODE_DEFAULTS, ...options };
  const tiles = jobs.map(({ tile }) => tile);
  const stretch = await resolveStretch(options.stretch, tiles, bands ?? null, context.signal);
  const settings: FixSettings = {
    format: options.format,
    options: { colorspace, maxPixels, onTruncated, bands: bands ?? null, stretch },
  };
  const pool = new ChunkPool<FixItem, FixOutcome>(
    new URL("../fix/worker.js", import.meta.url),
    "fixChunk",
    workers,
    settings,
    context.signal,
  );
  const tally: Tally = { written: 0, skipped: 0, rejected: [], readings: {} };
  const compressed = new CompressedTiles(context);
  const run = async (chunk: FixJob[]) => {
    const loaded = await compressed.load(chunk.map(({ tile }) => tile));
    const jobs = chunk.map((job, i) => ({ ...job, tile: loaded[i] }));
    const outcomes = await runChunk(jobs, resume, (items) => pool.run(items, crashFailure));
    return chunk.map((job, i) => [job, outcomes[i]] as const);
  };
  try {
    for await (const results of mapInFlight(chunksOf(jobs, CHUNK), 2 * workers, run)) {
      for (const [job, outcome] of results) {
        count(tally, job, outcome);
      }
      const rejected = tally.rejected.length;
      const done = tally.written + tally.skipped + rejected;
      context.onProgress?.({ stage: "fix", done, total: jobs.length, rejected });
      if (context.signal?.aborted) {
        throw new InterruptedError();
      }
    }
  } finally {
    await Promise.all([pool.close(), compressed.close()]);
  }
  return tally;
}

/** The outcome of a tile; "skipped": its copy was there already. */
type Outcome = FixOutcome | "skipped";

async function runChunk(
  chunk: readonly FixJob[],
  resume: boolean,
  convert: (items: FixItem[]) => Promise<FixOutcome[]>,
): Promise<Outcome[]> {
  const known = chunk.map((job) => outcomeWithoutWork(job, resume));
  const items = chunk.flatMap(({ tile, target }, i) =>
    known[i] === undefined ? [{ tile: placeOf(tile), target: target as string }] : [],
  );
  const results = (items.length === 0 ? [] : await convert(items)).values();
  return known.map((outcome) => outcome ?? (results.next().value as FixOutcome));
}

function outcomeWithoutWork({ tile, target }: FixJob, resume: boolean): Outcome | undefined {
  if (tile.failure !== undefined) return tile.failure;
  if (typeof target !== "string") return target;
  if (resolve(tile.path) === target) {
    return { code: "NAME", message: "Its copy would replace the tile itself; give another output folder" };
  }
  return resume && existsSync(target) ? "skipped" : undefined;
}

function count(tally: Tally, { tile }: FixJob, outcome: Outcome): void {
  if (outcome === "skipped") {
    tally.skipped++;
  } else if ("unwritten" in outcome) {
    throw new WriteError(outcome.unwritten, outcome.systemCode);
  } else if (isFailure(outcome)) {
    tally.rejected.push({ tile, failure: outcome });
  } else {
    tally.written++;
    tally.readings[outcome.written] = (tally.readings[outcome.written] ?? 0) + 1;
  }
}
