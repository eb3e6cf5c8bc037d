/** `enqueue`: a bulk prediction is cut into parts, which workers on any number of machines take from a queue. */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { FlowJobNode, FlowProducer, Queue } from "bullmq";
import { checkInteger, checkKinds, type OptionKinds } from "../check.js";
import { openModel } from "../engine/open-model.js";
import { engineOptions } from "../engine/settings.js";
import { InputError } from "../errors.js";
import { pointToResume } from "../files/write-error.js";
import { MAX_UNREADABLE } from "../isolation/lost-input.js";
import type { AssembleJob, PartJob } from "../queue/jobs.js";
import { connection, JOB_OPTIONS, QUEUE_DEFAULTS, type QueueOptions, withRedis } from "../queue/queue.js";
import { readAddress } from "../queue/redis-address.js";
import { checkOptions, identityOf, PREDICT_OPTIONS, type PredictOptions } from "../run/options.js";
import { findDamage, readRecord } from "../run/parts.js";
import { type RunPaths, runFiles, runPaths } from "../run/paths.js";
import { openRun } from "../run/run-folder.js";
import type { RunContext } from "../run-context.js";
import { cutTileList, hashRange, type ListRange } from "../tiles/tile-list.js";

export interface EnqueueOptions
  extends QueueOptions,
    Omit<PredictOptions, "commit" | "workers" | "sessions" | "shard"> {
  /** Tiles of a part: the work of one job, and the most that the death of a worker costs. @default 2048 */
  partTiles?: number | undefined;
}

export interface EnqueueSummary {
  queue: string;
  tiles: number;
  parts: number;
  /** Parts that went into the queue: those that are not done yet. */
  enqueued: number;
  out: string;
}

const { commit: _commit, workers: _workers, sessions: _sessions, shard: _shard, ...RUN_OPTIONS } = PREDICT_OPTIONS;
const OPTIONS: OptionKinds<EnqueueOptions> = { ...RUN_OPTIONS, partTiles: true, redis: "string?", queue: "string?" };

/**
 * Lists the tiles of the inputs, cuts them into parts and puts these into the queue; workers (`work`) do them, and the
 * last one writes `options.out`. The run folder `<out>.parts` must lie on a file system that all workers share under
 * the same path, as must tiles and model. With `resume`, parts that are done stay and only the others are enqueued.
 * Throws an InputError if Redis does not answer, or a worker is busy with this run.
 */
export async function enqueue(options: EnqueueOptions, context: RunContext = {}): Promise<EnqueueSummary> {
  checkKinds(options, OPTIONS);
  checkOptions(options);
  const { redis = QUEUE_DEFAULTS.redis, queue: name = QUEUE_DEFAULTS.queue } = options;
  const { partTiles = QUEUE_DEFAULTS.partTiles } = options;
  checkInteger("partTiles", partTiles, 1, 1_000_000);
  const address = await readAddress(redis);
  return withRedis(address, async () => {
    const bullmq = await import("bullmq");
    const queue = new bullmq.Queue(name, { connection: connection(address, false) });
    const flows = new bullmq.FlowProducer({ connection: connection(address, false) });
    // Errors of the connection reject the calls that wait for it; this keeps them from being thrown a second time.
    queue.on("error", () => {});
    flows.on("error", () => {});
    try {
      await queue.waitUntilReady();
      return await enqueueRun({ ...options, partTiles }, queue, flows, context).catch(pointToResume);
    } finally {
      await Promise.all([queue.close(), flows.close()]);
    }
  });
}

