/** What a power cut could take: the order in which a run writes, flushes and renames, as the file system sees it. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { runToy, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

type Step =
  | { act: "sync"; path: string }
  | { act: "rename"; path: string; to: string }
  | { act: "remove"; path: string };

/** A module that writes every flush, rename and removal to `log`, in their order. */
function recorder(log: string): string {
  return `
    import fs, { appendFileSync } from "node:fs";
    import promises from "node:fs/promises";
    import { syncBuiltinESMExports } from "node:module";
    const note = (step) => appendFileSync(${JSON.stringify(log)}, JSON.stringify(step) + "\\n");
    const { open, rename, rm } = promises;
    const { fsync } = fs;
    const paths = new Map();
    promises.open = async (path, ...rest) => {
      const file = await open(path, ...rest);
      paths.set(file.fd, path);
      return file;
    };
    fs.fsync = (fd, done) => fsync(fd, (error) => {
      if (!error) note({ act: "sync", path: paths.get(fd) });
      done(error);
    });
    promises.rename = async (path, to) => { await rename(path, to); note({ act: "rename", path, to }); };
    promises.rm = async (path, ...rest) => { await rm(path, ...rest); note({ act: "remove", path }); };
    syncBuiltinESMExports();`;
}

test("every file is flushed before it gets its name, and its folder afterwards; parts go when the output is safe", async (t) => {
  const root = temporaryFolder(t);
  await writeToyTiles(join(root, "in"), 40);
  writeFileSync(join(root, "in/bad.jpg"), "bad");
  const [log, hook, out] = ["log", "hook.mjs", "out.csv"].map((name) => join(root, name)) as [string, string, string];
  writeFileSync(hook, recorder(log));
  const options = { inputs: [join(root, "in")], out, workers: 1, batchSize: 4, commit: { tiles: 8 } };
  const run = runToy(options, { NODE_OPTIONS: `--import ${hook}` });
  assert.equal(run.status, 0, run.stderr);
  const steps = readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Step);
  const place = (from: number, wanted: (step: Step) => boolean) =>
    steps.findIndex((step, i) => i >= from && wanted(step));
  const synced = (path: string, from = 0) => place(from, (step) => step.act === "sync" && step.path === path);
  let renamed = 0;
  for (const [i, step] of steps.entries()) {
    if (step.act !== "rename") continue;
    renamed++;
    const before = steps.slice(0, i).some((other) => other.act === "sync" && other.path === step.path);
    assert.ok(before, `${basename(step.to)} is renamed before it is flushed`);
    assert.ok(synced(dirname(step.to), i) >= 0, `the folder of ${basename(step.to)} is not flushed`);
  }
  assert.ok(renamed > 12, String(renamed));
  for (const [i, step] of steps.entries()) {
    if (step.act !== "rename" || !/part-\d+\.json$/.test(step.to)) continue;
    // At once, and not with whatever is flushed there later: the next part may be minutes away.
    assert.deepEqual(steps[i + 1], { act: "sync", path: dirname(step.to) }, `${basename(step.to)} may be lost`);
  }
  const firstPart = place(0, (step) => step.act === "rename" && step.to.endsWith("part-000000.json"));
  assert.ok(synced(root) >= 0 && synced(root) < firstPart, "the run folder is there for good before a part counts");
  const output = place(0, (step) => step.act === "rename" && step.to === out);
  const gone = place(output, (step) => step.act === "remove" && step.path.endsWith("run.json"));
  const safe = synced(root, output);
  assert.ok(output >= 0 && safe > output && gone > safe, "the run is forgotten before its output is safe");
});
