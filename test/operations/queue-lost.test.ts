/** Runs of the queue whose tiles, or whose folder, go while workers are at them. */
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmdirSync } from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { enqueue } from "../../src/operations/enqueue.js";
import { queueStatus } from "../../src/operations/queue-status.js";
import { work } from "../../src/operations/work.js";
import { JOB_OPTIONS } from "../../src/queue/queue.js";
import { runPaths } from "../../src/run/paths.js";
import { assertSame, makeSet as makeQueueSet, partFiles, queueOf, useQueue } from "../queue/queue-set.js";
import { noRedis } from "../queue/redis.js";

describe("the queue, where a share goes", noRedis === undefined ? {} : { skip: noRedis }, () => {
  const setting = useQueue();
  const makeSet = (name: string, count: number) => makeQueueSet(setting, name, count);

  it("fails the parts of a lost input until it is back, however small they are", async () => {
    const { options, whole } = await makeSet("lost", 100);
    const [folder, away] = [options.inputs[0], `${options.inputs[0]}-away`];
    await enqueue({ ...options, partTiles: 32, maxUnreadable: 50 });
    renameSync(folder, away);
    mkdirSync(folder);
    const controller = new AbortController();
    const warnings: string[] = [];
    const context = { signal: controller.signal, onWarning: (text: string) => warnings.push(text) };
    const running = work({ ...queueOf(options), workers: 1 }, context);
    while (warnings.length === 0) await sleep(50);
    controller.abort();
    assert.ok((await running).failed >= 1);
    assert.match(
      warnings[0],
      /^part 0 \(try 1\) failed: 50 tiles in a row cannot be read, the first is \S+tile_000000\.jpg/,
    );
    assert.deepEqual(partFiles(options.out), []);
    const { delayed, waiting, failed } = await queueStatus(queueOf(options));
    assert.deepEqual([delayed + waiting, failed], [4, 0]);
    rmdirSync(folder);
    renameSync(away, folder);
    await work({ ...queueOf(options), untilEmpty: true });
    assertSame(options.out, whole);
  });

  it("fails a part whose run folder is away, and does not take it for done", async () => {
    const { options, whole } = await makeSet("away", 20);
    await enqueue({ ...options, partTiles: 2048 });
    const { folder } = runPaths(options.out);
    renameSync(folder, `${folder}-away`);
    const controller = new AbortController();
    const warnings: string[] = [];
    const onWarning = (text: string): void => {
      warnings.push(text);
      controller.abort();
    };
    const { failed, parts } = await work(
      { ...queueOf(options), untilEmpty: true },
      { signal: controller.signal, onWarning },
    );
    assert.deepEqual([failed, parts], [1, 0]);
    assert.match(warnings[0], /The run in .*away\.csv\.parts is not there, nor is its output/);
    renameSync(`${folder}-away`, folder);
    await work({ ...queueOf(options), untilEmpty: true });
    assertSame(options.out, whole);
  });

  it("says in its status why a part of a lost input was given up, and may be told to reject its tiles", async () => {
    const { options } = await makeSet("given-up", 100);
    const folder = options.inputs[0];
    await enqueue({ ...options, partTiles: 2048, maxUnreadable: 50 });
    renameSync(folder, `${folder}-away`);
    const queue = new Queue(options.queue, { connection: { url: setting.redis.url } });
    const client = new Redis(setting.redis.url);
    try {
      const [part] = await queue.getJobs(["waiting"]);
      // The last of its tries.
      await client.hset(queue.toKey(part.id!), "atm", JOB_OPTIONS.attempts - 1);
      await work({ ...queueOf(options), untilEmpty: true, workers: 1 });
    } finally {
      client.disconnect();
      await queue.close();
    }
    const status = await queueStatus(queueOf(options));
    assert.ok(
      status.failures.some(({ job, reason }) => /^part 0 of/.test(job) && /^50 tiles in a row cannot be/.test(reason)),
      JSON.stringify(status.failures),
    );
    renameSync(`${folder}-away`, folder);
    await enqueue({ ...options, resume: true, maxUnreadable: null });
    renameSync(folder, `${folder}-away`);
    const { predicted, rejected, assembled } = await work({ ...queueOf(options), untilEmpty: true });
    assert.deepEqual([predicted, rejected, assembled], [0, 103, 1]);
  });
});
