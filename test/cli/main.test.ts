import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
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

test("an output named - is refused and leaves no file", (t) => {
  const cwd = temporaryFolder(t);
  const run = runCli(["export", "--model", "nowhere", "--out", "-"], { cwd });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /--out cannot be standard output \(-\)/);
  assert.deepEqual(readdirSync(cwd), []);
});
