/** Worker threads for chunks of work on tiles: as many as asked for, started once, alive until the pool is destroyed. */
import { Piscina } from "piscina";

/** Runs the export `name` of the module `file` in `workers` threads. */
export function createWorkerPool<Task, Result>(file: URL, name: string, workers: number): Piscina<Task, Result> {
  return new Piscina<Task, Result>({
    filename: file.href,
    name,
    // piscina's own defaults would start 1.5 threads per core and let them die between tasks.
    minThreads: workers,
    maxThreads: workers,
    idleTimeout: Number.POSITIVE_INFINITY,
  });
}

/** Cuts a list into lists of at most `size`. */
export function* chunksOf<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let first = 0; first < items.length; first += size) {
    yield items.slice(first, first + size);
  }
}
