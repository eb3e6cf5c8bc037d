import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { synthesize } from "../../src/operations/synth.js";
import { train } from "../../src/operations/train.js";
import { temporaryFolder } from "../helpers.js";
import { watchThreads } from "../threads.js";

test("a training from disk whose rejects cannot be written leaves no thread behind", async (t) => {
  const root = temporaryFolder(t);
  process.env["CANOPY_CACHE"] = join(root, "cache");
  const tiles = join(root, "tiles");
  await synthesize({ count: 8, size: 32, workers: 1, out: tiles });
  writeFileSync(join(tiles, "synth_0.jpg"), "no picture");
  const out = join(root, "model");
  mkdirSync(`${out}.rejects.jsonl`);
  const alive = watchThreads(t);
  const options = { tiles, labels: join(tiles, "labels.csv"), out, size: 32, memory: 1, workers: 1 };
  await assert.rejects(train(options), { name: "WriteError", message: /rejects\.jsonl could not be written/ });
  assert.equal(alive.size, 0);
});
