import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli, temporaryFolder } from "../helpers.js";

test("CANOPY_DEBUG=1 adds a stack that names lines of the TypeScript, without it there is none", (t) => {
  const args = ["inspect", join(temporaryFolder(t), "nowhere")];
  const debugged = runCli(args, { env: { CANOPY_DEBUG: "1" } });
  assert.match(debugged.stderr, /\n +at .*src\/tiles\/\w+[\w-]*\.ts:\d+:\d+/);
  assert.match(debugged.stderr, /\n +at .*src\/cli\/[\w-]+\.ts:\d+:\d+/);
  assert.doesNotMatch(debugged.stderr, /dist\/src/);
  assert.doesNotMatch(runCli(args).stderr, /\n +at /);
});

test("bare canopy shows the commands, -h is help, and a misspelt option of no command is named", () => {
  const bare = runCli([]);
  assert.equal(bare.status, 2);
  assert.match(bare.stderr, /canopy predict/);
  const help = runCli(["-h"]);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /canopy predict/);
  const misspelt = runCli(["--versoin"]);
  assert.equal(misspelt.status, 2);
  assert.match(misspelt.stderr, /did you mean --version\?/);
});

test("-o and --out are one option, and both at once are refused", () => {
  const run = runCli(["export", "-m", "nowhere", "-o", "a.onnx", "--out", "b.onnx"]);
  assert.equal(run.status, 2);
  assert.match(run.stderr, /--out was given more than once/);
});

test("an option with a value cannot be denied; one that is on can", () => {
  for (const option of ["exclusive", "epochs", "out"]) {
    const run = runCli(["train", "--tiles", "x", "--labels", "y", "--out", "z", `--no-${option}`]);
    assert.equal(run.status, 2);
    assert.match(run.stderr, new RegExp(`There is no --no-${option}: leave --${option} out`));
  }
  const run = runCli(["train", "--tiles", "no-such-tiles", "--labels", "y", "--out", "z", "--no-store-backbone"]);
  assert.equal(run.status, 1, run.stderr);
});

test("values that an option does not take are named with the nearest, or with the range", () => {
  const predict = ["predict", "tiles", "--model", "nowhere", "--out", "a.csv"];
  const device = runCli([...predict, "--device", "gpu"]);
  assert.equal(device.status, 2);
  assert.match(device.stderr, /"gpu", Choices: "auto", "cpu", "cuda", "webgpu" - did you mean cpu\?/);
  const threshold = runCli([...predict, "--threshold", "abc"]);
  assert.equal(threshold.status, 2);
  assert.match(threshold.stderr, /Expected --threshold to be a number, got "abc"\./);
});

test("a lone dash is standard input for inputs alone: elsewhere it is a dash", (t) => {
  const cwd = temporaryFolder(t);
  writeFileSync(join(cwd, "l.csv"), "image_name,tags\na,x-y\nb,y\nc,x\n");
  const args = ["labels", "import", "l.csv", "--tag-separator", "-", "--out", "out.csv"];
  assert.equal(runCli(args, { cwd }).status, 0);
  assert.match(readFileSync(join(cwd, "out.csv"), "utf8"), /^a,x y$/m);
  const run = runCli(["train", "--tiles", cwd, "--labels", "-", "--out", join(cwd, "m")]);
  assert.match(run.stderr, /There is no label file -\./);
});

test("an output named - is refused and leaves no file", (t) => {
  const cwd = temporaryFolder(t);
  const run = runCli(["export", "--model", "nowhere", "--out", "-"], { cwd });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /--out cannot be standard output \(-\)/);
  assert.deepEqual(readdirSync(cwd), []);
});
