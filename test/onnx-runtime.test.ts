import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CanopyError } from "../src/errors.js";
import { explainLoading } from "../src/onnx-runtime.js";
import { ROOT, temporaryFolder } from "./helpers.js";

const SRC = join(ROOT, "src");

test("nothing else loads ONNX Runtime, whose telemetry is on otherwise", () => {
  const loads = /import (?!type ).*"onnxruntime-node"|(import|require)\("onnxruntime-node"\)/;
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const loaders = files.filter((name) => loads.test(readFileSync(join(SRC, name), "utf8")));
  assert.deepEqual(loaders, ["onnx-runtime.ts"]);
});

test("a worker thread without the addon needs the variable in the program's environment, and says so", () => {
  const load = `import(${JSON.stringify(join(ROOT, "dist/src/onnx-runtime.js"))}).then(({ loadOnnxRuntime }) => loadOnnxRuntime());`;
  const script = `new (require("node:worker_threads").Worker)(${JSON.stringify(load)}, { eval: true });`;
  const run = (env: Record<string, string>) => {
    const { ORT_DISABLE_TELEMETRY, ...inherited } = process.env;
    return spawnSync(process.execPath, ["-e", script], { env: { ...inherited, ...env, CANOPY_NO_ADDON: "1" } });
  };
  assert.match(String(run({}).stderr), /start the program with ORT_DISABLE_TELEMETRY=1 in its environment/);
  assert.equal(run({ ORT_DISABLE_TELEMETRY: "1" }).status, 0);
});

/** As Alpine's loader says it of libonnxruntime.so.1. */
const MUSL = "Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by x.so)";

test("Alpine is told that there is no ONNX Runtime for its C library; other failures are left as they are", () => {
  const musl = new Error(MUSL);
  const explained = explainLoading(musl);
  assert.ok(explained instanceof CanopyError && explained.cause === musl);
  assert.match(explained.message, /no build for musl.*glibc/);
  const glibc = new Error("libstdc++.so.6: cannot open shared object file: No such file or directory");
  assert.equal(explainLoading(glibc), glibc);
});

test("a machine for which ONNX Runtime has no build is told which it has them for", () => {
  const load = `Object.defineProperty(process, "arch", { value: "mips" });
    import(${JSON.stringify(join(ROOT, "dist/src/onnx-runtime.js"))}).then(({ loadOnnxRuntime }) => loadOnnxRuntime());`;
  const { stderr } = spawnSync(process.execPath, ["-e", load], { encoding: "utf8" });
  assert.match(stderr, /ONNX Runtime for Node has no build for \w+-mips: it has them for Linux/);
});

test("doctor's probe of a device says so, too", (t) => {
  const preload = join(temporaryFolder(t), "musl.cjs");
  const load = `const { _load } = require("module");
    require("module")._load = (name, ...rest) => {
      if (name === "onnxruntime-node") throw new Error(${JSON.stringify(MUSL)});
      return _load(name, ...rest);
    };`;
  writeFileSync(preload, load);
  const probe = join(ROOT, "dist/src/features/device-probe.js");
  const { stdout } = spawnSync(process.execPath, ["--require", preload, probe, "cpu"], { encoding: "utf8" });
  assert.match(stdout, /^ONNX Runtime for Node has no build for musl/);
});
