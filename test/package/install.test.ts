/** The package as others get it: whether it can be imported by everybody, and whether what the pages and examples show compiles and runs. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import type { TagResult } from "../../src/tagger/results.js";
import { saveToyModel, writeToyTiles } from "../engine/toy.js";
import { ROOT, suiteFolder } from "../helpers.js";
import { installPackage, snippetsOf } from "./install.js";

const folder = suiteFolder();
const { project, tarball } = installPackage(folder);
const PAGES = ["README.md", "docs/api.md"];
const EXAMPLES = ["examples/node/server.ts"];
let model: string;
const tile = join(folder, "tiles/tile_000000.jpg");
let tags: string[] | undefined;

before(async () => {
  ({ model } = await saveToyModel(folder));
  tags = (await writeToyTiles(join(folder, "tiles"), 1)).get("tile_000000");
});

test("publint finds nothing to complain of", async () => {
  const { messages } = await publint({
    pkgDir: join(project, "node_modules/canopy-tagger"),
    pack: false,
    strict: true,
  });
  assert.deepEqual(messages, []);
});

test("types resolve for every kind of importer; only CommonJS gets an ES module, which Node can require", async () => {
  const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  assert.ok(result.types !== false);
  assert.deepEqual(
    result.problems.map(({ kind }) => kind),
    ["CJSResolvesToESM"],
  );
});

test("pages of the package link only to files that are in it", () => {
  const own = join(project, "node_modules/canopy-tagger");
  const pages = readdirSync(own, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".md"));
  assert.ok(pages.length >= 15);
  const dead = pages.flatMap((page) =>
    relativeLinks(readFileSync(join(own, page), "utf8"))
      .filter((link) => !existsSync(join(own, dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  );
  assert.deepEqual(dead, []);
});

function relativeLinks(text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target]) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

const WAYS = [
  { compiler: "typescript5", moduleResolution: "NodeNext", module: "NodeNext" },
  { compiler: "typescript", moduleResolution: "NodeNext", module: "NodeNext" },
  { compiler: "typescript", moduleResolution: "Node16", module: "Node16" },
  { compiler: "typescript", moduleResolution: "Bundler", module: "ESNext" },
];

for (const { compiler, moduleResolution, module } of WAYS) {
  test(`snippets and examples compile with ${compiler} under ${moduleResolution}, library declarations checked`, () => {
    const source = join(project, "source");
    mkdirSync(source, { recursive: true });
    const snippets = PAGES.flatMap((page) =>
      snippetsOf(page).map((code, i) => [`${page.replace(/\W/g, "_")}_${i}.ts`, code]),
    );
    assert.ok(snippets.length >= 6);
    for (const [name, code] of snippets) writeFileSync(join(source, name), code);
    for (const example of EXAMPLES) cpSync(join(ROOT, example), join(source, example.split("/").at(-1) ?? ""));
    const compilerOptions = {
      target: "ES2022",
      lib: ["ES2023", "ESNext.Disposable"],
      module,
      moduleResolution,
      strict: true,
    };
    const config = { ...compilerOptions, skipLibCheck: false, rootDir: "source", outDir: "built", types: ["node"] };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: config, include: ["source"] }));
    const tsc = join(ROOT, "node_modules", compiler, "bin/tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
    assert.equal(stdout, "");
    assert.equal(status, 0);
  });
}

test("import and require give the same, and the program ends when the tagger is closed", () => {
  const body = `Tagger.open(${JSON.stringify(model)}, { device: "cpu" }).then(async (tagger) => {
    console.log(JSON.stringify(await tagger.tag([${JSON.stringify(tile)}])));
    await tagger.close();
  });`;
  const programs = {
    "run.mjs": 'import { Tagger } from "canopy-tagger";',
    "run.cjs": 'const { Tagger } = require("canopy-tagger");',
  };
  const outputs = Object.entries(programs).map(([name, head]) => {
    writeFileSync(join(project, name), `${head}\n${body}\n`);
    const run = spawnSync(process.execPath, [join(project, name)], { encoding: "utf8", timeout: 60_000 });
    assert.equal(run.status, 0, run.stderr);
    assert.equal(run.stderr, "");
    return run.stdout;
  });
  assert.deepEqual(JSON.parse(outputs[0])[0].tags, tags);
  assert.equal(outputs[1], outputs[0]);
});

test("a model is whole: copied, it predicts the same where the package has lost the backbones it comes with", () => {
  const own = join(project, "node_modules/canopy-tagger");
  const tiles = join(folder, "training");
  const env = { ...process.env, CANOPY_CACHE: join(folder, "empty cache") };
  const canopy = (...args: string[]) => {
    const run = spawnSync(process.execPath, [join(own, "dist/src/cli/main.js"), ...args, "--quiet"], {
      env,
      encoding: "utf8",
    });
    assert.equal(run.status, 0, run.stderr);
  };
  canopy("synth", "--count", "24", "--size", "64", "--out", tiles);
  canopy("train", "--tiles", tiles, "--labels", join(tiles, "labels.csv"), "--size", "64", "--out", join(folder, "m"));
  canopy("predict", tiles, "--model", join(folder, "m"), "--probabilities", "--out", join(folder, "before.csv"));
  renameSync(join(folder, "m"), join(folder, "moved"));
  renameSync(join(own, "models"), join(folder, "lost"));
  canopy("predict", tiles, "--model", join(folder, "moved"), "--probabilities", "--out", join(folder, "after.csv"));
  renameSync(join(folder, "lost"), join(own, "models"));
  assert.equal(readFileSync(join(folder, "after.csv"), "utf8"), readFileSync(join(folder, "before.csv"), "utf8"));
});

test("the example of a server tags what is posted to it, and ends cleanly", async () => {
  const server = spawn(process.execPath, [join(project, "built/server.js"), model, "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(server.stdout, "data");
  const url = `http://127.0.0.1:${JSON.parse(String(line)).port}/`;
  const post = async (body: string | Buffer) => {
    const response = await fetch(url, { method: "POST", body });
    return { status: response.status, ...((await response.json()) as TagResult) };
  };
  const [good, bad] = await Promise.all([post(readFileSync(tile)), post("no picture")]);
  assert.deepEqual([good.status, good.tags], [200, tags]);
  assert.deepEqual([bad.status, bad.error?.code], [422, "FORMAT"]);
  server.kill("SIGTERM");
  assert.deepEqual(await once(server, "exit"), [0, null]);
});
