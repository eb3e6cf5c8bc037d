/** The report of `bench preprocess`: samples become medians, shares and a comparison. */
import type { Compared } from "./colours.js";
import { STAGES } from "./contender-native.js";
import { type MachineFacts, machineFacts, versionFacts } from "./facts.js";
import { type Runner, ratesOf, type Sample } from "./rounds.js";
import { median, roughly, type Summary, summarize } from "./statistics.js";
import type { BenchTiles } from "./tiles.js";
import { type AbsentTrial, CANOPY, CEILING, STAGES_NAME, type Trial } from "./trials.js";

/** One row of the comparison. */
export interface ContenderResult {
  name: string;
  threads: number;
  tiles_per_s: number;
  /** Mean difference of its colours from the reference, of 255; null if it gives none (libjpeg-turbo alone drops what it decodes). */
  mean_abs_error: number | null;
  /**
   * What `mean_abs_error` compares: the full-size decode, or the resized result with an exact decode resized in the
   * same way.
   */
  compared: Compared | null;
  /** Quartiles of tiles_per_s over the rounds. */
  spread: [number, number];
  /** Of the encoded files. */
  mb_per_s: number;
  /** tiles_per_s / ceiling_tiles_per_s */
  share_of_ceiling: number;
  /** Processor time, all threads of the process together. */
  cpu_ms_per_tile: number;
  version: string;
  note?: string;
}

interface StageResult {
  /** "read", "decode", "colour", "resize": parts of "addon", one call per chunk of tiles; "pipeline" is one worker through the loader. */
  stage: string;
  us_per_tile: number;
  tiles_per_s: number;
  mb_per_s: number;
  spread: [number, number];
}

/** What `--json` prints; the keys are stable. */
export interface PreprocessReport {
  tiles: number;
  size: number;
  /** libjpeg-turbo's bare decode loop on bytes in memory, one thread. */
  ceiling_tiles_per_s: number;
  workers: { workers: number; tiles_per_s: number }[];
  /** One worker, file to resized RGB in shared memory, through the pool, over the ceiling. */
  share_of_ceiling: number;
  /** Best / one worker. */
  scaling: number;
  contenders: ContenderResult[];
  /** Contenders that did not run, and why. */
  absent: AbsentTrial[];
  stages: StageResult[];
  /** Quartiles of the ratios of each round, which slow phases of the machine change little. */
  paired: { share_of_ceiling: Summary; scaling: Summary };
  generated: boolean;
  /** Tiles of the input that were left out: no JPEGs, or damaged. */
  unfit: number;
  bytes_per_tile: number;
  samples: Sample[];
  machine: MachineFacts;
  versions: Record<string, string>;
}

export type TrialRunner = Runner & { trial: Trial };

export interface Measured {
  tiles: BenchTiles;
  size: number;
  runners: readonly TrialRunner[];
  errors: ReadonlyMap<TrialRunner, number>;
  absent: AbsentTrial[];
  samples: Sample[];
}

export function reportPreprocess({ tiles, size, runners, errors, absent, samples }: Measured): PreprocessReport {
  const count = tiles.paths.length;
  const mbPerTile = tiles.bytes / count / 1e6;
  const ceiling = ratesOf(samples, CEILING, 1);
  const single = ratesOf(samples, CANOPY, 1);
  const workers = runners
    .filter(({ name }) => name === CANOPY)
    .map(({ threads }) => ({ workers: threads, tiles_per_s: roughly(median(ratesOf(samples, CANOPY, threads))) }));
  const best = workers.reduce((one, other) => (other.tiles_per_s > one.tiles_per_s ? other : one));
  const paired = {
    share_of_ceiling: ratios(single, ceiling),
    scaling: ratios(ratesOf(samples, CANOPY, best.workers), single),
  };
  return {
    tiles: count,
    size,
    ceiling_tiles_per_s: roughly(median(ceiling)),
    workers,
    share_of_ceiling: roughly(median(single) / median(ceiling)),
    scaling: roughly(best.tiles_per_s / workers[0].tiles_per_s),
    contenders: runners
      .filter(({ name }) => name !== STAGES_NAME)
      .map((runner) => contenderResult(runner, errors.get(runner), samples, median(ceiling), mbPerTile)),
    absent,
    stages: stageResults(samples, mbPerTile),
    paired,
    generated: tiles.generated,
    unfit: tiles.unfit,
    bytes_per_tile: Math.round(tiles.bytes / count),
    samples,
    machine: machineFacts(),
    versions: { ...versionFacts(), ...pythonVersions(runners) },
  };
}

function contenderResult(
  { name, threads, process, trial }: TrialRunner,
  error: number | undefined,
  samples: readonly Sample[],
  ceiling: number,
  mbPerTile: number,
): ContenderResult {
  const rate = summarize(ratesOf(samples, name, threads));
  const own = samples.filter((sample) => sample.name === name && sample.threads === threads);
  return {
    name,
    threads,
    tiles_per_s: roughly(rate.median),
    mean_abs_error: error === undefined ? null : roughly(error),
    compared: trial.compared ?? null,
    spread: [roughly(rate.low), roughly(rate.high)],
    mb_per_s: roughly(rate.median * mbPerTile),
    share_of_ceiling: roughly(rate.median / ceiling),
    cpu_ms_per_tile: roughly(median(own.map(({ cpu_seconds, tiles }) => (cpu_seconds * 1000) / tiles))),
    version: process.version,
    ...(process.note === undefined ? {} : { note: process.note }),
  };
}

const STAGE_NAMES = { read: "read", decode: "decode", color: "colour", resize: "resize", whole: "addon" } as const;

function stageResults(samples: readonly Sample[], mbPerTile: number): StageResult[] {
  const result = (stage: string, rates: readonly number[]): StageResult => {
    const { median: rate, low, high } = summarize(rates);
    return {
      stage,
      us_per_tile: roughly(1e6 / rate),
      tiles_per_s: roughly(rate),
      mb_per_s: roughly(rate * mbPerTile),
      spread: [roughly(low), roughly(high)],
    };
  };
  return [
    ...STAGES.map((stage) => result(STAGE_NAMES[stage], ratesOf(samples, STAGES_NAME, 1, stage))),
    result("pipeline", ratesOf(samples, CANOPY, 1)),
  ];
}

function ratios(above: readonly number[], below: readonly number[]): Summary {
  const { median: middle, low, high } = summarize(above.map((value, i) => value / below[i]));
  return { median: roughly(middle), low: roughly(low), high: roughly(high) };
}

function pythonVersions(runners: readonly TrialRunner[]): Record<string, string> {
  const python = runners.filter(({ trial }) => trial.python !== undefined);
  return Object.fromEntries(python.map(({ name, process }) => [name, process.version.split(" ").at(-1)!]));
}
