/**
 * The rate from files to features, compared with that of ONNX Runtime alone. Both are measured in turn, with the same
 * sessions, while all of them are busy. The time in which the pipeline fills and runs empty is left out.
 */

import type { Batch } from "../batch/batch.js";
import { loadBatches } from "../batch/loader.js";
import { SlotRing } from "../batch/slot-ring.js";
import { checkInRange, checkInteger } from "../check.js";
import { DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import { InputError } from "../errors.js";
import type { Tile, TileFeed } from "../tiles/tile.js";
import { BATCHES_PER_SESSION, defaultBatchSize, type StreamOptions, streamFeatures } from "./stream.js";

interface MeasureOptions extends Omit<StreamOptions, "variants"> {
  /** Times each rate is measured, after one round of each to warm up. @default 5 */
  rounds?: number;
  /** Seconds that each measurement takes at least. @default 2 */
  seconds?: number;
}

interface PipelineRates {
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

/** Measures both rates over `tiles`, taken again and again. @throws InputError if none of the first tiles can be decoded. */
export async function measurePipeline(tiles: readonly Tile[], options: MeasureOptions): Promise<PipelineRates> {
  const { backbone, pool, rounds = 5, seconds = 2, batchSize = defaultBatchSize(backbone) } = options;
  checkInteger("rounds", rounds, 1, 1000);
  checkInRange("seconds", seconds, 0, 3600);
  const rates = {
    bare: [] as number[],
    pipeline: [] as number[],
    bareCpu: [] as number[],
    pipelineCpu: [] as number[],
  };
  const ready = await decodeReady(tiles, options, batchSize);
  const filling = backbone.sessions * BATCHES_PER_SESSION;
  const clockBare = async () => runBatches(ready, options, new Stopwatch(filling, seconds));
  const clockPipeline = async () => {
    const watch = new Stopwatch(filling, seconds);
    for await (const batch of streamFeatures(endlessly(tiles), { ...options, batchSize })) {
      batch.recycle();
      if (watch.tick(batch.tiles.length)) break;
    }
    return watch;
  };
  try {
    await clockBare();
    await clockPipeline();
    for (let round = 0; round < rounds; round++) {
      const bare = await clockBare();
      const pipeline = await clockPipeline();
      rates.bare.push(bare.rate);
      rates.bareCpu.push(bare.cpu);
      rates.pipeline.push(pipeline.rate);
      rates.pipelineCpu.push(pipeline.cpu);
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
    share: median(rates.pipeline.map((rate, i) => rate / rates.bare[i])),
    cpuShare: median(rates.bareCpu.map((cpu, i) => cpu / rates.pipelineCpu[i])),
  };
}

/** Batches that stay in their slots and are run again and again. */
interface Ready {
  ring: SlotRing;
  batches: Batch[];
}

async function decodeReady(tiles: readonly Tile[], options: MeasureOptions, batchSize: number): Promise<Ready> {
  const { backbone, pool } = options;
  const decode: DecodeOptions = { ...DECODE_DEFAULTS, ...options.decode, size: backbone.size };
  const ring = new SlotRing(backbone.sessions * BATCHES_PER_SESSION, batchSize * backbone.size ** 2 * 3);
  const batches: Batch[] = [];
  const enough = async function* (): TileFeed {
    if (tiles.length > 0) yield Array.from({ length: ring.slotCount * batchSize }, (_, i) => tiles[i % tiles.length]);
  };
  for await (const batch of loadBatches(enough(), pool, ring, { decode, batchSize })) batches.push(batch);
  if (batches.length === 0 || batches[0].outcomes.every((outcome) => outcome !== undefined)) {
    throw new InputError("There is nothing to measure with: none of the first tiles can be decoded.");
  }
  return { ring, batches };
}

/** Keeps each session supplied, as the pipeline does. */
async function runBatches(
  { ring, batches }: Ready,
  { backbone }: MeasureOptions,
  watch: Stopwatch,
): Promise<Stopwatch> {
  let ended = false;
  const keepRunning = async (batch: Batch): Promise<void> => {
    while (!ended) {
      await backbone.run(batch, ring);
      ended = watch.tick(batch.tiles.length) || ended;
    }
  };
  await Promise.all(batches.map(keepRunning));
  return watch;
}

/** Times the work between two batches, the first after `filling` others. */
class Stopwatch {
  readonly #filling: number;
  readonly #seconds: number;
  #batches = 0;
  #tiles = 0;
  #since = 0;
  #cpuBefore = process.cpuUsage();
  #milliseconds = 0;
  #cpuMilliseconds = 0;

  constructor(filling: number, seconds: number) {
    this.#filling = filling;
    this.#seconds = seconds;
  }

  /** Call it for each batch that is done. True once the time is up. */
  tick(tiles: number): boolean {
    const now = performance.now();
    if (++this.#batches <= this.#filling) {
      this.#since = now;
      this.#cpuBefore = process.cpuUsage();
    } else if (!this.#isOver()) {
      this.#tiles += tiles;
      this.#milliseconds = now - this.#since;
      const { user, system } = process.cpuUsage(this.#cpuBefore);
      this.#cpuMilliseconds = (user + system) / 1000;
    }
    return this.#isOver();
  }

  /** Tiles per second. */
  get rate(): number {
    return (this.#tiles / this.#milliseconds) * 1000;
  }

  /** Milliseconds of processor time per tile, all threads together. */
  get cpu(): number {
    return this.#cpuMilliseconds / this.#tiles;
  }

  #isOver(): boolean {
    return this.#tiles > 0 && this.#milliseconds >= this.#seconds * 1000;
  }
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function* endlessly(tiles: readonly Tile[]): TileFeed {
  for (;;) yield tiles;
}
