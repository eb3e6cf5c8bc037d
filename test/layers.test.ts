import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { test } from "node:test";
import { ROOT } from "./helpers.js";

const SRC = join(ROOT, "src");

/** Ranks as docs/architecture.md declares them, so that the page and the rule cannot part. */
function readRanks(): Map<string, number> {
  const ranks = new Map<string, number>([["", -1]]);
  const page = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
  for (const match of page.matchAll(/^\| (\d+) \| `src\/([a-z-]+)\/`/gm)) {
    ranks.set(match[2], Number(match[1]));
  }
  return ranks;
}

function folderOf(file: string): string {
  const parts = relative(SRC, file).split(sep);
  return parts.length === 1 ? "" : parts[0];
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map((match) =>
    resolve(dirname(file), match[1].replace(/\.js$/, ".ts")),
  );
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join(SRC, name));

test("every folder of src has a rank in docs/architecture.md", () => {
  const ranks = readRanks();
  assert.deepEqual(
    [...new Set(files.map(folderOf))].filter((folder) => !ranks.has(folder)),
    [],
  );
});

test("imports run only to the own folder or to lower ranks", () => {
  const ranks = readRanks();
  const wrong: string[] = [];
  for (const file of files) {
    // index.ts stands at the top: it re-exports everything
    const rank = file === join(SRC, "index.ts") ? Number.POSITIVE_INFINITY : ranks.get(folderOf(file))!;
    for (const target of importsOf(file)) {
      const folder = folderOf(target);
      const allowed = folder === folderOf(file) || ranks.get(folder)! < rank;
      if (!allowed) {
        wrong.push(`${relative(SRC, file)} -> ${relative(SRC, target)}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("no files import each other in a circle, types included", () => {
  assert.deepEqual(findCircles(new Map(files.map((file) => [file, importsOf(file)]))), []);
});

test("a circle of imports is found, whatever leads into it", () => {
  const imports = { entry: ["a"], a: ["b"], b: ["c", "leaf"], c: ["a"], leaf: [] };
  assert.deepEqual(findCircles(new Map(Object.entries(imports))), ["a -> b -> c -> a"]);
});

/** One circle for each import that leads back to a file on the way to it, depth first. */
function findCircles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at !== -1) circles.push([...way.slice(at), file].map((each) => each.replace(`${SRC}${sep}`, "")).join(" -> "));
    if (at !== -1 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return circles;
}

test("only the binding files of the addon include N-API", () => {
  const including = readdirSync(join(ROOT, "native"))
    .filter((name) => /\.(cc|h)$/.test(name))
    .filter((name) => readFileSync(join(ROOT, "native", name), "utf8").includes("<napi.h>"));
  assert.deepEqual(
    including.filter((name) => !/^(addon|binding)/.test(name)),
    [],
  );
});
