/**
 * Builds, then runs the tests in the files that are named, as they are written or as they are compiled:
 *
 *   npm run test:file -- test/head/train.test.ts [dist/test/...] [--test-name-pattern=Keras]
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const options = process.argv.slice(2).filter((word) => word.startsWith("--"));
const files = process.argv.slice(2).filter((word) => !word.startsWith("--"));
if (files.length === 0) fail("Name one or more test files: npm run test:file -- test/head/train.test.ts");
const sources = files.map(toSource);
const missing = sources.find((path) => !existsSync(join(ROOT, path)));
if (missing !== undefined) fail(`There is no ${missing}.`);

if (run("npm", "run", "--silent", "build") !== 0) process.exit(1);
const compiled = sources.map((path) => join("dist", path.replace(/\.ts$/, ".js")));
process.exitCode = run(process.execPath, "--enable-source-maps", "--test", ...options, ...compiled);

/** `test/a.test.ts` for that, for `dist/test/a.test.js`, and for both from anywhere. */
function toSource(file) {
  return relative(ROOT, resolve(file))
    .replace(/^dist[/\\]/, "")
    .replace(/\.js$/, ".ts");
}

function run(command, ...args) {
  return spawnSync(command, args, { cwd: ROOT, stdio: "inherit" }).status ?? 1;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
