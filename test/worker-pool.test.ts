import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const POOL = new URL("../src/worker-pool.js", import.meta.url).href;
const WORKER = new URL("../src/run/stamp-worker.js", import.meta.url).href;

test("a pool can be ended while its threads are still loading, without the process aborting", () => {
  const program = `
    import { createWorkerPool, endWorkerPool } from ${JSON.stringify(POOL)};
    for (let i = 0; i < 20; i++) {
      const pool = createWorkerPool(new URL(${JSON.stringify(WORKER)}), "takeStamps", 8);
      await pool.run([]);
      await endWorkerPool(pool);
    }`;
  const { status, signal, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  assert.deepEqual([status, signal], [0, null], stderr);
});
