import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, runCli, temporaryFolder } from "../helpers.js";
import { writeTiff } from "../raster/write-tiff.js";

test("synth, inspect and fix: one JSON object each, and --strict exits with 3 for a bad tile", (t) => {
  const folder = temporaryFolder(t);
  const [set, out] = [join(folder, "set"), join(folder, "out")];
  const made = runCli(["synth", "--count", "3", "--size", "32", "--out", set, "--seed", "5", "--json", "--quiet"]);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(JSON.parse(made.stdout).tiles, 3);
  assert.equal(runCli(["synth", "--count", "3", "--out", set]).status, 1);
  writeFileSync(join(set, "bad.png"), "no picture");
  const inspected = runCli(["inspect", set, "--labels", join(set, "labels.csv"), "--strict"]);
  assert.equal(inspected.status, 3, inspected.stderr);
  assert.match(inspected.stdout, /1 of 4 tiles cannot be read/);
  const fixed = runCli(["fix", set, "--out", out, "--json", "--strict"]);
  assert.equal(fixed.status, 3, fixed.stderr);
  const { written, rejected, rejects } = JSON.parse(fixed.stdout);
  assert.deepEqual([written, rejected, rejects], [3, 1, `${out}.rejects.jsonl`]);
});

test("inspect names the flags that mend what it finds", (t) => {
  const folder = temporaryFolder(t);
  const tiff = writeTiff({ width: 4, height: 4, bands: 3, type: "float32", at: () => 0.5 });
  writeFileSync(join(folder, "tile.tif"), tiff);
  assert.match(runCli(["inspect", folder]).stdout, /tile\.tif: TIFF of float32 samples.* train with --stretch /);
});

test("Ctrl-C during synth exits with 130 and leaves nothing under the final name", async (t) => {
  const out = join(temporaryFolder(t), "set");
  const args = ["synth", "--count", "100000", "--size", "32", "--workers", "1", "--out", out];
  const child = spawn(process.execPath, [join(ROOT, "dist/src/cli/main.js"), ...args], { stdio: "ignore" });
  const exit = new Promise<number | null>((resolve) => child.on("exit", resolve));
  while (!existsSync(`${out}.canopy-tmp/synth_31.jpg`)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill("SIGINT");
  assert.equal(await exit, 130);
  assert.ok(
    !existsSync(out) && existsSync(`${out}.canopy-tmp/synth.json`) && !existsSync(`${out}.canopy-tmp/labels.csv`),
  );
});
