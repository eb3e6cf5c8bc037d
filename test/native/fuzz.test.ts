import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { ROOT } from "../helpers.js";

/** Output of a script of native/fuzz that must end well; undefined, and the test skipped, where its compiler is missing. */
function runScript(t: TestContext, name: string, args: string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync("sh", [`native/fuzz/${name}`, ...args], { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, `${stdout}\n${stderr.slice(-6000)}`);
  if (!stdout.startsWith("skipped")) return stdout + stderr;
  t.skip(stdout.trim());
  return undefined;
}

test("a short fuzz run of the native decoder finds nothing", (t) => {
  const output = runScript(t, "run.sh", ["12"]);
  if (output === undefined) return;
  const executions = Number(/number_of_executed_units: (\d+)/.exec(output)?.[1]);
  // The seeds alone are more than that.
  assert.ok(executions > 250, `${executions} executions`);
});

test("workers decode into shared memory without a data race", (t) => {
  const output = runScript(t, "threads.sh", ["8"]);
  if (output !== undefined) assert.match(output, /8 batches of \d+ tiles on 4 threads: the same pixels/);
});

test("decoding tiles of all kinds allocates nothing after the first rounds", (t) => {
  const output = runScript(t, "check.sh", ["allocations", "20"]);
  if (output !== undefined) assert.match(output, /\d{5,} decodes: 0 allocations/);
});

test("decoding, encoding and training survive each allocation and each thread that fails", (t) => {
  const output = runScript(t, "check.sh", ["memory", "1"]);
  if (output === undefined) return;
  assert.match(output, /\d{4,} of allocations in decoding, \d{2,} in encoding, \d{3,} in training, \d{2,} of threads/);
});

test("the core compiles for libjpeg-turbo's other ABI, that of Ubuntu and Homebrew", (t) => {
  const output = runScript(t, "abi.sh", ["80"]);
  if (output !== undefined) assert.match(output, /\d+ files compile for libjpeg's ABI 80/);
});

test("what a decoder has read before changes nothing", (t) => {
  const output = runScript(t, "check.sh", ["orders", "3"]);
  if (output !== undefined) assert.match(output, /3 rounds of \d{4} files, \d+ of them bad: as in a new decoder/);
});

test("the kernels of every instruction set give what plain ones give", (t) => {
  const output = runScript(t, "check.sh", ["kernels", "100"]);
  const name = process.arch === "arm64" ? "neon" : "sse4";
  if (output !== undefined)
    assert.match(output, new RegExp(`${name}: as plain kernels, 100000 quads of blocks, [1-9]\\d+ of them wild`));
});

test("64-bit ARM gives the same pixels, under emulation", (t) => {
  const output = runScript(t, "arm64.sh", ["1"]);
  if (output === undefined) return;
  assert.match(output, /neon: as plain kernels, 1000 quads of blocks/);
  assert.match(output, /1 rounds of \d{4} files, \d+ of them bad: as in a new decoder/);
  assert.match(output, /\d{2,} files of .*seeds: the same pixels/);
});

for (const [sanitizers, networks] of [
  ["address,undefined", "40"],
  ["thread", "15"],
]) {
  test(`the trainer trains random networks under the sanitizers ${sanitizers}`, (t) => {
    const output = runScript(t, "trainer.sh", [sanitizers, networks]);
    if (output === undefined) return;
    assert.match(output, new RegExp(`${networks} networks: every set of kernels and number of threads agrees`));
  });
}
