/** Tuner: watches a running pipeline and uses as many of its decode workers and sessions as suit it (see balance.ts). */
import type { DecodePool } from "../decode/pool.js";
import type { Backbone } from "./backbone.js";
import { Balance, type Parts } from "./balance.js";

/** A window takes at least this long, */
const WINDOW_MS = 2000;
/** and has at least so many batches for each session in use. */
const WINDOW_BATCHES = 4;

export class Tuner {
  readonly #pool: DecodePool;
  readonly #backbone: Backbone;
  readonly #balance: Balance;
  #since = 0;
  #tiles = 0;
  #batches = 0;

  /** Begins with what pool and backbone use now. */
  constructor(pool: DecodePool, backbone: Backbone) {
    this.#pool = pool;
    this.#backbone = backbone;
    const most = { workers: pool.mostWorkers, sessions: backbone.sessions };
    this.#balance = new Balance({ workers: pool.workers, sessions: backbone.used }, most);
  }

  /** What is used now: what it has settled on, sooner or later. */
  get parts(): Parts {
    return this.#balance.parts;
  }

  /** A source begins: what comes before its first batches is no part of a window. */
  begin(): void {
    this.#pool.takeBusy();
    this.#backbone.takeBusy();
    this.#since = performance.now();
    this.#tiles = 0;
    this.#batches = 0;
  }

  /** A batch has gone all the way. */
  done(tiles: number): void {
    this.#tiles += tiles;
    this.#batches++;
    const passed = performance.now() - this.#since;
    if (passed < WINDOW_MS || this.#batches < WINDOW_BATCHES * this.#backbone.used) return;
    this.#balance.observe({
      seconds: passed / 1000,
      tiles: this.#tiles,
      workersBusy: this.#pool.takeBusy() / passed / this.#pool.workers,
      sessionsBusy: this.#backbone.takeBusy() / passed / this.#backbone.used,
    });
    const { workers, sessions } = this.#balance.parts;
    this.#pool.use(workers);
    this.#backbone.use(sessions);
    this.begin();
  }
}
