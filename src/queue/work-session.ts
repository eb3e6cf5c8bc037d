/** A running queue worker: its connections, its engine and its counts. */
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { DelayedError, type Job, Queue, UnrecoverableError, WaitingError, Worker } from "bullmq";
import { LostInputError } from "../isolation/lost-input.js";
import { pathsOfFolder } from "../run/paths.js";
import type { RunContext } from "../run-context.js";
import { EngineKeeper, type KeeperOptions, UnfitWorkerError } from "./engine-keeper.js";
import { type AssembleJob, BadJobError, checkJob, knownJob, type PartJob, refuseOutside } from "./jobs.js";
import { type MetricsAddress, WorkerMetrics } from "./metrics.js";
import { doAssembly, doPart, LostRunError, partOfEndedRun } from "./part-job.js";
import { connection, type JobResult, MAX_STALLS, type QueueOptions } from "./queue.js";
import type { RedisAddress } from "./redis-address.js";

export interface WorkOptions extends QueueOptions, KeeperOptions {
  /** Only runs whose folders, by their real path, lie below this one are worked on. @default all runs */
  root?: string | undefined;
  /** Ends when the queue is empty and the jobs of other workers are done. @default false */
  untilEmpty?: boolean | undefined;
  /** A worker that is silent for so many seconds loses its job to another. @default 30 */
  stalledSeconds?: number | undefined;
  /** Where to serve Prometheus' `/metrics`. @default nowhere */
  metrics?: MetricsAddress | undefined;
  /** Called with the URL once metrics are served. */
  onMetrics?: ((url: string) => void) | undefined;
}

export interface WorkSummary {
  queue: string;
  /** Parts this worker did, and their tiles. */
  parts: number;
  tiles: number;
  predicted: number;
  rejected: number;
  /** Outputs it put together. */
  assembled: number;
  /** Tries that failed. */
  failed: number;
  seconds: number;
  /** Decode workers and sessions it had. Null if it has done no part. */
  workers: number | null;
  sessions: number | null;
}

/**
 * The pause before a worker whose mount is gone gives a part back. Without it this worker would use up the tries of all
 * parts; now others, which may still read the tiles, get them.
 */
const LOST_PAUSE_MS = 5000;

export class WorkSession {
  readonly summary: WorkSummary;
  readonly #options: WorkOptions;
  readonly #context: RunContext;
  readonly #queue: Queue;
  readonly #redis: RedisAddress;
  readonly #keeper: EngineKeeper;
  readonly #metrics: WorkerMetrics;
  readonly #startedAt = performance.now();
  #unfit: UnfitWorkerError | undefined;

  constructor(name: string, redis: RedisAddress, options: WorkOptions, context: RunContext) {
    this.#options = options;
    this.#context = context;
    this.#redis = redis;
    this.#queue = new Queue(name, { connection: connection(redis, true) });
    this.#queue.on("error", () => {});
    this.#keeper = new EngineKeeper(options, context);
    this.#metrics = new WorkerMetrics(() => this.#queue.exportPrometheusMetrics());
    const none = { parts: 0, tiles: 0, predicted: 0, rejected: 0, assembled: 0, failed: 0, seconds: 0 };
    this.summary = { queue: name, ...none, workers: null, sessions: null };
  }

