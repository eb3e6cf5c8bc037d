import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { DECODE_DEFAULTS } from "../src/decode/decoder.js";

const POOL = new URL("../src/worker-pool.js", import.meta.url).href;
const OPTIONS = JSON.stringify({ ...DECODE_DEFAULTS, size: 1 });
const WORKER = new URL("../src/decode/worker.js", import.meta.url).href;

test("a pool can be ended while its threads are still loading, without the process aborting", () => {
  const program = `
    import { createWorkerPool, endWorkerPool } from ${JSON.stringify(POOL)};
    for (let i = 0; i < 20; i++) {
      const pool = createWorkerPool(new URL(${JSON.stringify(WORKER)}), "decodeChunk", 8);
      await pool.run({ tiles: [], buffer: new SharedArrayBuffer(0), byteOffset: 0, options: ${OPTIONS} });
      await endWorkerPool(pool);
    }`;
  const { status, signal, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  assert.deepEqual([status, signal], [0, null], stderr);
});
