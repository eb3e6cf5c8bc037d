import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkPool } from "../src/chunk-pool.js";

test("an item that makes its worker throw or die has its own result, and its neighbours have theirs", async (t) => {
  const file = new URL("./chunk-worker.js", import.meta.url);
  const pool = new ChunkPool<number, number | string>(file, "double", 2, { factor: 2 });
  t.after(() => pool.close());
  const chunks = [
    [1, 2, 3],
    [11, 12, 13, 15],
    [4, 14, 5],
    [6, 7],
  ];
  const results = await Promise.all(chunks.map((chunk) => pool.run(chunk, (error) => `failed: ${error.message}`)));
  assert.deepEqual(results[0], [2, 4, 6]);
  assert.deepEqual(results[1], [22, 24, "failed: thirteen", 30]);
  assert.deepEqual([results[2][0], results[2][2]], [8, 10]);
  assert.match(String(results[2][1]), /^failed: .*(terminated|exit)/i);
  assert.deepEqual(results[3], [12, 14]);
});
