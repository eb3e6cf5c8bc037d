import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { saveToyModel, writeToyTiles } from "../engine/toy.js";
import { runCli, temporaryFolder } from "../helpers.js";

/** The files of modules that a command loads, thread by thread, the main thread's first. */
function modulesOf(args: string[], folder: string): string[][] {
  mkdirSync(folder);
  const { status, stderr } = runCli(args, { env: { NODE_V8_COVERAGE: folder } });
  assert.equal(status, 0, stderr);
  const threads = readdirSync(folder).map((name) => {
    const { result } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { result: { url: string }[] };
    return result.map(({ url }) => url).filter((url) => url.startsWith("file:"));
  });
  return threads.sort((a, b) => b.length - a.length);
}

test("one tile is tagged by three threads that load what they use", async (t) => {
  const root = temporaryFolder(t);
  const { model, backbone } = await saveToyModel(root);
  await writeToyTiles(join(root, "tiles"), 1);
  const args = ["predict", join(root, "tiles"), "--model", model, "--backbone", backbone, "--overwrite", "--out"];
  // The first run tries the backbone out and prepares it.
  modulesOf([...args, join(root, "tags.csv")], join(root, "first"));
  const threads = modulesOf([...args, join(root, "tags.csv")], join(root, "second"));
  // The main thread, a decode worker and a session.
  assert.equal(threads.length, 3);
  const [main, ...others] = threads;
  const unused = /cli\/(train|bench|report)|cli-progress|bufbuild|echarts|sharp|training\/|finetune\/|parquet/;
  assert.deepEqual(
    threads.flat().filter((url) => unused.test(url)),
    [],
  );
  assert.ok(main.length < 260, `${main.length} modules`);
  assert.ok(others.flat().length < 80, `${others.flat().length} modules`);
});