async function enqueueRun(
  options: EnqueueOptions & { partTiles: number },
  queue: Queue,
  flows: FlowProducer,
  context: RunContext,
): Promise<EnqueueSummary> {
  const paths = runPaths(resolve(options.out));
  const request = await runRequest(options, queue.name, paths);
  if (options.resume || options.overwrite) await refuseBusy(queue, paths.folder);
  const run = await openRun(request, context);
  try {
    await forgetJobs(queue, paths.folder);
    const { tiles } = run.identity.input;
    const parts = Math.ceil(tiles / options.partTiles);
    const summary = { queue: queue.name, tiles, parts, enqueued: 0, out: paths.out };
    if (run.finished) return summary;
    const jobs = await missingParts(paths.folder, options.partTiles, context);
    await removeParts(queue, jobs);
    const data: AssembleJob = { folder: paths.folder };
    const opts = { ...JOB_OPTIONS, jobId: assembleId(paths.folder) };
    await flows.add({
      name: "assemble",
      queueName: queue.name,
      data,
      opts,
      children: jobs.map((job) => child(queue, job)),
    });
    return { ...summary, enqueued: jobs.length };
  } finally {
    run.close();
  }
}

async function runRequest(options: EnqueueOptions & { partTiles: number }, queue: string, paths: RunPaths) {
  const { inputs, resume = false, overwrite = false, stdin, model: folder, backbone, partTiles } = options;
  const { maxUnreadable = MAX_UNREADABLE } = options;
  const model = await openModel(folder, options);
  const setup = engineOptions(model, options);
  const identity = identityOf(model, setup, options);
  // Each worker chooses its device, unless one was asked for.
  const settings = { ...identity.settings, device: options.device ?? "auto" };
  return {
    paths,
    inputs,
    resume,
    overwrite,
    identity: { ...identity, settings },
    queue: {
      queue,
      partTiles,
      model: resolve(folder),
      backbone: backbone === undefined ? null : resolve(backbone),
      maxUnreadable,
    },
    ...(stdin === undefined ? {} : { stdin }),
  };
}

/** The parts that are not committed, or damaged. */
async function missingParts(folder: string, partTiles: number, context: RunContext): Promise<PartJob[]> {
  const files = runFiles(folder);
  const jobs: PartJob[] = [];
  let part = 0;
  for await (const range of cutTileList(files.tiles, partTiles)) {
    const record = await readRecord(folder, part);
    const damage = record && (await findDamage(folder, record, await expectedPart(files.tiles, range)));
    if (damage !== undefined) {
      context.onWarning?.(`Part ${part} ${damage}; it is done again.`);
      await rm(files.record(part), { force: true });
    }
    if (record === undefined || damage !== undefined) jobs.push({ folder, part, tiles: range.to - range.from });
    part++;
  }
  return jobs;
}

async function expectedPart(list: string, range: ListRange) {
  return { first: range.from, tilesSha256: await hashRange(list, range) };
}

function child(queue: Queue, job: PartJob): FlowJobNode {
  const opts = { ...JOB_OPTIONS, jobId: partId(job.folder, job.part), failParentOnFailure: true };
  return { name: "part", queueName: queue.name, data: job, opts };
}

/** Asked before anything of the run is changed. */
async function refuseBusy(queue: Queue, folder: string): Promise<void> {
  const active = await queue.getActive();
  if (active.some((job) => job?.data?.folder === folder)) throw busy(folder);
}

/** Takes an earlier flow of the run out of the queue. */
async function forgetJobs(queue: Queue, folder: string): Promise<void> {
  const earlier = await queue.getJob(assembleId(folder));
  await earlier?.remove({ removeChildren: true }).catch((cause) => {
    throw busy(folder, { cause });
  });
}

function busy(folder: string, options?: ErrorOptions): InputError {
  return new InputError(`Workers are busy with the run in ${folder}: wait for them, or stop them first.`, options);
}

/** Jobs of an earlier flow that are done or failed keep their ids, which would block new ones. */
async function removeParts(queue: Queue, jobs: readonly PartJob[]): Promise<void> {
  for (const { folder, part } of jobs) await (await queue.getJob(partId(folder, part)))?.remove();
}

function assembleId(folder: string): string {
  return `assemble-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`;
}

function partId(folder: string, part: number): string {
  return `${assembleId(folder).replace("assemble", "part")}-${part}`;
}
