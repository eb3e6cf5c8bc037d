/**
 * The queue: parts of runs as BullMQ jobs. A run is a flow: one job for each part, and one that puts the output
 * together after them.
 */
import type { ConnectionOptions, JobsOptions } from "bullmq";
import { InputError, OptionError } from "../errors.js";

export const QUEUE_DEFAULTS = { redis: "redis://127.0.0.1:6379", queue: "canopy", partTiles: 2048 } as const;

export interface QueueOptions {
  /** URL of the Redis that holds the queue. @default "redis://127.0.0.1:6379" */
  redis?: string | undefined;
  /** Name of the queue. @default "canopy" */
  queue?: string | undefined;
}

/** What a job answers. */
export interface JobResult {
  tiles: number;
  predicted: number;
  rejected: number;
  /** Wall clock of the work; 0 where another worker had done it. */
  seconds: number;
}

/** Tries and the pause between them: 2, 4, 8, 16 s. A worker that dies costs no try. */
export const JOB_OPTIONS = {
  attempts: 5,
  backoff: { type: "exponential", delay: 2000 },
  removeOnComplete: { count: 1000 },
} as const satisfies JobsOptions;

/** How often a part may be taken from a worker that died or fell silent. */
export const MAX_STALLS = 20;

/** For a worker, which waits for Redis as long as it takes; commands of people fail at once (`patient: false`). */
export function connection(redis: string, patient: boolean): ConnectionOptions {
  if (!/^rediss?:\/\//.test(redis)) {
    throw new OptionError(`Expected \`redis\` to be a URL such as redis://host:6379, got ${JSON.stringify(redis)}.`);
  }
  if (patient) return { url: redis, maxRetriesPerRequest: null };
  return { url: redis, maxRetriesPerRequest: 1, retryStrategy: () => null, enableOfflineQueue: true };
}

/** Runs `work`; says so where Redis cannot be reached, or does not let us in. */
export async function withRedis<T>(redis: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const place = redis.replace(/\/\/.*@/, "//");
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (/^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH)/.test(message)) {
      const url = place.replace("//", "//:PASSWORD@");
      throw new InputError(`Redis at ${place} does not accept the password: give it in the URL (${url}).`, {
        cause: error,
      });
    }
    if (!UNREACHABLE.test(code) && !UNREACHABLE.test(message)) throw error;
    throw new InputError(`Redis does not answer at ${place}: is it running?`, { cause: error });
  }
}

const UNREACHABLE =
  /ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|Connection is closed/;
