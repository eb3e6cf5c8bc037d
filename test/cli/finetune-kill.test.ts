/** A fine-tuning that is killed. CANOPY_KILLS=50 kills it more often. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { createRandom } from "../../src/random.js";
import { ROOT, runCli, temporaryFolder } from "../helpers.js";
import { writeColours, writeTinyBackbone } from "../training/tiny-backbone.js";

const KILLS = Number(process.env["CANOPY_KILLS"] ?? 10);
const FILES = ["model.json", "head.safetensors", "history.csv", "backbone.onnx"];

interface Run {
  out: string;
  words: string[];
  env: Record<string, string>;
}

/** Kills a run some milliseconds after it has written its state so many times; false if it ended before. */
async function killed({ out, words, env }: Run, writes: number, milliseconds: number): Promise<boolean> {
  const main = join(ROOT, "dist/src/cli/main.js");
  const options = { env: { ...process.env, ...env }, stdio: "ignore" } as const;
  const child = spawn(process.execPath, [main, ...words, "--out", join(out, "model"), "--resume"], options);
  let left = writes;
  const watcher = watch(out, async (_, name) => {
    if (name === "model.finetune" && --left === 0) {
      await wait(milliseconds);
      child.kill("SIGKILL");
    }
  });
  const [status, signal] = await once(child, "exit");
  watcher.close();
  assert.ok(signal === "SIGKILL" || status === 0, `${status} ${signal}`);
  return signal === "SIGKILL";
}

test(`killed at ${KILLS} random moments and resumed, a fine-tuning ends with the same bytes`, async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ["tiles", "whole", "killed"]) mkdirSync(join(folder, name));
  const { tiles, labels } = await writeColours(join(folder, "tiles"), 60);
  const input = ["--tiles", tiles, "--labels", labels, "--backbone", writeTinyBackbone(folder), "--size", "16"];
  const tuning = ["--finetune", "--finetune-epochs", "16", "--finetune-lr", "0.05"];
  const words = ["train", ...input, "--normalisation", "unit", "--device", "cpu", ...tuning];
  const env = { CANOPY_CACHE: join(folder, "cache") };
  const whole = runCli([...words, "--out", join(folder, "whole/model"), "--json"], { env });
  assert.equal(whole.status, 0, whole.stderr);
  assert.ok(JSON.parse(whole.stdout).finetune.kept, whole.stdout);

  const random = createRandom(Number(process.env["CANOPY_SEED"] ?? 1));
  const run = { out: join(folder, "killed"), words, env };
  let kills = 0;
  while (kills < KILLS && (await killed(run, 1 + random.below(3), random.below(20)))) kills++;
  assert.equal(kills, KILLS);
  const last = runCli([...words, "--out", join(run.out, "model"), "--resume"], { env });
  assert.equal(last.status, 0, last.stderr);
  assert.doesNotMatch(last.stderr, /begins anew/);
  for (const name of FILES) {
    assert.deepEqual(readFileSync(join(run.out, "model", name)), readFileSync(join(folder, "whole/model", name)), name);
  }
  assert.deepEqual(readdirSync(run.out).sort(), ["model"]);
});
