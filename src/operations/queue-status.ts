/** `queue status`: what is done, what is left, how fast, and what went wrong. */

import type { Job, Queue } from "bullmq";
import { checkKinds, type OptionKinds } from "../check.js";
import { InputError } from "../errors.js";
import { knownJob } from "../queue/jobs.js";
import { connection, type JobResult, QUEUE_DEFAULTS, type QueueOptions, withRedis } from "../queue/queue.js";
import { readAddress } from "../queue/redis-address.js";
import { pathsOfFolder } from "../run/paths.js";

export interface QueueStatus {
  queue: string;
  /** Jobs by state: parts, and one for each run that puts its output together. */
  waiting: number;
  active: number;
  delayed: number;
  completed: number;
  failed: number;
  /** Runs that are not finished. */
  runs: number;
  workers: number;
  /** Over the last five minutes; null if nothing was done in them. */
  tilesPerS: number | null;
  /** Tiles in parts that are not done, estimated from the sizes of some. */
  tilesLeft: number;
  /** Null if nothing is left, or no rate is known. */
  etaSeconds: number | null;
  failures: { job: string; attempts: number; reason: string }[];
}

const WINDOW_MS = 5 * 60_000;
/** Jobs looked at for rates and failures. */
const SAMPLE = 1000;

const OPTIONS: OptionKinds<QueueOptions> = { redis: "string?", queue: "string?" };

/** Throws an InputError if Redis does not answer. */
export async function queueStatus(options: QueueOptions = {}): Promise<QueueStatus> {
  checkKinds(options, OPTIONS);
  const { redis = QUEUE_DEFAULTS.redis, queue: name = QUEUE_DEFAULTS.queue } = options;
  const address = await readAddress(redis);
  return withRedis(address, async () => {
    const bullmq = await import("bullmq");
    const queue = new bullmq.Queue(name, { connection: connection(address, false) });
    queue.on("error", () => {});
    try {
      await queue.waitUntilReady();
      return await readStatus(queue).catch((error) => refuseForeign(name, error));
    } finally {
      await queue.close();
    }
  });
}

async function readStatus(queue: Queue): Promise<QueueStatus> {
  const states = ["waiting", "active", "delayed", "completed", "failed", "waiting-children"] as const;
  const counts = await queue.getJobCounts(...states);
  const count = (state: (typeof states)[number]): number => counts[state] ?? 0;
  const left = count("waiting") + count("active") + count("delayed");
  const tilesPerSecond = rate((await queue.getJobs("completed", 0, SAMPLE - 1)) as Job[], Date.now());
  const tilesLeft = Math.round(
    left * meanPart((await queue.getJobs(["waiting", "active", "delayed"], 0, 99)) as Job[]),
  );
  const failed = (await queue.getJobs("failed", 0, 19)) as Job[];
  return {
    queue: queue.name,
    waiting: count("waiting"),
    active: count("active"),
    delayed: count("delayed"),
    completed: count("completed"),
    failed: count("failed"),
    runs: count("waiting-children") + (await runsBeingAssembled(queue)),
    workers: await queue.getWorkersCount(),
    tilesPerS: tilesPerSecond,
    tilesLeft,
    etaSeconds: tilesPerSecond === null || tilesLeft === 0 ? null : Math.round(tilesLeft / tilesPerSecond),
    failures: failed.map((job) => ({ job: describe(job), attempts: job.attemptsMade, reason: reasonOf(job) })),
  };
}

async function runsBeingAssembled(queue: Queue): Promise<number> {
  const jobs = (await queue.getJobs(["waiting", "active", "delayed"], 0, 99)) as Job[];
  return jobs.filter((job) => job.name === "assemble").length;
}

/** Throws an InputError if BullMQ could not read a job, or what it threw. */
function refuseForeign(name: string, error: unknown): never {
  if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  throw new InputError(`The queue ${name} holds a job that cannot be read: something else than canopy writes to it.`, {
    cause: error,
  });
}

/** Of a reason that a stranger may have written. */
const MOST_CHARACTERS = 500;

function reasonOf({ failedReason = "" }: Job): string {
  return failedReason.length <= MOST_CHARACTERS ? failedReason : `${failedReason.slice(0, MOST_CHARACTERS)}...`;
}

/** What a worker says that it did, if it is a number of tiles. */
function tilesOf({ returnvalue }: Job): number {
  const tiles: unknown = (returnvalue as Partial<JobResult> | null)?.tiles;
  return Number.isSafeInteger(tiles) ? Math.max(0, tiles as number) : 0;
}

function rate(completed: readonly Job[], now: number): number | null {
  const recent = completed.filter((job) => job.name === "part" && (job.finishedOn ?? 0) > now - WINDOW_MS);
  const tiles = recent.reduce((sum, job) => sum + tilesOf(job), 0);
  const since = Math.min(...recent.map((job) => job.processedOn ?? now));
  const until = Math.max(...recent.map((job) => job.finishedOn ?? 0));
  return tiles === 0 || until <= since ? null : Math.round((tiles / (until - since)) * 1e6) / 1e3;
}

function meanPart(jobs: readonly Job[]): number {
  const sizes = jobs.map(knownJob).flatMap((job) => (job?.name === "part" ? [job.data.tiles] : []));
  return sizes.length === 0 ? 0 : sizes.reduce((a, b) => a + b, 0) / sizes.length;
}

function describe(job: Job): string {
  const known = knownJob(job);
  if (known === undefined) return "a job that `enqueue` did not make";
  const { folder } = known.data;
  return known.name === "part" ? `part ${known.data.part} of ${folder}` : `assemble ${pathsOfFolder(folder).out}`;
}
