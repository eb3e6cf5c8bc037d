/**
 * The queue: parts of runs as BullMQ jobs. A run is a flow: one job for each part, and one that puts the output
 * together after them.
 */
import type { ConnectionOptions, JobsOptions } from "bullmq";
import type { RedisAddress } from "./redis-address.js";
import { explainRedisError } from "./redis-errors.js";

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
export function connection({ tls, ...address }: RedisAddress, patient: boolean): ConnectionOptions {
  const options = { ...address, ...(tls ? { tls: {} } : {}) };
  if (patient) return { ...options, maxRetriesPerRequest: null };
  return { ...options, maxRetriesPerRequest: 1, retryStrategy: () => null, enableOfflineQueue: true };
}

/** Runs `work`; explains errors if Redis cannot be reached or refuses the login. */
export async function withRedis<T>(address: RedisAddress, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainRedisError(error, address);
  }
}
