/** What commands without `--resume` say where the disk is full. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { synthesize } from "../../src/operations/synth.js";
import { mountDisk, runCli, suiteFolder } from "../helpers.js";

const folder = suiteFolder();
const tiles = join(folder, "tiles");
const model = join(folder, "model");
const disk = join(folder, "disk");

function run(...args: string[]) {
  return runCli(args, { env: { CANOPY_CACHE: join(folder, "cache") } });
}

before(async () => {
  await synthesize({ count: 60, out: tiles, seed: 5 });
  const trained = run("train", "--tiles", tiles, "--labels", join(tiles, "labels.csv"), "--out", model, "--size", "64");
  assert.equal(trained.status, 0, trained.stderr);
  mkdirSync(disk);
});

/** Runs a command that is to fail, and unmounts the disk. */
function failOnDisk(args: readonly string[]): { stderr: string; left: string[] } {
  try {
    const { status, stderr } = run(...args);
    assert.equal(status, 1, stderr);
    return { stderr, left: readdirSync(disk) };
  } finally {
    execFileSync("umount", [disk]);
  }
}

test("export and merge say to make room, leave nothing, and point to no --resume", (t) => {
  const shards = ["1/2", "2/2"].map((shard, i) => {
    const out = join(folder, `shard-${i}.jsonl`);
    const predicted = run("predict", tiles, "--model", model, "--out", out, "--shard", shard, "--probabilities");
    assert.equal(predicted.status, 0, predicted.stderr);
    return out;
  });
  for (const args of [
    ["export", "--model", model, "--out", join(disk, "model.onnx")],
    ["merge", ...shards, "--out", join(disk, "merged.jsonl")],
  ]) {
    if (!mountDisk(disk, "16k")) return t.skip("a small tmpfs cannot be mounted here");
    const { stderr, left } = failOnDisk(args);
    assert.match(stderr, /Make room and (run|try) again\.\n$/);
    assert.deepEqual(left, []);
  }
});
