import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { InterruptedError } from "../../src/errors.js";
import { loadCheckpoint } from "../../src/head/checkpoint.js";
import { synthesize } from "../../src/operations/synth.js";
import { train } from "../../src/operations/train.js";
import { suiteFolder } from "../helpers.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const tiles = join(folder, "tiles");
const options = {
  tiles: [tiles],
  labels: join(tiles, "labels.csv"),
  size: 32,
  device: "cpu",
  features: "last",
} as const;

before(async () => {
  await synthesize({ count: 60, out: tiles, seed: 5 });
});

test("thresholds are fitted for the F-beta asked for: the more recall counts, the lower", async () => {
  const mean = async (beta: number) => {
    const out = join(folder, `beta-${beta}`);
    await train({ ...options, out, head: { l2: 1 }, beta });
    const { thresholds, training } = await loadCheckpoint(out);
    assert.equal(training.settings["beta"], beta);
    return thresholds.reduce((sum, each) => sum + each, 0) / thresholds.length;
  };
  const [strict, generous] = [await mean(0.25), await mean(4)];
  assert.ok(strict > generous + 0.1, `${strict} over ${generous}`);
});

test("an interrupted training that goes on ends with the model of one that never stopped", async () => {
  const head = { optimizer: "adam", learningRate: 0.01, epochs: 4 } as const;
  const whole = join(folder, "whole");
  await train({ ...options, out: whole, head });
  const out = join(folder, "stopped");
  const stop = new AbortController();
  const onProgress = ({ stage, done }: { stage: string; done: number }) => {
    if (stage === "head" && done === 3) stop.abort();
  };
  await assert.rejects(train({ ...options, out, head }, { signal: stop.signal, onProgress }), InterruptedError);
  const unasked =
    /An interrupted training of .+stopped is in .+stopped\.training: go on with `resume`, or .+`overwrite`/;
  await assert.rejects(train({ ...options, out, head }), unasked);
  const seen: number[] = [];
  const later = ({ stage, done }: { stage: string; done: number }) => void (stage === "head" && seen.push(done));
  await train({ ...options, out, head, resume: true }, { onProgress: later });
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
  for (const name of ["head.safetensors", "history.csv"]) {
    assert.deepEqual(readFileSync(join(out, name)), readFileSync(join(whole, name)), name);
  }
});

test("a folder of TensorBoard that cannot be made is refused before anything is trained", async () => {
  const [out, tensorboard] = [join(folder, "watched"), join(folder, "events")];
  writeFileSync(tensorboard, "a file");
  const seen: string[] = [];
  const onProgress = ({ stage }: { stage: string }) => void seen.push(stage);
  const given = { ...options, out, head: { l2: 1 }, tensorboard };
  await assert.rejects(train(given, { onProgress }), { name: "InputError", message: /events is not a folder/ });
  assert.deepEqual([seen, existsSync(out)], [[], false]);
});

test("a finished model that is to be resumed is told, returned as it was, and left alone; other options are named", async () => {
  const out = join(folder, "finished");
  const given = { ...options, out, head: { l2: 1 } };
  const first = await train(given);
  const before = statSync(join(out, "model.json")).mtimeMs;
  const notices: string[] = [];
  const again = await train({ ...given, workers: 1, resume: true }, { onNotice: (notice) => notices.push(notice) });
  assert.deepEqual(again, first);
  assert.equal(statSync(join(out, "model.json")).mtimeMs, before);
  assert.match(notices.join("\n"), /finished is finished: nothing was trained/);
  await assert.rejects(train({ ...given, beta: 1, resume: true }), {
    name: "InputError",
    message: /finished model of other options \(`beta`\); `overwrite` replaces it/,
  });
  await assert.rejects(train(given), /exists already/);
  renameSync(out, join(folder, "moved"));
  const moved = await train({ ...given, out: join(folder, "moved"), resume: true });
  assert.equal(moved.report, join(folder, "moved/report.html"));
});

test("a finished model whose labels have changed is not taken for the model of the labels as they are", async () => {
  const labels = join(folder, "changing.csv");
  const rows = readFileSync(options.labels, "utf8");
  writeFileSync(labels, rows);
  const given = { ...options, labels, out: join(folder, "corrected"), head: { l2: 1 } };
  await train(given);
  writeFileSync(labels, rows.replace("image_name,tags", "name,tags").replaceAll("\n", "\r\n"));
  await train({ ...given, resume: true });
  writeFileSync(labels, rows.replace(/^(synth_7,.*)$/m, "$1 blow_down"));
  await assert.rejects(train({ ...given, resume: true }), {
    name: "InputError",
    message: /changing\.csv has changed since .*corrected was trained on it; `overwrite` trains it again/,
  });
});
