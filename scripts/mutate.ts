/**
 * Breaks canopy on purpose, one mutation of mutations.ts at a time, in a copy of the working tree, and says which the named tests notice.
 *
 *   npm run mutate [-- WORD...]    only mutations whose description or file contains one of the words
 *
 * The copy lies in a temporary folder without ../shared: what is caught there is caught in any clone.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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
if (!build()) throw new Error("The working tree does not build.");
const failing = [...new Set(wanted.flatMap(({ tests }) => tests))].filter((path) => !passes([path]));
if (failing.length > 0) throw new Error(`Fails without any mutation: ${failing.join(", ")}`);

const outcomes = wanted.map((mutation) => {
  const outcome = tryMutation(mutation);
  console.log(`${outcome.padEnd(12)} ${mutation.what}`);
  return outcome;
});
const caught = outcomes.filter((outcome) => outcome === "caught").length;
console.log(`${caught} of ${outcomes.length} caught`);
process.exitCode = caught === outcomes.length ? 0 : 1;

/** What git knows or would add, and what was built here; node_modules is shared. */
function copyTree(): void {
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
  for (const path of list.toString().split("\0").filter(Boolean)) cpSync(join(ROOT, path), join(copy, path));
  for (const path of ["build", "dist"]) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
}

/** `caught`, `missed`, `stale` (the code is not there, or more than once) or `unbuildable`. */
function tryMutation({ file, from, to, tests }: Mutation): string {
  const path = join(copy, file);
  const source = readFileSync(path, "utf8");
  if (source.split(from).length !== 2) return "stale";
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  try {
    if (!build()) return "unbuildable";
    return passes(tests) ? "missed" : "caught";
  } finally {
    writeFileSync(path, source);
  }
}

/** What a mutation no longer uses is no error. */
function build(): boolean {
  const lenient = ["--noUnusedLocals", "false", "--noUnusedParameters", "false"];
  return run("native/build.mjs") && run("node_modules/typescript/bin/tsc", "-p", "tsconfig.json", ...lenient);
}

function passes(tests: readonly string[]): boolean {
  return run("--test", ...tests.map((path) => join("dist", path.replace(/\.ts$/, ".js"))));
}

function run(...args: string[]): boolean {
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: copy, encoding: "utf8" });
  if (process.env["CANOPY_DEBUG"]) console.log(stdout);
  return status === 0;
}
