import assert from "node:assert/strict";
import { test } from "node:test";
import { loadAddon } from "../../src/addon.js";
import { measureFinetune } from "../../src/bench/finetune.js";
import { findPython } from "../../src/bench/python.js";

test("steps of fine-tuning are measured for each engine there is, and what is missing is said", async () => {
  const { engines, absent, size, batch_size } = await measureFinetune({ size: 32, repeats: 1, sliceSeconds: 0.02 }, {});
  assert.deepEqual([size, batch_size], [32, 32]);
  const there = { native: loadAddon() !== undefined, onnx: true, PyTorch: (await findPython("torch")) !== undefined };
  for (const [name, isThere] of Object.entries(there)) {
    assert.equal(
      engines.some(({ engine }) => engine === name),
      isThere,
      name,
    );
    assert.equal(
      absent.some((each) => each.name === name),
      !isThere,
      name,
    );
  }
  for (const { cpu_ms_per_tile, ms_per_tile, version } of engines) {
    assert.ok(cpu_ms_per_tile > 0 && ms_per_tile > 0 && version.length > 0);
  }
});
