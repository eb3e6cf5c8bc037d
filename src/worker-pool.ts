/** Worker threads for chunks of work on tiles: as many as asked for, started once, alive until the pool is ended. */
import type { Worker } from "node:worker_threads";
import { Piscina } from "piscina";

/** Resolves when all threads of a pool have loaded their module, or one could not. */
const started = new WeakMap<Piscina, Promise<unknown>>();

/**
 * Runs the export `name` of the module `file` in `workers` threads. With more than one task per worker, a thread that ends one has the next
 * there already. To be ended with `endWorkerPool`.
 */
export function createWorkerPool<Task, Result>(
  file: URL,
  name: string,
  workers: number,
  tasksPerWorker = 1,
): Piscina<Task, Result> {
  const pool = new Piscina<Task, Result>({
    filename: file.href,
    name,
    // piscina's own defaults would start 1.5 threads per core and let them die between tasks.
    minThreads: workers,
    maxThreads: workers,
    idleTimeout: Number.POSITIVE_INFINITY,
    concurrentTasksPerWorker: tasksPerWorker,
  });
  // The first message of a thread is that it has loaded; piscina itself takes the first threads for ready at once.
  started.set(pool, Promise.all(pool.threads.map(firstSign)));
  return pool;
}

function firstSign(thread: Worker): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ["message", "error", "exit"]) thread.once(event, () => resolve());
  });
}

/** Waits for the tasks under way, then ends the threads. */
export async function endWorkerPool(pool: Piscina): Promise<void> {
  // Terminating a thread while it loads a module can abort the whole process (Node 20: IsGraphAsync).
  await started.get(pool);
  await pool.close();
}
