import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, temporaryFolder } from "../helpers.js";

test("without its packages the queue says what to install", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "dist"));
  // Modules that are loaded by links are looked for from where the links are.
  for (const name of ["package.json", "dist/src"]) symlinkSync(join(ROOT, name), join(folder, name));
  const module = JSON.stringify(join(folder, "dist/src/queue/queue.js"));
  const script = `import { withRedis } from ${module};
    withRedis({ host: "127.0.0.1", port: 1 }, () => {}).catch(({ message }) => console.log(message));`;
  const args = ["--preserve-symlinks", "--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  assert.equal(stderr, "");
  assert.match(stdout, /not installed: bullmq, ioredis, prom-client\. .*`npm install bullmq ioredis prom-client`/);
});
