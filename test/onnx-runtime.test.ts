import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./helpers.js";

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
