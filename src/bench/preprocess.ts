/**
 * `bench preprocess`: how fast files become pixels, compared with libjpeg-turbo alone and with other libraries, on the
 * user's tiles or generated ones; and whether the colours are right.
 */
import { loadAddon } from "../addon.js";
import { checkInRange, checkInteger } from "../check.js";
import { readTileBytes } from "../decode/bytes.js";
import { DECODE_DEFAULTS, isFailure } from "../decode/decoder.js";
import { nativeOptions } from "../decode/native.js";
import { CanopyError } from "../errors.js";
import { usableCores } from "../machine.js";
import type { RunContext } from "../run-context.js";
import { measureColours } from "./colours.js";
import { ContenderProcess } from "./contender-process.js";
import { interruptible } from "./interrupted.js";
import { type PreprocessReport, reportPreprocess, type TrialRunner } from "./preprocess-report.js";
import { runRounds } from "./rounds.js";
import { openBenchTiles } from "./tiles.js";
import { listTrials, type Trial, workerCounts } from "./trials.js";

interface BenchPreprocessOptions {
  /** Folders, files, `.tar` and `.zip` archives, `@list.txt` or `-`. @default 600 generated tiles */
  inputs?: readonly string[] | undefined;
  /** Pixels per side of the result. @default 224 */
  size?: number | undefined;
  /** Measuring time in all, about. @default 30 */
  seconds?: number | undefined;
  /** Rounds. @default 9 */
  repeats?: number | undefined;
  /** The largest number of workers. @default one per core */
  workers?: number | undefined;
  /** At most this many tiles, evenly spread over the input. @default 600 */
  limit?: number | undefined;
}

/** @throws CanopyError without the addon, InputError without tiles, InterruptedError on abort. */
export function benchPreprocess(
  options: BenchPreprocessOptions = {},
  context: RunContext = {},
): Promise<PreprocessReport> {
  return interruptible(() => measure(options, context));
}

async function measure(options: BenchPreprocessOptions, context: RunContext): Promise<PreprocessReport> {
  const { inputs, size = 224, seconds = 30, repeats = 9, workers = usableCores(), limit = 600 } = options;
  checkInteger("size", size, 1, 4096);
  checkInRange("seconds", seconds, 0.01, 3600);
  checkInteger("repeats", repeats, 1, 1000);
  checkInteger("workers", workers, 1, 256);
  checkInteger("limit", limit, 1, 100_000);
  requireAddon();
  const tiles = await openBenchTiles({ inputs, limit }, context);
  const runners: TrialRunner[] = [];
  try {
    const { trials, absent } = await listTrials(workerCounts(workers), tiles.paths.some(hasFourComponents));
    for (const trial of trials) runners.push(await startTrial(trial, tiles.paths, size, context));
    const errors = new Map<TrialRunner, number>();
    for (const runner of runners) {
      const { compared } = runner.trial;
      if (compared !== undefined) errors.set(runner, await measureColours(runner.process, tiles.paths, compared, size));
    }
    const sliceSeconds = seconds / repeats / runners.length;
    const samples = await runRounds(runners, { tiles: tiles.paths.length, repeats, sliceSeconds }, context);
    return reportPreprocess({ tiles, size, runners, errors, absent, samples });
  } finally {
    for (const { process } of runners) process.close();
    await tiles.close();
  }
}

function requireAddon(): void {
  if (loadAddon() !== undefined) return;
  throw new CanopyError(
    "BENCH",
    "The benchmark compares the native decoder with libjpeg-turbo, and it is not built; `canopy doctor` says how to build it.",
  );
}

function hasFourComponents(path: string): boolean {
  const bytes = readTileBytes({ path });
  if (isFailure(bytes)) return false;
  const info = loadAddon()!.inspectJpeg(bytes, nativeOptions({ ...DECODE_DEFAULTS, size: 1 }));
  return !isFailure(info) && info.components === 4;
}

async function startTrial(
  trial: Trial,
  paths: readonly string[],
  size: number,
  { signal }: RunContext,
): Promise<TrialRunner> {
  const { name, contender, threads, python } = trial;
  const setup = { contender, paths, size, threads };
  const process = await ContenderProcess.open(name, setup, { signal, ...(python === undefined ? {} : { python }) });
  return { name, threads, process, trial };
}
