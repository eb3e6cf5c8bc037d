/** What tests of the queue share: sets of tiles with what an undisturbed run makes of them, and a look at the parts that are done. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { predict } from "../../src/operations/predict.js";
import type { QueueOptions } from "../../src/queue/queue.js";
import { runPaths } from "../../src/run/paths.js";
import { saveToyModel, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";
import { startRedis, type TestRedis } from "./redis.js";

interface QueueSetting {
  /** A folder of the suite's own. */
  root: string;
  redis: TestRedis;
  toy: { model: string; backbone: string };
}

/** A Redis and a model for the suite that calls it; they are there once its tests run. */
export function useQueue(): QueueSetting {
  const setting = { root: temporaryFolder({ after: (fn) => after(fn) }) } as QueueSetting;
  before(async () => {
    setting.redis = await startRedis(setting.root);
    setting.toy = await saveToyModel(setting.root);
  });
  after(() => setting.redis.stop());
  return setting;
}

/** `count` tiles with some bad ones among them, the options to enqueue them, and what one process makes of them. */
export async function makeSet({ root, redis, toy }: QueueSetting, name: string, count: number) {
  const folder = join(root, name);
  await writeToyTiles(folder, count);
  for (let i = 0; i < count; i += 40) writeFileSync(join(folder, `tile_${String(i).padStart(6, "0")}b.jpg`), "bad");
  const options = { inputs: [folder], ...toy, device: "cpu" as const, probabilities: true };
  const whole = join(root, `${name}-whole.csv`);
  const { tiles } = await predict({ ...options, out: whole });
  return { options: { ...options, out: join(root, `${name}.csv`), redis: redis.url, queue: name }, whole, tiles };
}

export function assertSame(out: string, whole: string): void {
  assert.equal(readFileSync(out, "utf8"), readFileSync(whole, "utf8"));
  assert.equal(readFileSync(`${out}.rejects.jsonl`, "utf8"), readFileSync(`${whole}.rejects.jsonl`, "utf8"));
  assert.ok(!existsSync(runPaths(out).folder));
}

/** Records of the parts that the unfinished run of `out` has committed. */
export function partFiles(out: string): string[] {
  return readdirSync(runPaths(out).folder).filter((name) => /^part-\d+\.json$/.test(name));
}

/** Of a run's options those of its queue, which is all that workers and whoever asks for its state may say. */
export function queueOf({ redis, queue }: QueueOptions): QueueOptions {
  return { redis, queue };
}
