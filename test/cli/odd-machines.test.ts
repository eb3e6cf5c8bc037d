/** Old, small and locked-up machines: each gives the same rows. What needs a mount of its own is skipped where that is not allowed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { saveToyModel } from "../engine/toy.js";
import { ROOT, runCli, suiteFolder } from "../helpers.js";

const folder = suiteFolder();
const tiles = join(folder, "tiles");
const main = join(ROOT, "dist/src/cli/main.js");
const mounts = spawnSync("unshare", ["--mount", "true"]).status === 0;
const NEEDS_MOUNT = mounts ? {} : { skip: "mounting is not allowed here" };
const { HOME, XDG_CACHE_HOME, CANOPY_CACHE, ...HOMELESS } = process.env;
let model: string;
let rows: string;
let runs = 0;

before(async () => {
  chmodSync(folder, 0o777);
  ({ model } = await saveToyModel(folder));
  assert.equal(runCli(["synth", "--count", "24", "--size", "96", "--out", tiles]).status, 0);
  rows = predict([], process.env);
});

/** The rows of `canopy predict`, started by `starter` where there is one. */
function predict(starter: string[], env: NodeJS.ProcessEnv): string {
  const out = join(folder, `rows-${runs++}.csv`);
  const args = ["predict", tiles, "--model", model, "--probabilities", "--out", out];
  canopy(starter, args, env);
  return readFileSync(out, "utf8");
}

function canopy(starter: string[], args: string[], env: NodeJS.ProcessEnv): string {
  const [program, ...rest] = [...starter, process.execPath, main, ...args];
  const { status, stdout, stderr, error } = spawnSync(program, rest, { env, encoding: "utf8", timeout: 120_000 });
  assert.equal(status, 0, `${error ?? ""}${stderr}`);
  return stdout;
}

/** Starts a program where these commands, which may mount, have been run. */
const where = (commands: string): string[] => ["unshare", "--mount", "sh", "-ec", `${commands}; exec "$@"`, "sh"];

for (const level of process.arch === "arm64" ? ["scalar", "neon"] : ["scalar", "sse4", "avx2", "avx512"]) {
  test(`a processor with ${level} gives the same rows`, () => {
    assert.equal(predict([], { ...process.env, CANOPY_SIMD: level }), rows);
  });
}

test("so does a single core", (t) => {
  const allowed = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const core = /^Cpus_allowed_list:\s*(\d+)/m.exec(allowed)?.[1];
  if (core === undefined || spawnSync("taskset", ["-c", core, "true"]).status !== 0) return t.skip("needs taskset");
  assert.equal(predict(["taskset", "-c", core], process.env), rows);
  const report = JSON.parse(canopy(["taskset", "-c", core], ["doctor", "--json"], process.env));
  assert.equal(report.cpu.usable_cores, 1);
});

test("a quota of half a core means one worker", NEEDS_MOUNT, () => {
  const quota = where("mount -t tmpfs tmpfs /sys/fs/cgroup; echo 50000 100000 > /sys/fs/cgroup/cpu.max");
  const { cpu } = JSON.parse(canopy(quota, ["doctor", "--json"], process.env));
  assert.deepEqual([cpu.quota, cpu.usable_cores], [0.5, 1]);
  assert.equal(predict(quota, process.env), rows);
});

test("a user without HOME gives the same rows", () => {
  assert.equal(predict([], HOMELESS), rows);
});

test("one whom the system does not know needs a folder for the cache, and is told so", (t) => {
  const nobody = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];
  const reads = [...nobody.slice(1), process.execPath, "-e", `require("fs").accessSync(${JSON.stringify(main)})`];
  if (spawnSync(nobody[0], reads).status !== 0) {
    return t.skip("needs setpriv, root, and a checkout that others may read");
  }
  const [program, ...args] = [...nobody, process.execPath, main, "models", "list"];
  const { status, stderr } = spawnSync(program, args, { env: HOMELESS, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^canopy: The user who runs canopy has no home folder, .*: set CANOPY_CACHE to a folder, or HOME\.$/m,
  );
  assert.equal(predict(nobody, { ...HOMELESS, CANOPY_CACHE: join(folder, "cache") }), rows);
});

for (const place of ["a home", "/dev/shm", "/proc"]) {
  const at = place === "a home" ? join(folder, "home") : place;
  const closed = where(`mkdir -p ${at}; mount -t tmpfs -o ro tmpfs ${at}`);
  test(`${place} that is empty and cannot be written changes no row`, NEEDS_MOUNT, () => {
    assert.equal(predict(closed, { ...HOMELESS, HOME: at === "/proc" ? folder : join(folder, "home") }), rows);
  });
}
