/**
 * MicroBatcher: tiles of any number of callers share batches. A batch starts as soon as a session is idle, with the
 * tiles that have come by then, or when it is full and there is room to decode it ahead. So a single tile does not
 * wait, and batches grow with the load.
 */
import { setMaxListeners } from "node:events";
import { setImmediate } from "node:timers";
import type { DecodeFailure } from "../decode/decoder.js";
import type { TaggedBatch } from "../engine/engine.js";
import type { TaggedRow } from "../tags/prediction.js";
import type { Tile } from "../tiles/tile.js";

/** Runs batches; an `Engine` is one. */
interface BatchEngine {
  readonly batchSize: number;
  readonly threads: { readonly sessions: number };
  /** Batches that may run at the same time. */
  readonly mostBatches: number;
  tagBatch(tiles: Tile[]): Promise<TaggedBatch>;
}

export type TileResult = { row: TaggedRow } | { failure: DecodeFailure };

/** The tiles of one call, which get their results together. */
interface Call {
  results: TileResult[];
  missing: number;
  resolve: (results: TileResult[]) => void;
  reject: (error: unknown) => void;
}

interface Job {
  tile: Tile;
  call: Call;
  /** Of the tile in its call. */
  place: number;
}

export class MicroBatcher {
  readonly #engine: BatchEngine;
  readonly #waiting = new Set<Job>();
  #running = 0;
  #scheduled = false;
  #onIdle: (() => void)[] = [];

  constructor(engine: BatchEngine) {
    this.#engine = engine;
  }

  /**
   * Results in the order of `tiles`. On abort it rejects with the signal's reason: waiting tiles are dropped, results
   * of running ones thrown away. Rejects with the error of a batch that has its tiles.
   */
  tag(tiles: readonly Tile[], signal?: AbortSignal): Promise<TileResult[]> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (tiles.length === 0) return Promise.resolve([]);
    const jobs: Job[] = [];
    const results = new Promise<TileResult[]>((resolve, reject) => {
      const call: Call = { results: new Array(tiles.length), missing: tiles.length, resolve, reject };
      for (const [place, tile] of tiles.entries()) jobs.push({ tile, call, place });
    });
    const onAbort = () => this.#drop(jobs, signal?.reason);
    // Many calls may share a signal: Node would warn of a leak from the eleventh on.
    if (signal) setMaxListeners(0, signal);
    signal?.addEventListener("abort", onAbort, { once: true });
    for (const job of jobs) this.#waiting.add(job);
    this.#schedule();
    return results.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#schedule();
    });
  }

  /** In the next turn of the event loop, so that all calls of this turn share the batch. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (let count = this.#nextCount(); count > 0; count = this.#nextCount()) {
      this.#running++;
      void this.#run(this.#take(count));
    }
    if (this.#running === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #take(count: number): Job[] {
    const jobs: Job[] = [];
    for (const job of this.#waiting) {
      if (jobs.length === count) break;
      jobs.push(job);
      this.#waiting.delete(job);
    }
    return jobs;
  }

  /** Tiles of the next batch; 0 if none is to start now. Idle sessions share the waiting tiles. */
  #nextCount(): number {
    const { batchSize, threads, mostBatches } = this.#engine;
    const waiting = this.#waiting.size;
    const free = threads.sessions - this.#running;
    if (free > 0) return Math.min(batchSize, Math.ceil(waiting / free));
    return waiting >= batchSize && this.#running < mostBatches ? batchSize : 0;
  }

  async #run(jobs: readonly Job[]): Promise<void> {
    try {
      const { outcomes, rows } = await this.#engine.tagBatch(jobs.map(({ tile }) => tile));
      for (const [i, job] of jobs.entries()) {
        const failure = job.tile.failure ?? outcomes[i];
        settle(job, failure === undefined ? { row: rows[i] } : { failure });
      }
    } catch (error) {
      this.#drop(jobs, error);
    } finally {
      this.#running--;
      this.#schedule();
    }
  }

  /** Rejects the calls of these jobs; their other waiting tiles are dropped later. */
  #drop(jobs: readonly Job[], reason: unknown): void {
    for (const job of jobs) {
      this.#waiting.delete(job);
      job.call.reject(reason);
    }
  }
}

function settle({ call, place }: Job, result: TileResult): void {
  call.results[place] = result;
  if (--call.missing === 0) call.resolve(call.results);
}
