/** A stranger at the queue, and what strangers read in the logs. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Queue } from "bullmq";
import { enqueue } from "../../src/operations/enqueue.js";
import { runPaths } from "../../src/run/paths.js";
import { noRedis, startRedis } from "../queue/redis.js";
import type { Attack, Command, Given } from "./attack.js";

async function hostileJobs({ folder, tiles, model, backbone }: Given): Promise<Command> {
  const redis = await startRedis(folder);
  const out = join(folder, "out.csv");
  const queue = "stranger";
  await enqueue({ inputs: [tiles], model, backbone, out, redis: redis.url, queue, partTiles: 8 });
  const precious = join(folder, "precious.csv.parts");
  mkdirSync(precious);
  writeFileSync(join(precious, "file"), "precious");
  const { folder: run } = runPaths(out);
  const jobs = [
    { name: "part", data: { folder: run, part: "../../escaped", from: 0, to: 8, byteOffset: 0 } },
    { name: "part", data: { folder: run, part: 4_000_000, tiles: 8 } },
    { name: "part", data: { folder: precious, part: 0, tiles: 8 } },
    { name: "assemble", data: { folder: precious, out: join(folder, "overwritten.csv") } },
  ];
  const stranger = new Queue(queue, { connection: { url: redis.url } });
  await stranger.addBulk(jobs.map((job) => ({ ...job, opts: { lifo: true } })));
  await stranger.close();
  const args = ["work", "--redis", redis.url, "--queue", queue, "--until-empty", "--workers", "1", "--root", folder];
  return { args, end: () => redis.stop() };
}

export const QUEUE: readonly Attack[] = [
  {
    what: "jobs in Redis that name other folders, and parts that are none",
    happens: "refused; the run's own parts are done, nothing else is written or removed",
    megabytes: 600,
    seconds: 20,
    make: hostileJobs,
    status: 0,
    says: /job that `enqueue` did not make/,
    check: ({ folder }) => {
      assert.deepEqual(readdirSync(join(folder, "precious.csv.parts")), ["file"]);
      assert.ok(existsSync(join(folder, "out.csv")) && !existsSync(join(folder, "overwritten.csv")));
    },
    skip: noRedis,
  },
  {
    what: "an address of Redis that is wrong, with a password in it",
    happens: "refused; the password is in no output",
    megabytes: 300,
    seconds: 10,
    make: () => ({ args: ["queue", "status", "--redis", "http://:s3cret@127.0.0.1:1", "--queue", "q"] }),
    status: 2,
    says: /^(?![\s\S]*s3cret)[\s\S]*what was found is not shown/,
  },
];
