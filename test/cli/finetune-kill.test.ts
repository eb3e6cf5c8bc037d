/** A fine-tuning that is killed. CANOPY_KILLS=50 kills it more often. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { loadCheckpoint } from "../../src/head/checkpoint.js";
import { createRandom } from "../../src/random.js";
import { ROOT, runCli, temporaryFolder } from "../helpers.js";
import { LEARNT_FILES, writeColours, writeTinyBackbone } from "../training/tiny-backbone.js";

const KILLS = Number(process.env["CANOPY_KILLS"] ?? 10);

interface Run {
  out: string;
  words: string[];
  env: Record<string, string>;
}

/** Runs it, counts how often it writes its state, and kills it some milliseconds after the last of `writes`. */
async function runAndKill({ out, words, env }: Run, writes: number, milliseconds: number) {
  const main = join(ROOT, "dist/src/cli/main.js");
  const options = { env: { ...process.env, ...env }, stdio: "ignore" } as const;
  const child = spawn(process.execPath, [main, ...words, "--out", join(out, "model"), "--resume"], options);
  let seen = 0;
  const watcher = watch(out, async (event, name) => {
    if (event !== "rename" || name !== "model.finetune" || ++seen !== writes) return;
    await wait(milliseconds);
    child.kill("SIGKILL");
  });
  const [status, signal] = await once(child, "exit");
  watcher.close();
  assert.ok(signal === "SIGKILL" || status === 0, `${status} ${signal}`);
  return { wasKilled: signal === "SIGKILL", seen };
}

test(`killed at ${KILLS} random moments and resumed, a fine-tuning ends with the same bytes`, async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ["tiles", "whole", "killed"]) mkdirSync(join(folder, name));
  const { tiles, labels } = await writeColours(join(folder, "tiles"), 60);
  const input = ["--tiles", tiles, "--labels", labels, "--backbone", writeTinyBackbone(folder), "--size", "16"];
  const tuning = ["--finetune", "--finetune-epochs", "16", "--finetune-lr", "0.05"];
  const words = ["train", ...input, "--normalisation", "unit", "--device", "cpu", ...tuning];
  const env = { CANOPY_CACHE: join(folder, "cache") };
  const whole = { out: join(folder, "whole"), words, env };
  const { seen } = await runAndKill(whole, Number.POSITIVE_INFINITY, 0);
  assert.equal((await loadCheckpoint(join(whole.out, "model"))).card.file, "backbone.onnx");

  const random = createRandom(Number(process.env["CANOPY_SEED"] ?? 1));
  const run = { out: join(folder, "killed"), words, env };
  // Each run writes a state or two that the one before it had written, too.
  const most = Math.ceil((2 * seen) / KILLS);
  let kills = 0;
  while (kills < KILLS && (await runAndKill(run, 1 + random.below(most), random.below(20))).wasKilled) kills++;
  t.diagnostic(`${kills} kills; a whole run writes its state ${seen} times`);
  // Fewer than were planned where states are written faster than this process hears of them.
  assert.ok(kills >= KILLS / 5, `${kills}`);
  const last = runCli([...words, "--out", join(run.out, "model"), "--resume"], { env });
  assert.equal(last.status, 0, last.stderr);
  assert.doesNotMatch(last.stderr, /begins anew/);
  for (const name of LEARNT_FILES) {
    assert.deepEqual(readFileSync(join(run.out, "model", name)), readFileSync(join(whole.out, "model", name)), name);
  }
  assert.deepEqual(readdirSync(run.out).sort(), ["model"]);
});
