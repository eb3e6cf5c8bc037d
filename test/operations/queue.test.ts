/**
 * The queue on a real Redis. CANOPY_QUEUE_KILLS=8 kills workers and restarts Redis over a longer run than fits into every test run.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { describe, it, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { enqueue } from "../../src/operations/enqueue.js";
import { predict } from "../../src/operations/predict.js";
import { queueStatus } from "../../src/operations/queue-status.js";
import { work } from "../../src/operations/work.js";
import { runPaths } from "../../src/run/paths.js";
import { saveToyModel } from "../engine/toy.js";
import { ROOT, runCli } from "../helpers.js";
import { assertSame, makeSet as makeQueueSet, partFiles, queueOf, useQueue } from "../queue/queue-set.js";
import { noRedis } from "../queue/redis.js";

const KILLS = Number(process.env["CANOPY_QUEUE_KILLS"] ?? 2);

test("what a run in a queue has no use for is no option of it", async () => {
  const options = { inputs: "in", model: "model", out: "out.csv", sessions: 2 };
  await assert.rejects(enqueue(options), /There is no option `sessions`/);
  // Before a worker waits for its first part.
  await assert.rejects(work({ workers: 0 }), /Expected `workers` to be an integer from 1/);
  await assert.rejects(work({ memory: 0.5 }), /Expected `memory` to be an integer/);
});

describe("the queue", noRedis === undefined ? {} : { skip: noRedis }, () => {
  const setting = useQueue();
  const { root } = setting;
  const makeSet = (name: string, count: number) => makeQueueSet(setting, name, count);

  it("does the parts of a run and puts the output together, the same as one process would", async () => {
    const { options, whole, tiles } = await makeSet("plain", 200);
    const queued = await enqueue({ ...options, partTiles: 32 });
    assert.deepEqual([queued.tiles, queued.parts, queued.enqueued], [tiles, 7, 7]);
    const before = await queueStatus(queueOf(options));
    assert.deepEqual([before.waiting, before.runs, before.tilesPerS], [7, 1, null]);
    assert.ok(Math.abs(before.tilesLeft - tiles) < 32, String(before.tilesLeft));
    const { redis: _redis, queue: _queue, ...run } = options;
    await assert.rejects(predict({ ...run, resume: true, device: undefined }), /is a run of the queue plain/);
    const done = await work({ ...queueOf(options), untilEmpty: true, workers: 1 });
    assert.deepEqual([done.parts, done.tiles, done.assembled, done.failed], [7, tiles, 1, 0]);
    assert.equal(done.workers, 1);
    assert.ok(done.sessions! >= 1);
    assertSame(options.out, whole);
    const after = await queueStatus(queueOf(options));
    assert.deepEqual([after.waiting, after.active, after.failed, after.runs, after.tilesLeft], [0, 0, 0, 0, 0]);
    assert.ok(after.tilesPerS! > 0);
  });

  it(`loses and repeats nothing with 3 workers, ${KILLS} kills and a restart of Redis`, async (t) => {
    const { options, whole, tiles } = await makeSet("killed", 300 * KILLS);
    await enqueue({ ...options, partTiles: 16 });
    const workers = [0, 1, 2].map(() => startWorker(options));
    for (let i = 0; i < KILLS; i++) {
      await partsDone(options.out, ((i + 0.5) / KILLS) * (tiles / 16));
      workers[i % 3].child.kill("SIGKILL");
      if (i === 0) await setting.redis.restart();
      workers[i % 3] = startWorker(options);
    }
    const ends = await Promise.all(workers.map(({ ended }) => ended));
    for (const { status, stderr } of ends) assert.equal(status, 0, stderr);
    t.diagnostic(ends.map(({ stdout }) => `${JSON.parse(stdout).tiles} tiles`).join(", "));
    assertSame(options.out, whole);
    assert.equal((await queueStatus(queueOf(options))).failed, 0);
  });

  it("drains on SIGTERM: the part in hand is finished, the others stay", async () => {
    const { options, whole, tiles } = await makeSet("drained", 300);
    await enqueue({ ...options, partTiles: 4 });
    const worker = startWorker(options, "--metrics", "0");
    await partsDone(options.out, 1);
    worker.child.kill("SIGTERM");
    const { status, stdout, stderr } = await worker.ended;
    assert.equal(status, 0, stderr);
    const summary = JSON.parse(stdout);
    const left = await queueStatus(queueOf(options));
    assert.equal(left.waiting + summary.parts, Math.ceil(tiles / 4));
    assert.deepEqual([left.active, left.delayed, left.failed], [0, 0, 0]);
    await work({ ...queueOf(options), untilEmpty: true });
    assertSame(options.out, whole);
  });

  it("tries a failing part again, reports it, and does the rest on enqueue --resume", async () => {
    const { options, whole } = await makeSet("failing", 100);
    await enqueue({ ...options, partTiles: 50 });
    // A folder where the rows should go makes the part fail, as a full or lost disk would.
    const blocked = join(runPaths(options.out).folder, "part-000001.rows");
    mkdirSync(blocked);
    const controller = new AbortController();
    const warnings: string[] = [];
    const context = { signal: controller.signal, onWarning: (warning: string) => warnings.push(warning) };
    const running = work({ ...queueOf(options) }, context);
    // The others are done by then, however late it is seen; the failing one may have been tried again.
    while (warnings.length === 0 || partFiles(options.out).length < 2) await sleep(50);
    controller.abort();
    const { failed } = await running;
    assert.ok(failed >= 1);
    assert.match(warnings[0], /^part 1 \(try 1\) failed: /);
    const left = async () => {
      const { delayed, waiting } = await queueStatus(queueOf(options));
      return delayed + waiting;
    };
    assert.equal(await left(), 1);
    rmSync(blocked, { recursive: true });
    const read = join(options.inputs[0], "tile_000000.jpg");
    const { atime, mtime } = statSync(read);
    utimesSync(read, 1, 1);
    await assert.rejects(
      enqueue({ ...options, partTiles: 50, resume: true }),
      /tile_000000\.jpg has another size or time/,
    );
    // What is refused takes nothing out of the queue.
    assert.equal(await left(), 1);
    utimesSync(read, atime, mtime);
    const again = await enqueue({ ...options, partTiles: 50, resume: true });
    assert.deepEqual([again.parts, again.enqueued], [3, 1]);
    await work({ ...queueOf(options), untilEmpty: true });
    assertSame(options.out, whole);
    assert.equal((await enqueue({ ...options, partTiles: 50, resume: true })).enqueued, 0);
  });

  it("puts a part back and ends where the model is not that of the run", async () => {
    const { options } = await makeSet("unfit", 20);
    const other = await saveToyModel(join(root, "other"));
    await enqueue({ ...options, ...other });
    const head = join(other.model, readdirSync(other.model).find((name) => name.startsWith("head"))!);
    rmSync(head);
    await assert.rejects(work({ ...queueOf(options), untilEmpty: true }), { name: "UnfitWorkerError" });
    assert.equal((await queueStatus(queueOf(options))).delayed, 1);
  });

  it("serves metrics for Prometheus", async () => {
    const { options } = await makeSet("metrics", 50);
    await enqueue({ ...options, partTiles: 32 });
    const worker = startWorker({ ...options, untilEmpty: false }, "--metrics", "0");
    const url = await new Promise<string>((resolve) => {
      createInterface({ input: worker.child.stderr }).on("line", (line) => {
        const found = /http:\S+\/metrics/.exec(line)?.[0];
        if (found) resolve(found);
      });
    });
    while (!existsSync(options.out)) await sleep(50);
    const metrics = await (await fetch(url)).text();
    assert.match(metrics, /^canopy_tiles_total\{outcome="predicted"\} 50$/m);
    assert.match(metrics, /^canopy_tiles_total\{outcome="rejected"\} 2$/m);
    assert.match(metrics, /^canopy_part_seconds_count 2$/m);
    assert.match(metrics, /^process_resident_memory_bytes \d/m);
    assert.match(metrics, /bullmq_job_count\{.*state="completed".*\} \d/);
    assert.match(metrics, /^bullmq_job_completed_total\{queue="metrics"\} [1-9]/m);
    const taken = runCli(["work", "--redis", setting.redis.url, "--metrics", new URL(url).port]);
    assert.equal(taken.status, 1);
    assert.match(taken.stderr, /^canopy: Metrics cannot be served on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/m);
    worker.child.kill("SIGTERM");
    assert.equal((await worker.ended).status, 0);
  });

  it("says in one sentence that Redis asks for a password, and does not show one", async () => {
    const client = new Redis(setting.redis.url);
    await client.config("SET", "requirepass", "right");
    try {
      for (const url of [setting.redis.url, setting.redis.url.replace("//", "//:wrong@")]) {
        const { status, stderr } = runCli(["queue", "status", "--redis", url]);
        assert.equal(status, 1);
        assert.match(
          stderr,
          /^canopy: Redis at redis:\/\/127\.0\.0\.1:\d+ does not accept the password: .* as --redis @FILE, in a file\.$/m,
        );
        assert.ok(!stderr.includes("wrong"));
      }
    } finally {
      await client.config("SET", "requirepass", "");
      client.disconnect();
    }
  });

  it("takes only an address for Redis, and does not show what it was given", () => {
    const { status, stderr } = runCli(["work", "--redis", "http://:secret@localhost:6379"]);
    assert.equal(status, 2);
    assert.match(stderr, /^canopy: Expected --redis to be an address such as redis:\/\/host:6379 .* is not shown/m);
    assert.ok(!stderr.includes("secret"));
  });

  it("says in one sentence that Redis does not answer", () => {
    const { status, stderr } = runCli(["queue", "status", "--redis", "redis://127.0.0.1:1"]);
    assert.equal(status, 1);
    assert.match(stderr, /^canopy: Redis does not answer at redis:\/\/127\.0\.0\.1:1: is it running, and without TLS /);
  });
});

interface WorkerOptions {
  redis: string;
  queue: string;
  untilEmpty?: boolean;
}

/** A worker in a process of its own, and what it says from its start to its end. */
function startWorker({ redis, queue, untilEmpty = true }: WorkerOptions, ...more: string[]) {
  const args = [
    "work",
    "--redis",
    redis,
    "--queue",
    queue,
    "--workers",
    "1",
    "--stalled-seconds",
    "2",
    "--json",
    ...more,
  ];
  if (untilEmpty) args.push("--until-empty");
  const command = [join(ROOT, "dist/src/cli/main.js"), ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return { child, ended: ended.then(([[status], stdout, stderr]) => ({ status: status as number, stdout, stderr })) };
}

/** Waits until the run of `out` has so many committed parts, or is done. */
async function partsDone(out: string, count: number): Promise<void> {
  while (!existsSync(out) && partFiles(out).length < count) await sleep(20);
}
