/**
 * Breaks canopy on purpose, one mutation of mutations.ts at a time, in a copy of the working tree, and says which the named tests notice.
 *
 *   npm run mutate [-- WORD...]    only mutations whose description or file contains one of the words
 *
 * The copy lies in a temporary folder without ../shared: what is caught there is caught in any clone.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MUTATIONS, type Mutation } from "./mutations.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const copy = mkdtempSync(join(tmpdir(), "canopy-mutate-"));
process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
process.once("SIGINT", () => process.exit(130));

const words = process.argv.slice(2);
const wanted = MUTATIONS.filter(({ what, file }) => {
  return words.length === 0 || words.some((word) => what.includes(word) || file.includes(word));
});

copyTree();
if (!(await build())) throw new Error("The working tree does not build.");
for (const path of new Set(wanted.flatMap(({ tests }) => tests))) {
  if (!(await passes([path]))) throw new Error(`${path} fails without any mutation.`);
}
let caught = 0;
for (const mutation of wanted) {
  const outcome = await tryMutation(mutation);
  if (outcome === "caught") caught++;
  console.log(`${outcome.padEnd(12)} ${mutation.what}`);
}
console.log(`${caught} of ${wanted.length} caught`);
process.exitCode = caught === wanted.length ? 0 : 1;

/** What git knows or would add, and what was built here; node_modules is shared. */
function copyTree(): void {
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
  for (const path of list.toString().split("\0")) {
    if (path !== "" && existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(copy, path));
  }
  for (const path of ["build", "dist"]) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
}

/** `caught`, `missed`, `stale` (the code is not there, or more than once) or `unbuildable`. */
async function tryMutation({ file, from, to, tests }: Mutation): Promise<string> {
  const path = join(copy, file);
  const source = readFileSync(path, "utf8");
  if (source.split(from).length !== 2) return "stale";
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  const outcome = !(await build()) ? "unbuildable" : (await passes(tests)) ? "missed" : "caught";
  writeFileSync(path, source);
  return outcome;
}

/** What a mutation no longer uses is no error. */
async function build(): Promise<boolean> {
  const lenient = ["--noUnusedLocals", "false", "--noUnusedParameters", "false"];
  const compile = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json", ...lenient];
  return (await run("native/build.mjs")) && (await run(...compile));
}

function passes(tests: readonly string[]): Promise<boolean> {
  return run("--test", ...tests.map((path) => join("dist", path.replace(/\.ts$/, ".js"))));
}

/** Whether Node ends well with `args`. A mutation may make it wait for ever, which is noticed, too. */
async function run(...args: string[]): Promise<boolean> {
  const stdio = process.env["CANOPY_DEBUG"] ? "inherit" : "ignore";
  const [status] = await once(spawn(process.execPath, args, { cwd: copy, stdio, timeout: 600_000 }), "close");
  return status === 0;
}
