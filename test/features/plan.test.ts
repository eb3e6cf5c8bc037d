import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../src/errors.js";
import { planForTiles, planPipeline } from "../../src/features/plan.js";

test("every core decodes; on the CPU each has a session, too, on a GPU there is one", () => {
  const cpu = planPipeline({ device: "cpu", size: 224, cores: 8 });
  assert.deepEqual([cpu.sessions, cpu.workers], [8, 8]);
  const gpu = planPipeline({ device: "cuda", size: 224, cores: 8 });
  assert.deepEqual([gpu.sessions, gpu.workers], [1, 8]);
});

test("few tiles get a worker each at most, and a session for each batch", () => {
  const plan = planPipeline({ device: "cpu", size: 224, cores: 8, batchSize: 10 });
  const threads = (tiles: number) => {
    const { workers, sessions } = planForTiles(plan, tiles);
    return [workers, sessions];
  };
  assert.deepEqual([0, 1, 5, 11, 1000].map(threads), [
    [1, 1],
    [1, 1],
    [5, 1],
    [8, 2],
    [8, 8],
  ]);
});

test("a memory budget is kept by fewer sessions and smaller batches", () => {
  const free = planPipeline({ device: "cpu", size: 224, cores: 16 });
  const memory = Math.floor(free.memory / 3);
  const tight = planPipeline({ device: "cpu", size: 224, cores: 16, memory });
  assert.ok(tight.memory <= memory);
  assert.ok(tight.sessions < free.sessions && tight.sessions >= 1);
});

test("workers beyond what the backbone needs are started only where the budget has room for a large file of each", () => {
  const options = { device: "cpu", size: 224, cores: 8, workerFileBytes: 100 << 20 } as const;
  const free = planPipeline(options);
  const exact = free.memory + 8 * options.workerFileBytes;
  assert.equal(planPipeline({ ...options, memory: exact }).workers, 8);
  assert.equal(planPipeline({ ...options, memory: exact - 1 }).workers, 7);
  const tight = planPipeline({ ...options, memory: free.memory });
  assert.ok(tight.workers < 7 && tight.sessions === 8, JSON.stringify(tight));
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
