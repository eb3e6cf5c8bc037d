import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { saveToyModel, writeToyTiles } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";

const folder = suiteFolder();
const tile = join(folder, "tiles/tile_000000.jpg");
let model: string;
let tags: string[] | undefined;

before(async () => {
  ({ model } = await saveToyModel(folder));
  tags = (await writeToyTiles(join(folder, "tiles"), 1)).get("tile_000000");
});

test("it works in a realm of its own, as test runners make one, with arrays of both realms", () => {
  const program = fileURLToPath(new URL("./realm-run.js", import.meta.url));
  const args = ["--experimental-vm-modules", "--no-warnings", program, model, tile];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 120_000 });
  assert.equal(status, 0, stderr);
  const { foreign, results } = JSON.parse(stdout);
  assert.equal(foreign, false, "Node's arrays are of another class there");
  const found = results.map(
    (result: { tags?: string[]; error?: { code: string } }) => result.error?.code ?? result.tags,
  );
  assert.deepEqual(found, [tags, tags, tags, ["red"], "FORMAT"]);
});

test("it works in a worker thread, which ends by itself when the tagger is closed", async () => {
  const index = new URL("../../src/index.js", import.meta.url).href;
  const program = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(${JSON.stringify(index)}).then(async ({ Tagger }) => {
      const tagger = await Tagger.open(workerData.model, { device: "cpu" });
      parentPort.postMessage(await tagger.tag([workerData.tile]));
      await tagger.close();
    });`;
  const worker = new Worker(program, { eval: true, workerData: { model, tile } });
  const [[[result]], [code]] = await Promise.all([once(worker, "message"), once(worker, "exit")]);
  assert.deepEqual(result.tags, tags);
  assert.equal(code, 0);
});