  async run(lockDuration: number): Promise<void> {
    const { metrics, onMetrics } = this.#options;
    if (metrics) onMetrics?.(await this.#metrics.listen(metrics));
    const worker = new Worker(this.#queue.name, (job, token) => this.#process(job, token), {
      connection: connection(this.#redis, true),
      name: `${hostname()}-${process.pid}`,
      lockDuration,
      stalledInterval: lockDuration,
      maxStalledCount: MAX_STALLS,
      // Counts completed and failed jobs for Prometheus.
      metrics: { maxDataPoints: 1 },
    });
    worker.on("error", (error) => this.#reportTrouble(error));
    worker.on("failed", (job, error) => this.#reportFailure(job, error));
    try {
      // An abort wakes it, so that it takes no other job after the current one.
      while (!(await this.#isOver())) await this.#pause(250);
    } finally {
      await worker.close();
    }
    if (this.#unfit) throw this.#unfit;
  }

  async close(): Promise<void> {
    this.summary.seconds = Math.round(performance.now() - this.#startedAt) / 1000;
    Object.assign(this.summary, this.#keeper.threads);
    this.#metrics.close();
    await Promise.all([this.#keeper.close(), this.#queue.close()]);
  }

  async #isOver(): Promise<boolean> {
    if (this.#context.signal?.aborted || this.#unfit) return true;
    if (!this.#options.untilEmpty) return false;
    const states = ["waiting", "active", "delayed", "prioritized", "waiting-children"] as const;
    return (await this.#queue.getJobCountByTypes(...states)) === 0;
  }

  /** Nothing of a job is trusted before it is checked. */
  async #process(job: Job, token: string | undefined): Promise<JobResult> {
    try {
      const known = checkJob(job);
      const { root } = this.#options;
      if (root !== undefined) await refuseOutside(known.data.folder, root);
      return known.name === "assemble" ? await this.#assemble(known.data) : await this.#doPart(known.data, job, token);
    } catch (error) {
      throw error instanceof BadJobError ? new UnrecoverableError(error.message) : error;
    }
  }

  async #assemble(data: AssembleJob): Promise<JobResult> {
    // The run is over and its engine not needed any more; writing a large output needs the memory.
    await this.#keeper.close();
    const { onProgress } = this.#context;
    const result = await doAssembly(data, this.#queue.name, onProgress === undefined ? {} : { onProgress });
    this.summary.assembled++;
    return result;
  }

  async #doPart(data: PartJob, job: Job, token: string | undefined): Promise<JobResult> {
    const result = await this.#tryPart(data, job, token);
    this.#metrics.done(result);
    this.summary.parts++;
    this.summary.tiles += result.tiles;
    this.summary.predicted += result.predicted;
    this.summary.rejected += result.rejected;
    this.#context.onProgress?.({ stage: "work", done: this.summary.tiles, rejected: this.summary.rejected });
    return result;
  }

  async #tryPart(data: PartJob, job: Job, token: string | undefined): Promise<JobResult> {
    if (this.#context.signal?.aborted) return leave(job, token);
    try {
      const kept = await this.#keeper.engineFor(data.folder, this.#queue.name);
      if (kept === undefined) return await partOfEndedRun(data);
      const { onWarning } = this.#context;
      return await doPart(data, kept, onWarning === undefined ? {} : { onWarning });
    } catch (error) {
      if (error instanceof LostInputError || error instanceof LostRunError) await this.#pause(LOST_PAUSE_MS);
      if (!(error instanceof UnfitWorkerError)) throw error;
      this.#unfit = error;
      return postpone(job, 2000, token);
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#context;
    await sleep(milliseconds, undefined, signal && { signal }).catch(() => {});
  }

  #reportFailure(job: Job | undefined, error: Error): void {
    this.summary.failed++;
    this.#metrics.failed();
    const what = job === undefined ? "A job" : `${describeJob(job)} (try ${job.attemptsMade})`;
    this.#context.onWarning?.(`${what} failed: ${error.message}`);
  }

  #reportTrouble(error: Error): void {
    this.#context.onWarning?.(`Trouble with the queue, trying on: ${error.message}`);
  }
}

/** For a job that was taken in the moment of the abort: it waits for others as before, and loses no try. */
async function leave(job: Job, token: string | undefined): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}

/** Gives a job back, for others to take in `wait` milliseconds. It loses no try. */
async function postpone(job: Job, wait: number, token: string | undefined): Promise<never> {
  await job.moveToDelayed(Date.now() + wait, token);
  throw new DelayedError();
}

function describeJob(job: Job): string {
  const known = knownJob(job);
  if (known === undefined) return "A job";
  return known.name === "part" ? `part ${known.data.part}` : `assemble ${pathsOfFolder(known.data.folder).out}`;
}
