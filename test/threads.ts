/** Threads that are alive, to see that none is left behind. */
import { syncBuiltinESMExports } from "node:module";
import type { TestContext } from "node:test";
import workerThreads, { type Worker } from "node:worker_threads";

/** The threads that are started from now on and have not ended; one that `fails` picks by its file and number cannot start. */
export function watchThreads(t: TestContext, fails: (file: string, number: number) => boolean = () => false) {
  const alive = new Set<Worker>();
  let started = 0;
  // The import follows what is put in its place.
  const original = workerThreads.Worker;
  class Watched extends original {
    constructor(file: string | URL, options?: ConstructorParameters<typeof Worker>[1]) {
      if (fails(String(file), started++)) throw new Error("no thread is left");
      super(file, options);
      alive.add(this);
      this.on("exit", () => alive.delete(this));
    }
  }
  const replace = (by: typeof Worker) => {
    workerThreads.Worker = by;
    syncBuiltinESMExports();
  };
  replace(Watched);
  t.after(() => replace(original));
  return alive;
}
