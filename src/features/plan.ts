/** Workers, sessions, batch size and read-ahead for a machine, a device and a memory budget. */

import { loadAddon } from "../addon.js";
import { checkInteger } from "../check.js";
import { InputError } from "../errors.js";
import { usableCores } from "../machine.js";
import { defaultTilesPerRun } from "./backbone.js";
import type { Device } from "./device.js";
import { BATCHES_PER_SESSION, defaultBatchSize } from "./stream.js";

interface PlanOptions {
  device: Device;
  size: number;
  /** Decode workers. @default one per core, as far as `memory` reaches */
  workers?: number;
  /** Sessions at most. @default one per core on the CPU, one on a GPU */
  sessions?: number;
  /** Tiles per batch. @default see `defaultBatchSize` */
  batchSize?: number;
  /**
   * Bytes the pipeline may take beside Node itself; sessions and batches are reduced to stay within it. @default no
   * limit
   */
  memory?: number;
  /** Bytes of `memory` that the pipeline must leave free. @default 0 */
  keptFree?: number;
  /** Bytes of `memory` that each worker beyond the first few needs for the file it decodes. @default 0 */
  workerFileBytes?: number;
  /** @default usableCores() */
  cores?: number;
}

export interface PipelinePlan {
  /** Decode workers. */
  workers: number;
  sessions: number;
  batchSize: number;
  batchesAhead: number;
  /** Estimated memory of all this, in bytes, at most. */
  memory: number;
}

/**
 * Measured with MobileNetV2: resident memory of Node with canopy loaded, of a decode worker, and of a session before
 * its first run.
 */
const BASE_BYTES = 110 << 20;
const WORKER_BYTES = 24 << 20;
const SESSION_BYTES = 40 << 20;
/** A session's memory per pixel of a run, measured from 1 tile to 32: its largest layers in float32. */
const ACTIVATION_BYTES_PER_PIXEL = 250;

/** A pipeline that is being planned. */
type PlanSizes = Omit<PipelinePlan, "batchesAhead" | "memory">;

/**
 * Sessions: one per core on the CPU, one on a GPU. Workers: one per core, too; idle ones cost nothing. A budget is
 * spent first on the few workers that a CPU backbone needs, then on sessions and batches, then on more workers.
 * @throws InputError if not even the smallest pipeline fits the budget.
 */
export function planPipeline(options: PlanOptions): PipelinePlan {
  const { keptFree = 0, workerFileBytes = 0, cores = usableCores() } = options;
  const { memory: budget = Number.POSITIVE_INFINITY } = options;
  if (options.memory !== undefined) checkInteger("memory", options.memory, 1);
  const memory = budget - keptFree;
  const plan = shrink(startOf(options, cores), options, memory);
  if (reckon(options, plan) > memory) throw tooSmall(budget, plan, reckon(options, plan) + keptFree);
  const wanted = options.workers ?? Math.max(plan.workers, cores);
  const reckonWith = (workers: number) => reckon(options, { ...plan, workers }) + workers * workerFileBytes;
  let workers = wanted;
  while (workers > plan.workers && reckonWith(workers) > memory) workers--;
  return { ...plan, workers, batchesAhead: plan.sessions + 1, memory: reckon(options, { ...plan, workers }) };
}

/** `plan` for no more than `tiles` tiles: threads for which nothing would be left to do are not started. */
export function planForTiles(plan: PipelinePlan, tiles: number): PipelinePlan {
  const atMost = (threads: number, pieces: number) => Math.max(1, Math.min(threads, pieces));
  const sessions = atMost(plan.sessions, Math.ceil(tiles / plan.batchSize));
  return { ...plan, sessions, workers: atMost(plan.workers, tiles), batchesAhead: sessions + 1 };
}

/** Decoding is a tenth of a CPU backbone's work with the addon, a third without; a GPU needs all cores for decoding. */
function startOf(options: PlanOptions, cores: number): PlanSizes {
  const onCpu = options.device === "cpu";
  const share = loadAddon() ? 4 : 2;
  const workers = options.workers ?? (onCpu ? Math.ceil(cores / share) : cores);
  const { sessions = onCpu ? cores : 1, batchSize = defaultBatchSize(options) } = options;
  checkInteger("workers", workers, 1, 1024);
  checkInteger("batchSize", batchSize, 1, 4096);
  checkInteger("sessions", sessions, 1, 1024);
  return { workers, sessions, batchSize };
}

/** Smaller batches, then fewer sessions, then fewer workers, until the plan fits or nothing is left to take away. */
function shrink(start: PlanSizes, options: PlanOptions, memory: number): PlanSizes {
  const plan = { ...start };
  const fits = () => reckon(options, plan) <= memory;
  while (!fits() && options.batchSize === undefined && plan.batchSize > 1) plan.batchSize >>= 1;
  while (!fits() && plan.sessions > 1) plan.sessions--;
  while (!fits() && options.workers === undefined && plan.workers > 1) plan.workers--;
  return plan;
}

function tooSmall(budget: number, { workers, batchSize }: PlanSizes, needed: number): InputError {
  const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  const threads = `${workers} decode worker${workers === 1 ? "" : "s"} and one session`;
  return new InputError(
    `A memory budget of ${mib(budget)} is too small: with ${threads} of batches of ${batchSize}, about ` +
      `${mib(needed)} are needed.`,
  );
}

function reckon({ device, size }: PlanOptions, { workers, sessions, batchSize }: PlanSizes): number {
  const slotBytes = batchSize * size ** 2 * 3;
  const slots = (BATCHES_PER_SESSION + 1) * sessions + 1;
  const pixelsPerRun = Math.min(batchSize, defaultTilesPerRun(device, size)) * size ** 2;
  const session = SESSION_BYTES + pixelsPerRun * ACTIVATION_BYTES_PER_PIXEL;
  return BASE_BYTES + workers * WORKER_BYTES + sessions * session + slots * slotBytes;
}
