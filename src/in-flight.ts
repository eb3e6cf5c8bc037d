/** Many asynchronous tasks, a few at a time, results in order. */

/**
 * Runs `run` over `items`, at most `limit` at a time, and yields the results in the items' order. If the consumer stops
 * early or throws, running tasks are waited for and no new ones begun.
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
      // A failure is thrown when its turn comes; until then it must not be reported as unhandled.
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
