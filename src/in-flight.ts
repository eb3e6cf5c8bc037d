/** Many asynchronous tasks, a few at a time, results in order. */

/**
 * Runs `run` over `items` with at most `limit` under way, and yields the results in the items' order. Whoever stops early, or whose
 * consumer throws, waits for what is under way; nothing new is begun.
 */
export async function* mapInFlight<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  run: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const task = run(item);
      // Its failure is seen when its turn comes; until then it must not count as unhandled.
      task.catch(() => undefined);
      underWay.push(task);
      if (underWay.length >= limit) {
        yield await underWay.shift()!;
      }
    }
    while (underWay.length > 0) {
      yield await underWay.shift()!;
    }
  } finally {
    await Promise.allSettled(underWay);
  }
}
