/** How much of ONNX Runtime's own rate is left when tiles come from files: both measured in turn, with the same sessions. */

import type { Batch } from "../batch/batch.js";
import { loadBatches } from "../batch/loader.js";
import { SlotRing } from "../batch/slot-ring.js";
import { checkInteger } from "../check.js";
import { DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import { InputError } from "../errors.js";
import type { Tile } from "../tiles/tile.js";
import { BATCHES_PER_SESSION, defaultBatchSize, type StreamOptions, streamFeatures } from "./stream.js";

export interface MeasureOptions extends Omit<StreamOptions, "variants"> {
  /** Times each rate is measured, after one round of each to warm up. @default 5 */
  rounds?: number;
}

export interface PipelineRates {
  tiles: number;
  size: number;
  batchSize: number;
  sessions: number;
  workers: number;
  /** Tiles per second of the sessions alone on ready-made tensors, and from files to features; one value per round. */
  bare: number[];
  pipeline: number[];
  /** Milliseconds of processor time per tile, all threads together, of the same rounds: steadier than rates on a busy machine. */
  bareCpu: number[];
  pipelineCpu: number[];
  /** Median over the rounds of pipeline / bare. */
  share: number;
  /** The same of processor time: bareCpu / pipelineCpu. With all cores busy no pipeline can have a larger share. */
  cpuShare: number;
}

/** Measures both rates over `tiles`. @throws InputError if none of the first tiles can be decoded. */
export async function measurePipeline(tiles: readonly Tile[], options: MeasureOptions): Promise<PipelineRates> {
  const { backbone, pool, rounds = 5, batchSize = defaultBatchSize(backbone) } = options;
  checkInteger("rounds", rounds, 1, 1000);
  const rates = {
    bare: [] as number[],
    pipeline: [] as number[],
    bareCpu: [] as number[],
    pipelineCpu: [] as number[],
  };
  const ready = await decodeReady(tiles, options, batchSize);
  const runBare = () => runBatches(ready, tiles.length, options);
  const runPipeline = async () => {
    for await (const _ of streamFeatures(stream(tiles), { ...options, batchSize })) void _;
  };
  try {
    await runBare();
    await runPipeline();
    for (let round = 0; round < rounds; round++) {
      await clock(runBare, tiles.length, rates.bare, rates.bareCpu);
      await clock(runPipeline, tiles.length, rates.pipeline, rates.pipelineCpu);
    }
  } finally {
    backbone.detach(ready.ring);
  }
  return {
    tiles: tiles.length,
    size: backbone.size,
    batchSize,
    sessions: backbone.sessions,
    workers: pool.workers,
    ...rates,
    share: median(rates.pipeline.map((rate, i) => rate / rates.bare[i]!)),
    cpuShare: median(rates.bareCpu.map((cpu, i) => cpu / rates.pipelineCpu[i]!)),
  };
}

/** Batches that stay in their slots, to be run again and again. */
interface Ready {
  ring: SlotRing;
  batches: Batch[];
}

async function decodeReady(tiles: readonly Tile[], options: MeasureOptions, batchSize: number): Promise<Ready> {
  const { backbone, pool } = options;
  const decode: DecodeOptions = { ...DECODE_DEFAULTS, ...options.decode, size: backbone.size };
  const ring = new SlotRing(backbone.sessions * BATCHES_PER_SESSION, batchSize * backbone.size ** 2 * 3);
  const batches: Batch[] = [];
  const enough = stream(tiles.slice(0, ring.slotCount * batchSize));
  for await (const batch of loadBatches(enough, pool, ring, { decode, batchSize })) batches.push(batch);
  if (batches.length === 0 || batches[0]!.outcomes.every((outcome) => outcome !== undefined)) {
    throw new InputError("There is nothing to measure with: none of the first tiles can be decoded.");
  }
  return { ring, batches };
}

/** As many tiles as the pipeline gets, with each session kept supplied as the pipeline does. */
async function runBatches({ ring, batches }: Ready, count: number, { backbone }: MeasureOptions): Promise<void> {
  let left = count;
  const keepRunning = async (batch: Batch): Promise<void> => {
    while (left > 0) {
      const tiles = batch.tiles.slice(0, left);
      left -= tiles.length;
      await backbone.run({ ...batch, tiles }, ring);
    }
  };
  await Promise.all(batches.map(keepRunning));
}

async function clock(run: () => Promise<void>, count: number, rates: number[], cpu: number[]): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  await run();
  rates.push((count / (performance.now() - start)) * 1000);
  const { user, system } = process.cpuUsage(cpuBefore);
  cpu.push((user + system) / 1000 / count);
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function* stream(tiles: readonly Tile[]): AsyncGenerator<Tile, void, undefined> {
  yield* tiles;
}
