/** Worker threads for lists of tiles. The failure of a tile does not affect others. */
import type { Piscina } from "piscina";
import { InterruptedError } from "./errors.js";
import { StopFlag } from "./stop-flag.js";
import { createWorkerPool, endWorkerPool } from "./worker-pool.js";

/** A worker's export takes `{ items, stop, ...settings }` and gives one result for each item, or throws. `stop`: see `refuseIfStopped`. */
export class ChunkPool<Item, Result> {
  readonly #file: URL;
  readonly #name: string;
  readonly #settings: object;
  readonly #stop: StopFlag;
  readonly #threads: Piscina<object, Result[]>;
  /** A thread for one item at a time, started when a chunk made its worker fail. */
  #quarantine: Piscina<object, Result[]> | undefined;

  constructor(file: URL, name: string, workers: number, settings: object, signal?: AbortSignal) {
    this.#file = file;
    this.#name = name;
    this.#stop = new StopFlag(signal);
    this.#settings = { ...settings, stop: this.#stop.buffer };
    this.#threads = createWorkerPool(file, name, workers);
  }

  /**
   * Results in the order of `items`. If a worker throws or dies, its items are tried again one by one; for those that
   * fail alone the result is that of `onFailure`. Throws InterruptedError on abort, once the current tile is done.
   */
  async run(items: readonly Item[], onFailure: (error: Error) => Result): Promise<Result[]> {
    try {
      return await this.#threads.run({ items, ...this.#settings });
    } catch {
      if (this.#stop.raised) throw new InterruptedError();
      const results: Result[] = [];
      for (const item of items) results.push(await this.#runAlone(item, onFailure));
      return results;
    }
  }

  /** The worker has no other item, so its failure is due to this one. */
  async #runAlone(item: Item, onFailure: (error: Error) => Result): Promise<Result> {
    this.#quarantine ??= createWorkerPool(this.#file, this.#name, 1);
    try {
      return (await this.#quarantine.run({ items: [item], ...this.#settings }))[0];
    } catch (error) {
      if (this.#stop.raised) throw new InterruptedError();
      return onFailure(error as Error);
    }
  }

  /** Waits for running tasks, then ends the threads. */
  async close(): Promise<void> {
    this.#stop.close();
    await Promise.all([this.#threads, this.#quarantine].map((threads) => threads && endWorkerPool(threads)));
  }
}
