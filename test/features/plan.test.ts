import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../src/errors.js";
import { planPipeline } from "../../src/features/plan.js";

test("on the CPU every core has a session, on a GPU there is one and all cores decode", () => {
  const cpu = planPipeline({ device: "cpu", size: 224, cores: 8 });
  assert.equal(cpu.sessions, 8);
  assert.ok(cpu.workers >= 1 && cpu.workers <= 8);
  const gpu = planPipeline({ device: "cuda", size: 224, cores: 8 });
  assert.deepEqual([gpu.sessions, gpu.workers], [1, 8]);
});

test("a memory budget is kept by fewer sessions and smaller batches", () => {
  const free = planPipeline({ device: "cpu", size: 224, cores: 16 });
  const memory = Math.floor(free.memory / 3);
  const tight = planPipeline({ device: "cpu", size: 224, cores: 16, memory });
  assert.ok(tight.memory <= memory);
  assert.ok(tight.sessions < free.sessions && tight.sessions >= 1);
});

test("what the user sets is kept; a budget it cannot fit into is refused", () => {
  const plan = planPipeline({ device: "cpu", size: 224, cores: 4, workers: 3, batchSize: 16 });
  assert.deepEqual([plan.workers, plan.batchSize], [3, 16]);
  assert.throws(() => planPipeline({ device: "cpu", size: 224, memory: 1 << 20 }), InputError);
  assert.throws(() => planPipeline({ device: "cpu", size: 224, workers: 0 }), RangeError);
});

test("a budget that is too small is quoted as it was given, and what is asked for instead is enough", () => {
  const options = { device: "cpu", size: 224, keptFree: 32 << 20, workerFileBytes: 1 << 20 } as const;
  const [, given, needed] = messageOf(() => planPipeline({ ...options, memory: 50 << 20 })).match(
    /budget of (\d+) MiB is too small: .* about (\d+) MiB are needed/,
  )!;
  assert.equal(given, "50");
  const plan = planPipeline({ ...options, memory: Number(needed) * 2 ** 20 });
  assert.ok(plan.memory + options.keptFree <= Number(needed) * 2 ** 20);
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}
