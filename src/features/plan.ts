/** How many of what: workers, sessions, batch size and read-ahead for a machine, a device and a memory budget. */

import { loadAddon } from "../addon.js";
import { checkInteger } from "../check.js";
import { InputError } from "../errors.js";
import { usableCores } from "../machine.js";
import { defaultTilesPerRun } from "./backbone.js";
import type { Device } from "./device.js";
import { BATCHES_PER_SESSION, defaultBatchSize } from "./stream.js";

export interface PlanOptions {
  device: Device;
  size: number;
  /** Decode workers; @default what keeps the sessions fed */
  workers?: number;
  /** Tiles per batch. @default see `defaultBatchSize` */
  batchSize?: number;
  /** Bytes the pipeline may take beside Node itself; fewer sessions and smaller batches keep it. @default no limit */
  memory?: number;
  /** Bytes of `memory` that are kept free of the pipeline. @default 0 */
  keptFree?: number;
  /** Bytes that each worker is to have, within `memory`, for the file it decodes. @default 0 */
  workerFileBytes?: number;
  /** @default usableCores() */
  cores?: number;
}

export interface PipelinePlan {
  /** Decode workers to begin with. */
  workers: number;
  /** Decode workers there may be, where decoding turns out to be slower than planned (see balance.ts). */
  mostWorkers: number;
  sessions: number;
  batchSize: number;
  batchesAhead: number;
  /** What all this is reckoned to take at most, in bytes. */
  memory: number;
}

/** Measured with MobileNetV2: resident memory of Node with canopy loaded, of a decode worker, and of a session before its first run. */
const BASE_BYTES = 110 << 20;
const WORKER_BYTES = 24 << 20;
const SESSION_BYTES = 40 << 20;
/** A session's memory per pixel of a run, measured from 1 tile to 32: its largest layers in float32. */
const ACTIVATION_BYTES_PER_PIXEL = 250;

/**
 * Sessions: one per core on the CPU, one on a GPU. Workers: decoding is a tenth of a CPU backbone's work with the addon, a third without;
 * a GPU wants all cores. Where the user does not say how many, all cores may come to decode, as far as the budget reaches.
 * @throws InputError where not even the smallest pipeline fits the budget.
 */
export function planPipeline(options: PlanOptions): PipelinePlan {
  const { device, keptFree = 0, workerFileBytes = 0, cores = usableCores() } = options;
  const { memory: budget = Number.POSITIVE_INFINITY } = options;
  const memory = budget - keptFree;
  if (options.memory !== undefined) checkInteger("memory", options.memory, 1);
  const share = loadAddon() ? 4 : 2;
  let workers = options.workers ?? (device === "cpu" ? Math.ceil(cores / share) : cores);
  let sessions = device === "cpu" ? cores : 1;
  let batchSize = options.batchSize ?? defaultBatchSize(options);
  checkInteger("workers", workers, 1, 1024);
  checkInteger("batchSize", batchSize, 1, 4096);
  const fits = () => reckon(options, workers, sessions, batchSize) <= memory;
  while (!fits() && options.batchSize === undefined && batchSize > 1) batchSize >>= 1;
  while (!fits() && sessions > 1) sessions--;
  while (!fits() && options.workers === undefined && workers > 1) workers--;
  const needed = reckon(options, workers, sessions, batchSize);
  if (needed > memory) {
    const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
    throw new InputError(
      `A memory budget of ${mib(budget)} is too small: with ${workers} decode worker${workers === 1 ? "" : "s"} and one session of batches of ${batchSize}, about ${mib(needed + keptFree)} are needed.`,
    );
  }
  let mostWorkers = options.workers ?? Math.max(workers, cores);
  const most = () => reckon(options, mostWorkers, sessions, batchSize);
  while (mostWorkers > workers && most() + mostWorkers * workerFileBytes > memory) mostWorkers--;
  return { workers, mostWorkers, sessions, batchSize, batchesAhead: sessions + 1, memory: most() };
}

function reckon({ device, size }: PlanOptions, workers: number, sessions: number, batchSize: number): number {
  const slotBytes = batchSize * size ** 2 * 3;
  const slots = (BATCHES_PER_SESSION + 1) * sessions + 1;
  const pixelsPerRun = Math.min(batchSize, defaultTilesPerRun(device, size)) * size ** 2;
  const session = SESSION_BYTES + pixelsPerRun * ACTIVATION_BYTES_PER_PIXEL;
  return BASE_BYTES + workers * WORKER_BYTES + sessions * session + slots * slotBytes;
}
