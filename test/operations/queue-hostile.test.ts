/** Somebody else writes to the queue's Redis: workers do nothing but what runs of theirs ask for. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { enqueue } from "../../src/operations/enqueue.js";
import { queueStatus } from "../../src/operations/queue-status.js";
import { work } from "../../src/operations/work.js";
import { runPaths } from "../../src/run/paths.js";
import { assertSame, makeSet as makeQueueSet, queueOf, useQueue } from "../queue/queue-set.js";
import { noRedis } from "../queue/redis.js";

describe("a hostile queue", noRedis === undefined ? {} : { skip: noRedis }, () => {
  const setting = useQueue();
  const { root } = setting;
  const makeSet = (name: string, count: number) => makeQueueSet(setting, name, count);

  async function withQueue<T>(name: string, act: (queue: Queue) => Promise<T>): Promise<T> {
    const queue = new Queue(name, { connection: { url: setting.redis.url } });
    try {
      return await act(queue);
    } finally {
      await queue.close();
    }
  }

  /** Past BullMQ, as a stranger may. */
  async function writeField(key: string, fields: Record<string, string>): Promise<void> {
    const client = new Redis(setting.redis.url);
    await client.hset(key, fields);
    client.disconnect();
  }

  /** Works until nothing is left; returns what was warned of. */
  async function workAll(options: { redis: string; queue: string }, more: { root?: string } = {}) {
    const warnings: string[] = [];
    const onWarning = (text: string) => void warnings.push(text);
    const summary = await work({ ...queueOf(options), ...more, untilEmpty: true, workers: 1 }, { onWarning });
    return { ...summary, warnings };
  }

  it("cannot make a worker write anywhere, remove anything, or end; the run's own parts are done", async () => {
    const { options, whole } = await makeSet("paths", 60);
    await enqueue({ ...options, partTiles: 16 });
    const { folder } = runPaths(options.out);
    const precious = join(root, "precious.csv.parts");
    mkdirSync(precious);
    writeFileSync(join(precious, "file"), "precious");
    const jobs = [
      { name: "part", data: { folder, part: "../../escaped", from: 0, to: 8, byteOffset: 0 } },
      { name: "part", data: { folder, part: 4_000_000, tiles: 8 } },
      { name: "part", data: { folder, part: -1, tiles: 8 } },
      { name: "part", data: null },
      { name: "part", data: { folder: precious, part: 0, tiles: 8 } },
      { name: "assemble", data: { folder: precious, out: join(root, "overwritten.csv") } },
      { name: "assemble", data: { folder: root } },
      { name: "shell", data: { folder } },
    ];
    await withQueue(options.queue, (queue) => queue.addBulk(jobs.map((job) => ({ ...job, opts: { lifo: true } }))));
    const before = readdirSync(root).sort();
    const { failed, warnings } = await workAll(options);
    assert.equal(failed, jobs.length, warnings.join("\n"));
    assert.match(warnings.join("\n"), /job that `enqueue` did not make \(data\.part: /);
    assert.match(warnings.join("\n"), /has 4 parts, and the queue holds a job for part 4000000/);
    assert.deepEqual(readdirSync(precious), ["file"]);
    assertSame(options.out, whole);
    const made = readdirSync(root).filter((name) => !before.includes(name));
    assert.deepEqual(made, ["paths.csv", "paths.csv.manifest.json", "paths.csv.rejects.jsonl"]);
  });

  it("cannot make parts of other tiles than the run's", async () => {
    const { options, whole } = await makeSet("ranges", 60);
    await enqueue({ ...options, partTiles: 16 });
    await withQueue(options.queue, async (queue) => {
      for (const job of await queue.getJobs(["waiting"])) {
        await job.updateData({ ...job.data, from: 0, to: 16, byteOffset: 0, tiles: 1_000_000 });
      }
    });
    await workAll(options);
    assertSame(options.out, whole);
  });

  it("cannot send a worker out of its root", async () => {
    const { options, whole } = await makeSet("rooted", 20);
    await enqueue({ ...options, partTiles: 2048 });
    mkdirSync(join(root, "elsewhere"));
    const controller = new AbortController();
    const warnings: string[] = [];
    const onWarning = (text: string): void => {
      warnings.push(text);
      controller.abort();
    };
    await work(
      { ...queueOf(options), root: join(root, "elsewhere"), workers: 1 },
      { signal: controller.signal, onWarning },
    );
    assert.match(warnings[0], /^part 0 \(try 1\) failed: this worker works below \S+elsewhere only \(`root`\)/);
    assert.ok(!existsSync(options.out));
    await assert.rejects(
      work({ ...queueOf(options), root: join(root, "none") }),
      /`root` is to be a folder that is there/,
    );
    await workAll(options, { root });
    assertSame(options.out, whole);
  });

  it("cannot mix runs of two queues", async () => {
    const { options } = await makeSet("mine", 20);
    await enqueue({ ...options, partTiles: 2048 });
    const { folder } = runPaths(options.out);
    const jobs = ["part", "assemble"].map((name) => ({ name, data: { folder, part: 0, tiles: 1 } }));
    await withQueue("theirs", (queue) => queue.addBulk(jobs));
    const { warnings } = await workAll({ ...options, queue: "theirs" });
    assert.equal(warnings.length, 2);
    for (const text of warnings) assert.match(text, /is of the queue mine, and the queue theirs holds a job for it/);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith("part-")),
      [],
    );
  });

  it("cannot keep workers from a run by jobs that cannot be read, nor make the status a stack trace", async () => {
    const { options, whole } = await makeSet("unreadable", 20);
    await withQueue(options.queue, async (queue) => {
      for (const [field, value] of [
        ["data", "{"],
        ["opts", "null"],
        ["progress", "{"],
        ["parent", "{"],
      ]) {
        const { id } = await queue.add("part", { folder: "/x.parts", part: 1, tiles: 7 });
        await writeField(queue.toKey(String(id)), { [field]: value });
      }
    });
    await assert.rejects(queueStatus({ redis: setting.redis.url, queue: options.queue }), {
      name: "InputError",
      message: /holds a job that cannot be read: something else than canopy writes to it/,
    });
    await enqueue({ ...options, partTiles: 16 });
    const controller = new AbortController();
    const done = setInterval(() => existsSync(`${options.out}.manifest.json`) && controller.abort(), 50);
    await work({ ...queueOf(options), workers: 1 }, { signal: controller.signal });
    clearInterval(done);
    assertSame(options.out, whole);
  });

  it("is told in few words, whatever stands in a job", async () => {
    await withQueue("wordy", async (queue) => {
      const { id } = await queue.add("part", { folder: `/${"x".repeat(100_000)}.parts`, part: 1, tiles: 7 });
      await workAll({ redis: setting.redis.url, queue: "wordy" });
      await writeField(queue.toKey(String(id)), {
        failedReason: "z".repeat(1_000_000),
        returnvalue: '{"tiles": "many"}',
      });
    });
    const status = await queueStatus({ redis: setting.redis.url, queue: "wordy" });
    assert.equal(status.failed, 1);
    assert.ok(JSON.stringify(status).length < 1500, JSON.stringify(status).slice(0, 200));
  });

  it("cannot make the status anything but a status", async () => {
    const jobs = [
      { name: "part", data: { folder: "\u001b[2J", part: {}, from: -1e308, to: 1e308, tiles: "many" } },
      { name: "part", data: { folder: "/x.parts", part: 1, tiles: 7 } },
      { name: "\u001b[2J", data: "text" },
    ];
    await withQueue("odd", (queue) => queue.addBulk(jobs));
    const { waiting, tilesLeft } = await queueStatus({ redis: setting.redis.url, queue: "odd" });
    assert.deepEqual([waiting, tilesLeft], [3, 21]);
    await workAll({ redis: setting.redis.url, queue: "odd" });
    const { failures } = await queueStatus({ redis: setting.redis.url, queue: "odd" });
    assert.ok(!JSON.stringify(failures).includes("\\u001b"), JSON.stringify(failures));
  });
});
