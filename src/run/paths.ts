/** The files of a bulk run and their paths. */
import { extname, join } from "node:path";
import { OptionError } from "../errors.js";

export const OUTPUT_FORMATS = ["csv", "jsonl", "parquet"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface RunPaths {
  /** The output itself; exists once everything is done. */
  out: string;
  /** One line for each tile that was rejected; exists if there are any, once everything is done. */
  rejects: string;
  /** What the output holds: counts, hashes, model, options. */
  manifest: string;
  /** The folder of the unfinished run. */
  folder: string;
}

/** The ending of a run folder's name. */
export const FOLDER_ENDING = ".parts";

export function runPaths(out: string): RunPaths {
  return { out, rejects: `${out}.rejects.jsonl`, manifest: `${out}.manifest.json`, folder: `${out}${FOLDER_ENDING}` };
}

/** The same, from the run's folder. */
export function pathsOfFolder(folder: string): RunPaths {
  return runPaths(folder.slice(0, -FOLDER_ENDING.length));
}

/** The format by the ending of `out`. */
export function outputFormat(out: string): OutputFormat {
  const extension = extname(out).toLowerCase().slice(1);
  const format = OUTPUT_FORMATS.find((known) => known === extension);
  if (format === undefined) {
    throw new OptionError(`Expected the output to end in .csv, .jsonl or .parquet, got ${JSON.stringify(out)}.`);
  }
  return format;
}

/** Files of an unfinished run. */
export const runFiles = (folder: string) => ({
  identity: join(folder, "run.json"),
  tiles: join(folder, "tiles.jsonl"),
  lock: join(folder, "lock"),
  queue: join(folder, "queue.json"),
  /** For crash isolation; `worker` is "run", or a part of a queue. */
  isolation: (worker: string) => ({
    inFlight: join(folder, `in-flight-${worker}`),
    crashers: join(folder, `crashers-${worker}.json`),
  }),
  rows: (part: number) => join(folder, `part-${numbered(part)}.rows`),
  record: (part: number) => join(folder, `part-${numbered(part)}.json`),
});

/** Whether `path` is a run's copy of an archive from standard input. */
export function isSpooled(path: string): boolean {
  return /\.parts[/\\]stdin\.tar$/.test(path);
}

/** `part-000012.json` -> 12, undefined for other names. */
export function partNumber(name: string): number | undefined {
  const digits = /^part-(\d{6,})\.json$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function numbered(part: number): string {
  return String(part).padStart(6, "0");
}
