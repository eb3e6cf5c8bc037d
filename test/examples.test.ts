/** The examples are what people copy: they are run as far as that goes without a cluster, and their options are those that exist. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT, runCli, temporaryFolder } from "./helpers.js";

const EXAMPLES = join(ROOT, "examples");
const ARRAY = join(EXAMPLES, "slurm/predict-array.sbatch");

function writeTool(folder: string, name: string, lines: string[]): void {
  writeFileSync(join(folder, name), ["#!/bin/bash", ...lines, ""].join("\n"));
  chmodSync(join(folder, name), 0o755);
}

/** The Slurm script as task 7 of job 12, with tools that note what they are called with. */
function startTask(folder: string, canopy: string[]) {
  writeTool(folder, "canopy", [`echo "$@" > ${folder}/canopy.args`, ...canopy]);
  writeTool(folder, "scontrol", [`echo "$@" > ${folder}/scontrol.args`]);
  const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}` };
  return spawn("bash", [ARRAY, "/in", "/model", "/out/tags.csv", "32"], {
    env: { ...env, SLURM_ARRAY_TASK_ID: "7", SLURM_ARRAY_JOB_ID: "12", SLURM_ARRAY_TASK_COUNT: "1" },
  });
}

const noBash = spawnSync("bash", ["--version"]).status === 0 ? {} : { skip: "bash is not installed" };

test(
  "a Slurm task does its shard of all, however many tasks were started, and ends as canopy does",
  noBash,
  async (t) => {
    const folder = temporaryFolder(t);
    for (const code of [0, 1]) {
      const [status] = await once(startTask(folder, [`exit ${code}`]), "close");
      assert.equal(status, code);
      assert.match(
        readFileSync(join(folder, "canopy.args"), "utf8"),
        /--out \/out\/tags-0007\.csv --shard 7\/32 --resume/,
      );
      assert.ok(!existsSync(join(folder, "scontrol.args")));
    }
  },
);

test("a Slurm task whose time runs out stops canopy and is queued again", noBash, async (t) => {
  const folder = temporaryFolder(t);
  for (const pause of ["", "sleep 0.3; "]) {
    const task = startTask(folder, [
      `trap '${pause}exit 130' TERM`,
      `touch ${folder}/ready${pause.length}`,
      "while :; do sleep 0.01; done",
    ]);
    while (!existsSync(join(folder, `ready${pause.length}`))) await sleep(10);
    task.kill("SIGTERM");
    const [status] = await once(task, "close");
    assert.equal(status, 130);
    assert.equal(readFileSync(join(folder, "scontrol.args"), "utf8"), "requeue 12_7\n");
  }
});

test("the Slurm merge finds the shards by their names", noBash, (t) => {
  const folder = temporaryFolder(t);
  writeTool(folder, "canopy", [`echo "$@" > ${folder}/canopy.args`]);
  for (const name of ["tags-0001.csv", "tags-0002.csv", "tags-0001.csv.manifest.json"])
    writeFileSync(join(folder, name), "");
  const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}` };
  assert.equal(spawnSync("bash", [join(EXAMPLES, "slurm/merge.sbatch"), join(folder, "tags.csv")], { env }).status, 0);
  const args = readFileSync(join(folder, "canopy.args"), "utf8").replaceAll(`${folder}/`, "");
  assert.equal(args, "merge tags-0001.csv tags-0002.csv --out tags.csv\n");
});

const notLinux = process.platform === "linux" ? {} : { skip: "the image is made of Linux" };

test(
  "what the image keeps is this machine's ONNX Runtime, and a list of packages that is the same each time",
  notLinux,
  (t) => {
    const dockerfile = readFileSync(join(EXAMPLES, "kubernetes/Dockerfile"), "utf8");
    const [, commands] = /^RUN npm ci [^&]*&& ((?:.*\\\n)*.*)/m.exec(dockerfile) ?? [];
    const lists = [0, 1].map(() => {
      const folder = temporaryFolder(t);
      const runtime = join(folder, "node_modules/onnxruntime-node");
      // As `npm install` leaves it in an empty folder: without a version.
      writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies: { "onnxruntime-node": "1.0.0" } }));
      for (const name of readdirSync(join(ROOT, "node_modules/onnxruntime-node/bin"), {
        recursive: true,
        encoding: "utf8",
      }))
        if (!name.includes(".")) mkdirSync(join(runtime, "bin", name), { recursive: true });
      writeFileSync(join(runtime, "package.json"), JSON.stringify({ name: "onnxruntime-node", version: "1.0.0" }));
      const run = spawnSync("sh", ["-c", commands], { cwd: folder, encoding: "utf8" });
      assert.equal(run.status, 0, run.stderr);
      const kept = readdirSync(join(runtime, "bin"), { recursive: true, encoding: "utf8" });
      assert.deepEqual(kept, ["napi-v6", "napi-v6/linux", `napi-v6/linux/${process.arch}`]);
      return readFileSync(join(folder, "sbom.json"), "utf8").replaceAll(basename(folder), "");
    });
    assert.equal(JSON.parse(lists[0]).components[0].name, "onnxruntime-node");
    assert.equal(lists[1], lists[0]);
  },
);

test("every option in the examples exists", () => {
  const help = ["predict", "merge", "enqueue", "work"].map((name) => runCli([name, "--help"]).stdout).join("");
  // Of sbatch, docker, apt and npm, in comments and headers.
  const others = /^#SBATCH.*$|sbatch --\S+|--array=\S+|--no-install-recommends/gm;
  for (const name of readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" })) {
    if (!/\.(sbatch|yaml)$/.test(name)) continue;
    const text = readFileSync(join(EXAMPLES, name), "utf8").replaceAll(others, "");
    for (const [option] of text.matchAll(/--[a-z]+[a-z-]*/g)) assert.ok(help.includes(option), `${name}: ${option}`);
  }
});
