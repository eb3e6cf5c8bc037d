/** `work`: takes parts of bulk predictions from the queue, until told to stop. */
import { checkInRange, checkInteger, checkKinds, type OptionKinds } from "../check.js";
import { InputError } from "../errors.js";
import { statIfThere } from "../files/facts.js";
import { connection, QUEUE_DEFAULTS, withRedis } from "../queue/queue.js";
import { type RedisAddress, readAddress } from "../queue/redis-address.js";
import type { WorkOptions, WorkSummary } from "../queue/work-session.js";
import type { RunContext } from "../run-context.js";

export type { WorkOptions, WorkSummary };

const OPTIONS: OptionKinds<WorkOptions> = {
  root: "string?",
  untilEmpty: "boolean?",
  stalledSeconds: true,
  metrics: true,
  onMetrics: true,
  redis: "string?",
  queue: "string?",
  workers: true,
  memory: true,
};

/**
 * Takes jobs until `context.signal` aborts (the job in hand is finished first), or the queue is empty with
 * `untilEmpty`. A job that fails is tried again later by any worker. Throws an InputError if Redis does not answer at
 * the start (later it waits for Redis), and an UnfitWorkerError, after putting its job back, if model or decoder here
 * are not those of the run.
 */
export async function work(options: WorkOptions, context: RunContext = {}): Promise<WorkSummary> {
  checkKinds(options, OPTIONS);
  const { redis = QUEUE_DEFAULTS.redis, queue: name = QUEUE_DEFAULTS.queue, stalledSeconds = 30 } = options;
  checkInRange("stalledSeconds", stalledSeconds, 1, 3600);
  // Now rather than with the first part.
  if (options.workers !== undefined) checkInteger("workers", options.workers, 1, 1024);
  if (options.memory !== undefined) checkInteger("memory", options.memory, 1);
  if (options.root !== undefined) await checkFolder(options.root);
  const address = await readAddress(redis);
  await withRedis(address, () => checkReachable(name, address));
  // Loaded here: BullMQ takes a third of a second to load, which other importers of canopy should not wait for.
  const { WorkSession } = await import("../queue/work-session.js");
  const session = new WorkSession(name, address, options, context);
  try {
    await session.run(stalledSeconds * 1000);
  } finally {
    await session.close();
  }
  return session.summary;
}

async function checkFolder(root: string): Promise<void> {
  if ((await statIfThere(root))?.isDirectory()) return;
  throw new InputError(`\`root\` is to be a folder that is there, and ${root} is none.`);
}

async function checkReachable(name: string, address: RedisAddress): Promise<void> {
  const { Queue } = await import("bullmq");
  const probe = new Queue(name, { connection: connection(address, false) });
  probe.on("error", () => {});
  try {
    await probe.waitUntilReady();
  } finally {
    await probe.close();
  }
}
