/**
 * Interleaved rounds: each round goes through all trials, so that other programs on the machine disturb all of them
 * alike. A trial gets as many tiles per round as fit its share of the time: a fast one all tiles several times, a slow
 * one some of them, evenly spread, and others in each round.
 */
import type { RunContext } from "../run-context.js";
import type { ContenderProcess } from "./contender-process.js";
import { WHOLE } from "./protocol.js";

export interface Sample {
  name: string;
  threads: number;
  round: number;
  tiles: number;
  /** Wall clock by what was measured; most trials have only `whole`. */
  seconds: Record<string, number>;
  /** Of all threads of the process, start and end of the round included. */
  cpu_seconds: number;
}

export interface Runner {
  name: string;
  threads: number;
  process: ContenderProcess;
}

interface RoundsOptions {
  /** Tiles to choose from. */
  tiles: number;
  repeats: number;
  /** Wall clock for each trial in each round, about. */
  sliceSeconds: number;
}

export async function runRounds(
  runners: readonly Runner[],
  options: RoundsOptions,
  context: RunContext,
): Promise<Sample[]> {
  const { tiles, repeats, sliceSeconds } = options;
  const total = runners.length * (repeats + 1);
  let done = 0;
  const report = () => context.onProgress?.({ stage: "measure", done: ++done, total, rejected: 0, unit: "trials" });
  const counts: number[] = [];
  for (const runner of runners) {
    counts.push(await findCount(runner, tiles, sliceSeconds));
    report();
  }
  const samples: Sample[] = [];
  for (let round = 0; round < repeats; round++) {
    for (const [i, { name, threads, process }] of runners.entries()) {
      const indices = pickTiles(tiles, counts[i], round);
      const { seconds, cpuSeconds } = await process.round(indices);
      samples.push({ name, threads, round, tiles: indices.length, seconds, cpu_seconds: cpuSeconds });
      report();
    }
  }
  return samples;
}

/** Number of tiles that take about `sliceSeconds`: a first guess from a few, then from more, which also warms up. */
async function findCount({ process }: Runner, tiles: number, sliceSeconds: number): Promise<number> {
  let count = Math.min(tiles, 16);
  for (let attempt = 0; attempt < 3; attempt++) {
    const { seconds } = await process.round(pickTiles(tiles, count, attempt));
    const taken = Object.values(seconds).reduce((sum, each) => sum + each, 0);
    const wanted = (count * sliceSeconds) / taken;
    const next = wanted >= tiles ? Math.round(wanted / tiles) * tiles : Math.max(1, Math.round(wanted));
    if (next <= count) return next;
    count = next;
  }
  return count;
}

/** `count` indices below `tiles`: all of them as often as they fit, or some, evenly spread and shifted with the round. */
export function pickTiles(tiles: number, count: number, round: number): number[] {
  if (count >= tiles) return Array.from({ length: Math.round(count / tiles) * tiles }, (_, i) => i % tiles);
  // The golden ratio's fraction spreads the shifts evenly, also of few rounds.
  const shift = (round * 0.618034) % 1;
  return Array.from({ length: count }, (_, i) => Math.floor(((i + shift) * tiles) / count));
}

/** Tiles per second of a trial's samples, round by round. */
export function ratesOf(samples: readonly Sample[], name: string, threads: number, measure = WHOLE): number[] {
  return samples
    .filter((sample) => sample.name === name && sample.threads === threads)
    .map(({ tiles, seconds }) => tiles / seconds[measure]);
}
