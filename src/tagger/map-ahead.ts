/** Maps a source, several items at a time. */

/**
 * Runs `run` over `source`, at most `limit` items at a time, and yields the results in the source's order, each as soon
 * as its turn comes, also while the source is silent. The source is read only as far as the consumer has room for. An
 * error of the source is thrown after the results before it. Aborting throws the signal's reason. Leaving the loop
 * early waits for no result.
 */
export async function* mapAhead<T, R>(
  source: Iterable<T> | AsyncIterable<T>,
  limit: number,
  run: (item: T, index: number) => Promise<R>,
  signal: AbortSignal,
): AsyncGenerator<R, void, undefined> {
  const reader = new Reader(source, run);
  const onAbort = () => reader.wake();
  signal.addEventListener("abort", onAbort);
  try {
    for (;;) {
      signal.throwIfAborted();
      const first = reader.results[0];
      if (first?.settled) {
        reader.results.shift();
        yield await first.result;
      } else if (first === undefined && reader.ended) return;
      else await reader.advance(limit);
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    await reader.close();
  }
}

interface UnderWay<R> {
  result: Promise<R>;
  settled: boolean;
}

class Reader<T, R> {
  readonly results: UnderWay<R>[] = [];
  ended = false;
  /** Ends the wait of `advance`. */
  wake: () => void = () => {};
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #run: (item: T, index: number) => Promise<R>;
  #count = 0;
  #reading = false;

  constructor(source: Iterable<T> | AsyncIterable<T>, run: (item: T, index: number) => Promise<R>) {
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#run = run;
  }

  /** Reads on if there is room; resolves when an item was read or a result is there. */
  advance(limit: number): Promise<void> {
    if (!this.#reading && !this.ended && this.results.length < limit) void this.#read();
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      const { done, value } = await this.#iterator.next();
      if (done) this.ended = true;
      else this.#add(this.#run(await value, this.#count++));
    } catch (error) {
      this.ended = true;
      this.#add(Promise.reject(error));
    }
    this.#reading = false;
    this.wake();
  }

  #add(result: Promise<R>): void {
    const underWay = { result, settled: false };
    this.results.push(underWay);
    const settle = () => {
      underWay.settled = true;
      this.wake();
    };
    result.then(settle, settle);
  }

  /** Ends the source. It does not wait for a silent source, whose next item is still awaited. */
  async close(): Promise<void> {
    if (this.ended) return;
    const told = (async () => this.#iterator.return?.())();
    if (this.#reading) told.catch(() => undefined);
    else await told;
  }
}
