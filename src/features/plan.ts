/** How many of what: workers, sessions, batch size and read-ahead for a machine, a device and a memory budget. */

import { loadAddon } from "../addon.js";
import { checkInteger } from "../check.js";
import { InputError } from "../errors.js";
import { usableCores } from "../machine.js";
import type { Device } from "./device.js";

export interface PlanOptions {
  device: Device;
  size: number;
  /** Decode workers; @default what keeps the sessions fed */
  workers?: number;
  /** Tiles per run of a session. @default 8 on the CPU, 32 on a GPU */
  batchSize?: number;
  /** Bytes the pipeline may take beside Node itself; fewer sessions and smaller batches keep it. @default no limit */
  memory?: number;
  /** @default usableCores() */
  cores?: number;
}

export interface PipelinePlan {
  workers: number;
  sessions: number;
  batchSize: number;
  batchesAhead: number;
  /** What all this is reckoned to take at most, in bytes. */
  memory: number;
}

/** Batches a session may have been given at once: one it works on, and what it goes on with. */
export const BATCHES_PER_SESSION = 3;

/** Measured: resident memory of Node with canopy loaded, of a decode worker, and of a session at 224 pixels and batch 1. */
const BASE_BYTES = 150 << 20;
const WORKER_BYTES = 24 << 20;
const SESSION_BYTES = 60 << 20;
/** A session's activations per pixel of a batch: MobileNetV2's largest layers, float32. */
const ACTIVATION_BYTES_PER_PIXEL = 160;

/**
 * Sessions: one per core on the CPU, one on a GPU. Workers: decoding is a tenth of a CPU backbone's work with the addon, a third without;
 * a GPU wants all cores.
 * @throws InputError where not even the smallest pipeline fits the budget.
 */
export function planPipeline(options: PlanOptions): PipelinePlan {
  const { device, size, memory = Number.POSITIVE_INFINITY, cores = usableCores() } = options;
  if (memory !== Number.POSITIVE_INFINITY) checkInteger("memory", memory, 1);
  const share = loadAddon() ? 4 : 2;
  let workers = options.workers ?? (device === "cpu" ? Math.ceil(cores / share) : cores);
  let sessions = device === "cpu" ? cores : 1;
  let batchSize = options.batchSize ?? (device === "cpu" ? 8 : 32);
  checkInteger("workers", workers, 1, 1024);
  checkInteger("batchSize", batchSize, 1, 4096);
  const fits = () => reckon(workers, sessions, batchSize, size) <= memory;
  while (!fits() && options.batchSize === undefined && batchSize > 4) batchSize >>= 1;
  while (!fits() && sessions > 1) sessions--;
  while (!fits() && options.workers === undefined && workers > 1) workers--;
  const needed = reckon(workers, sessions, batchSize, size);
  if (needed > memory) {
    const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
    throw new InputError(
      `A memory budget of ${mib(memory)} is too small: ${workers} decode worker(s) and one session with batches of ${batchSize} need about ${mib(needed)}.`,
    );
  }
  return { workers, sessions, batchSize, batchesAhead: 2 * sessions, memory: needed };
}

function reckon(workers: number, sessions: number, batchSize: number, size: number): number {
  const pixels = batchSize * size ** 2;
  const slots = (BATCHES_PER_SESSION + 2) * sessions;
  return (
    BASE_BYTES +
    workers * WORKER_BYTES +
    sessions * (SESSION_BYTES + pixels * ACTIVATION_BYTES_PER_PIXEL) +
    slots * pixels * 3
  );
}
