/** Worker threads for chunks of work on tiles: as many as asked for, started once, alive until the pool is ended. */
import type { Worker } from "node:worker_threads";
import { Piscina } from "piscina";

/** Resolves when all threads of a pool have loaded their module; rejects if one could not. */
const started = new WeakMap<Piscina, Promise<unknown>>();

/**
 * Runs the export `name` of the module `file` in `workers` threads. With more than one task per worker, a thread
 * already has its next task when it ends one. End the pool with `endWorkerPool`.
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
    // By default piscina would start 1.5 threads per core and end them between tasks.
    minThreads: workers,
    maxThreads: workers,
    idleTimeout: Number.POSITIVE_INFINITY,
    concurrentTasksPerWorker: tasksPerWorker,
  });
  // A thread's first message says that it has loaded. piscina itself regards its first threads as ready at once.
  started.set(pool, Promise.all(pool.threads.map(firstSign)));
  return pool;
}

function firstSign(thread: Worker): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ["message", "error", "exit"]) thread.once(event, () => resolve());
  });
}

/** Waits for running tasks, then ends the threads. */
export async function endWorkerPool(pool: Piscina): Promise<void> {
  // Terminating a thread while it loads a module can abort the whole process (Node 20: IsGraphAsync).
  await started.get(pool);
  await pool.close();
}
