/** A thread that ends a fuzzing process whose reader does not come back, and keeps the file that did it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { nameOf, type Seed } from "./fuzzer.js";

const MOST_BYTES = 1 << 19;

const THREAD = `
  const { workerData } = require("node:worker_threads");
  const { mkdirSync, writeFileSync } = require("node:fs");
  const { join } = require("node:path");
  const { memory, keep, seconds } = workerData;
  const [state, bytes] = [new Int32Array(memory, 0, 2), new Uint8Array(memory, 8)];
  let [seen, since] = [-1, Date.now()];
  setInterval(() => {
    const now = Atomics.load(state, 0);
    if (now !== seen) [seen, since] = [now, Date.now()];
    if (Date.now() - since < seconds * 1000) return;
    mkdirSync(keep, { recursive: true });
    const path = join(keep, "hangs");
    writeFileSync(path, bytes.slice(0, Atomics.load(state, 1)));
    process.stderr.write("A reader takes more than " + seconds + " s for " + path + "\\n");
    process.kill(process.pid, "SIGKILL");
  }, 500);
`;

export interface Guard {
  /** Before each file. */
  begin(file: Seed): void;
  /** Keeps a file that broke a promise; returns its path. */
  keep(file: Seed): string;
  close(): void;
}

export function watch(keep: string, seconds: number): Guard {
  const memory = new SharedArrayBuffer(8 + MOST_BYTES);
  const [state, bytes] = [new Int32Array(memory, 0, 2), new Uint8Array(memory, 8)];
  const thread = new Worker(THREAD, { eval: true, workerData: { memory, keep, seconds }, execArgv: [] });
  thread.unref();
  return {
    begin: (file) => {
      bytes.set(file.bytes.subarray(0, MOST_BYTES));
      Atomics.store(state, 1, Math.min(file.bytes.length, MOST_BYTES));
      Atomics.add(state, 0, 1);
    },
    keep: (file) => {
      mkdirSync(keep, { recursive: true });
      const path = join(keep, nameOf(file));
      writeFileSync(path, file.bytes);
      return path;
    },
    close: () => void thread.terminate(),
  };
}
