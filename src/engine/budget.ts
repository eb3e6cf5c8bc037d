/**
 * How a memory budget is shared between the pipeline, rows, and the tiles being decoded: the same rule for `predict`
 * and `work`.
 */
import { DECODE_DEFAULTS } from "../decode/decoder.js";
import { jpegBytes } from "../decode/memory.js";
import type { Device } from "../features/device.js";
import { type PipelinePlan, planPipeline } from "../features/plan.js";

/** Part of the budget for rows that are not committed, and for writing them. */
const ROWS_BYTES = 32 << 20;

/** More workers than the backbone needs are started only if the budget leaves each of them a JPEG of 4096 x 4096. */
const WORKER_BYTES = jpegBytes(4096 ** 2);

interface BudgetOptions {
  device: Device;
  /** Pixels per side of the tiles the backbone is fed. */
  size: number;
  /** Decode threads. @default one per core, as far as the budget reaches */
  workers?: number | undefined;
  /** Sessions at most. @default one per core on the CPU, one on a GPU */
  sessions?: number | undefined;
  /** @default what suits the device, less if the budget asks for it */
  batchSize?: number | undefined;
  /** Budget in bytes. @default none */
  memory?: number | undefined;
}

interface BudgetedPlan {
  plan: PipelinePlan;
  /** Memory that decoding one tile may take within the budget. */
  tileBytes: number;
}

/** Throws an InputError if the budget is too small for anything. */
export function planInBudget({ device, size, workers, sessions, batchSize, memory }: BudgetOptions): BudgetedPlan {
  const plan = planPipeline({
    device,
    size,
    ...(workers === undefined ? {} : { workers }),
    ...(sessions === undefined ? {} : { sessions }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(memory === undefined ? {} : { memory, keptFree: ROWS_BYTES, workerFileBytes: WORKER_BYTES }),
  });
  if (memory === undefined) return { plan, tileBytes: DECODE_DEFAULTS.maxBytes };
  const spare = (memory - ROWS_BYTES - plan.memory) / plan.workers;
  // A budget in which a pipeline runs has room for tiles of the model's own size.
  return { plan, tileBytes: Math.max(Math.floor(spare), 16 * size ** 2) };
}
