/**
 * The queue: parts of runs as BullMQ jobs. A run is a flow: one job for each part, and one that puts the output
 * together after them.
 */
import { createRequire } from "node:module";
import type { ConnectionOptions, JobsOptions } from "bullmq";
import { InputError } from "../errors.js";
import type { RedisAddress } from "./redis-address.js";
import { explainRedisError } from "./redis-errors.js";

const REQUIRE = createRequire(import.meta.url);
const PACKAGES = ["bullmq", "ioredis", "prom-client"];

export const QUEUE_DEFAULTS = { redis: "redis://127.0.0.1:6379", queue: "canopy", partTiles: 2048 } as const;

export interface QueueOptions {
  /**
   * Address of the Redis that holds the queue, `redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `@FILE`, whose
   * first line it is. @default "redis://127.0.0.1:6379"
   */
  redis?: string | undefined;
  /** Name of the queue. @default "canopy" */
  queue?: string | undefined;
}

/** The result of a job. */
export interface JobResult {
  tiles: number;
  predicted: number;
  rejected: number;
  /** Wall clock of the work; 0 if another worker had done it. */
  seconds: number;
}

/** Tries and the pause between them: 2, 4, 8, 16 s. The death of a worker does not count as a try. */
export const JOB_OPTIONS = {
  attempts: 5,
  backoff: { type: "exponential", delay: 2000 },
  removeOnComplete: { count: 1000 },
} as const satisfies JobsOptions;

/** How often a part may be taken from a worker that died or fell silent. */
export const MAX_STALLS = 20;

/** `patient` for workers, which wait for Redis for ever; commands of people fail at once. */
export function connection({ tls, ...address }: RedisAddress, patient: boolean) {
  const options = { ...address, ...(tls ? { tls: {} } : {}) } satisfies ConnectionOptions;
  if (patient) return { ...options, maxRetriesPerRequest: null };
  return { ...options, maxRetriesPerRequest: 1, retryStrategy: () => null, enableOfflineQueue: true };
}

/** Runs `work`; explains errors if the queue's packages are missing, or Redis cannot be reached or refuses the login. */
export async function withRedis<T>(address: RedisAddress, work: () => Promise<T>): Promise<T> {
  checkPackages();
  try {
    return await work();
  } catch (error) {
    throw explainRedisError(error, address);
  }
}

/** Who does not use the queue does not have to install them. */
function checkPackages(): void {
  const missing = PACKAGES.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  throw new InputError(
    `The queue needs packages that are not installed: ${missing.join(", ")}. Install them beside canopy: \`npm install ${PACKAGES.join(" ")}\`.`,
  );
}

function isInstalled(name: string): boolean {
  try {
    REQUIRE.resolve(name);
    return true;
  } catch {
    return false;
  }
}
