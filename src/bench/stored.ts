/** Training on made-up features that are streamed from disk, in a process of its own: how long it takes, and how much memory. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cache-folder.js";
import { CanopyError } from "../errors.js";
import type { RunContext } from "../run-context.js";
import { benchInterrupted } from "./interrupted.js";

export interface StoredRequest {
  rows: number;
  numFeatures: number;
  /** Root of a feature store for this benchmark alone. */
  folder: string;
}

export interface StoredResult {
  rows: number;
  epochs: number;
  /** Of the features on disk. */
  bytes: number;
  /** Time to make features up and write them. */
  write_seconds: number;
  /**
   * Time to open the store again, train, fit thresholds, calibrate and score held-out rows, as `train` does if features
   * do not fit in memory.
   */
  seconds: number;
  /** Largest memory of the process, including writing, labels and weights. */
  peak_rss_bytes: number;
  /** Of the held-out rows. */
  f2: number;
}

/** @throws InterruptedError on abort, CanopyError if the process fails: a full disk, for example. Its files are removed in any case. */
export async function measureStored(
  request: Omit<StoredRequest, "folder">,
  { signal, onProgress }: RunContext,
): Promise<StoredResult> {
  onProgress?.({ stage: "streamed training", done: 0, total: 1, rejected: 0, unit: "trainings" });
  await mkdir(cacheFolder(), { recursive: true });
  const folder = await mkdtemp(join(cacheFolder(), "bench-"));
  try {
    const text = await runProcess(JSON.stringify({ ...request, folder }), signal);
    onProgress?.({ stage: "streamed training", done: 1, total: 1, rejected: 0, unit: "trainings" });
    return JSON.parse(text) as StoredResult;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runProcess(request: string, signal: AbortSignal | undefined): Promise<string> {
  const main = fileURLToPath(new URL("./stored-main.js", import.meta.url));
  return new Promise((resolve, reject) => {
    const options = signal === undefined ? {} : { signal };
    execFile(process.execPath, [main, request], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (signal?.aborted) reject(benchInterrupted());
      else reject(new CanopyError("BENCH", `The streamed training failed: ${lastLine(stderr) || error.message}`));
    });
  });
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)!;
}
