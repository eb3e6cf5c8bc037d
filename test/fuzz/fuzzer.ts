/** Fuzzing of what canopy reads without the addon, which has a fuzzer of its own (native/fuzz). */
import { createHash } from "node:crypto";
import { createRandom, type Random } from "../../src/random.js";
import { mutate } from "./mutate.js";
import { watch } from "./watch.js";

export interface Seed {
  /** The file's name, where readers go by its ending. */
  name: string;
  bytes: Uint8Array;
}

/** A reader, and what it promises for any file. */
export interface Area {
  /** Good files. */
  seeds: readonly Seed[];
  /** Words of the format. */
  words: readonly string[];
  /** Reads a damaged file. Says what came of it, the same for files of the same kind. Throws if a promise is broken. */
  read(file: Seed): Promise<string>;
  close?(): void | Promise<void>;
}

export interface FuzzOptions {
  /** Ends after this time, or after so many executions. */
  seconds?: number;
  executions?: number;
  seed: number;
  /** Folder for files that break a promise. */
  keep: string;
}

export interface FuzzReport {
  executions: number;
  /** Kinds of outcomes. */
  outcomes: number;
  seconds: number;
  /** What was broken, by the file that did it. */
  flaws: { file: string; problem: string }[];
}

/** One file may take this long, and this much memory beside what there was. */
const MOST_SECONDS = 60;
const MOST_BYTES = 1 << 30;
const MOST_FLAWS = 10;

/**
 * Reads the seeds, and then damaged ones for as long as `options` say. What gives an outcome that was not seen before is damaged
 * further.
 */
export async function fuzz(area: Area, { seconds = Infinity, executions = Infinity, seed, keep }: FuzzOptions) {
  const random = createRandom(seed);
  const corpus = [...area.seeds];
  const outcomes = new Set<string>();
  const report: FuzzReport = { executions: 0, outcomes: 0, seconds: 0, flaws: [] };
  const guard = watch(keep, MOST_SECONDS);
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  while (report.executions < executions && elapsed() < seconds && report.flaws.length < MOST_FLAWS) {
    const file = nextFile(area, corpus, report.executions, random);
    report.executions++;
    try {
      const outcome = await readGuarded(area, file, guard.begin);
      if (outcomes.has(outcome)) continue;
      outcomes.add(outcome);
      corpus.push(file);
    } catch (error) {
      const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
      report.flaws.push({ file: guard.keep(file), problem });
    }
  }
  guard.close();
  await area.close?.();
  return { ...report, outcomes: outcomes.size, seconds: elapsed() };
}

function nextFile(area: Area, corpus: readonly Seed[], done: number, random: Random): Seed {
  if (done < area.seeds.length) return area.seeds[done];
  const { name, bytes } = corpus[random.below(corpus.length)];
  const other = corpus[random.below(corpus.length)];
  return { name, bytes: mutate(Buffer.from(bytes), Buffer.from(other.bytes), area.words, random) };
}

async function readGuarded(area: Area, file: Seed, begin: (file: Seed) => void): Promise<string> {
  begin(file);
  const before = process.memoryUsage.rss();
  const outcome = await area.read(file);
  const grown = process.memoryUsage.rss() - before;
  if (grown > MOST_BYTES) throw new Error(`${grown} bytes of memory for a file of ${file.bytes.length}`);
  return outcome;
}

/** A message as the kind of outcome that it is: without names, numbers and what is quoted. */
export function kindOf(message: string): string {
  return message
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '"')
    .replaceAll(/\S*\/\S+/g, "/")
    .replaceAll(/\d+/g, "0")
    .slice(0, 200);
}

export function nameOf({ name, bytes }: Seed): string {
  return `${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}-${name}`;
}
