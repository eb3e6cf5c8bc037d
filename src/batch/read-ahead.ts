/** ReadAhead: pulls groups of tiles from the source and starts their decoding by itself, ahead of the consumer, up to a limit. */
import type { Tile } from "../tiles/tile.js";
import type { Batch } from "./batch.js";

/** A batch that is being decoded. */
export interface Pending {
  batch: Batch;
  decoded: Promise<void>;
}

export class ReadAhead {
  readonly #groups: AsyncGenerator<Tile[], void, undefined>;
  readonly #start: (tiles: Tile[]) => Promise<Pending>;
  readonly #limit: number;
  readonly #pending: Pending[] = [];
  readonly #decoded = new WeakSet<Pending>();
  #error: unknown;
  #ended = false;
  #closed = false;
  #waiters: (() => void)[] = [];

  /** `start` waits for a slot and begins decoding; at most `limit` batches are begun and not yet taken by `next()`. */
  constructor(
    groups: AsyncGenerator<Tile[], void, undefined>,
    start: (tiles: Tile[]) => Promise<Pending>,
    limit: number,
  ) {
    this.#groups = groups;
    this.#start = start;
    this.#limit = limit;
    this.#pump().catch((error: unknown) => this.fail(error));
  }

  /** The next batch once it is decoded; undefined at the end. Throws the reader's error. */
  async next(): Promise<Batch | undefined> {
    while (this.#error === undefined && !this.#hasNext()) await this.#change();
    if (this.#error !== undefined) throw this.#error;
    const first = this.#pending.shift();
    this.#notify();
    return first?.batch;
  }

  /** The first batch is decoded, or there is none and never will be. */
  #hasNext(): boolean {
    const first = this.#pending[0];
    return first === undefined ? this.#ended : this.#decoded.has(first);
  }

  /** Makes this and every later `next()` throw `error`; later errors are ignored. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.#notify();
  }

  /**
   * Stops reading and gives back the batches that were not taken. It does not wait for a silent source (a pipe), nor
   * for a slot that the consumer still holds: what these yield later is given back then.
   */
  close(): Pending[] {
    this.#closed = true;
    this.#notify();
    return this.#pending.splice(0);
  }

  async #pump(): Promise<void> {
    try {
      while (!this.#closed) {
        const { done, value: tiles } = await this.#groups.next();
        if (done) break;
        while (this.#pending.length >= this.#limit && !this.#closed) await this.#change();
        if (this.#closed) break;
        const started = await this.#start(tiles);
        if (this.#closed) await discard(started);
        else this.#add(started);
        this.#notify();
      }
      this.#ended = true;
      this.#notify();
    } finally {
      // Also where the ring was closed while a slot was waited for.
      await this.#groups.return();
    }
  }

  #add(started: Pending): void {
    this.#pending.push(started);
    const isDecoded = () => {
      this.#decoded.add(started);
      this.#notify();
    };
    started.decoded.then(isDecoded, (error: unknown) => this.fail(error));
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #notify(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

/** Gives a batch back. Its slot is released only after the workers have written their last byte into it. */
export async function discard({ batch, decoded }: Pending): Promise<void> {
  // An abort ends decoding with an error, which the loader throws anyway.
  await decoded.catch(() => undefined);
  batch.release();
}
