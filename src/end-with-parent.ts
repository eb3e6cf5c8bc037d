/** For child processes that try out what may never return: they end with whoever started them, however that ended. */
import { Worker } from "node:worker_threads";

/** A thread of its own, because the main one may be in native code that lets nothing else run. */
const WATCH = `
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
  }, 500);
`;

/** Kills this process as soon as its parent is gone. */
export function endWithParent(): void {
  new Worker(WATCH, { eval: true }).unref();
}
