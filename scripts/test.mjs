/**
 * Runs the compiled tests: all, or those in the files that are named, as they are written or as they are compiled. Options go to Node.
 *
 *   npm run test:file -- test/head/train.test.ts [--test-name-pattern=Keras]    builds first
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const words = process.argv.slice(2);
const options = words.filter((word) => word.startsWith("--"));
const named = words.filter((word) => !word.startsWith("--")).map(toCompiled);
const missing = named.find((path) => !existsSync(join(ROOT, path)));

if (missing !== undefined) {
  console.error(`There is no ${missing}: name a test file, such as test/head/train.test.ts.`);
  process.exit(2);
}
const files = named.length > 0 ? named : allTests();
// One file more than cores: some wait for a server that does not answer. Each may take a gigabyte, so not many.
const concurrency = Math.min(availableParallelism() + 1, 5);
const args = ["--enable-source-maps", "--test", `--test-concurrency=${concurrency}`, ...options, ...files];
// Tests load ONNX Runtime themselves, too, and must not report to its maker.
const env = { ...process.env, ORT_DISABLE_TELEMETRY: "1" };
process.exitCode = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: "inherit" }).status ?? 1;

/** `dist/test/a.test.js` for that, for `test/a.test.ts`, and for both from anywhere. */
function toCompiled(file) {
  const path = relative(ROOT, resolve(file)).replace(/\.ts$/, ".js");
  return /^dist[/\\]/.test(path) ? path : join("dist", path);
}

function allTests() {
  const names = readdirSync(join(ROOT, "dist/test"), { recursive: true });
  return names
    .filter((name) => name.endsWith(".test.js"))
    .sort()
    .map((name) => join("dist/test", name));
}
