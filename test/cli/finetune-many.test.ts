/** Fine-tuning with more tiles than are worth five folds: one training, scored on the tiles held out from it. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createRandom } from "../../src/random.js";
import { runCli, temporaryFolder } from "../helpers.js";
import { encode } from "../images.js";
import { SIDE, writeTinyBackbone } from "../training/tiny-backbone.js";

const TILES = 4100;
const PICTURES = 60;

/** Forest or water, whose colours the backbone does not see at first. */
async function writeMany(folder: string): Promise<void> {
  const pictures = join(folder, "pictures");
  mkdirSync(pictures);
  for (let i = 0; i < PICTURES; i++) {
    const random = createRandom(5, i);
    const colour = i % 2 === 0 ? [100, 170, 100] : [100, 100, 170];
    const pixels = Buffer.from(Array.from({ length: SIDE ** 2 * 3 }, (_, at) => colour[at % 3] + random.below(60)));
    writeFileSync(join(pictures, `${i}.jpg`), await encode(pixels, SIDE, 3, "jpeg"));
  }
  mkdirSync(join(folder, "tiles"));
  const rows = ["image_name,tags"];
  for (let i = 0; i < TILES; i++) {
    copyFileSync(join(pictures, `${i % PICTURES}.jpg`), join(folder, `tiles/tile${i}.jpg`));
    rows.push(`tile${i},${i % 2 === 0 ? "forest" : "water"}`);
  }
  writeFileSync(join(folder, "labels.csv"), `${rows.join("\n")}\n`);
}

test("with thousands of tiles there is one training, and the scores are those of the tiles held out", async (t) => {
  const folder = temporaryFolder(t);
  await writeMany(folder);
  const out = join(folder, "model");
  const input = ["--tiles", join(folder, "tiles"), "--labels", join(folder, "labels.csv"), "--size", String(SIDE)];
  const backbone = ["--backbone", writeTinyBackbone(folder), "--normalisation", "unit", "--device", "cpu"];
  const tuning = ["--finetune", "--finetune-epochs", "2", "--finetune-lr", "0.02"];
  const env = { CANOPY_CACHE: join(folder, "cache") };
  const run = runCli(["train", ...input, ...backbone, ...tuning, "--out", out, "--json"], { env });
  assert.equal(run.status, 0, run.stderr);
  const summary = JSON.parse(run.stdout);
  assert.ok(summary.finetune.kept, run.stdout);
  assert.equal(summary.finetune.epochs, 2);
  assert.ok(summary.finetune.f2_after > summary.finetune.f2_before + 0.05, run.stdout);
  assert.equal(summary.f2, summary.finetune.f2_after);
  // A fifth of the pictures, each with all its copies.
  assert.equal(summary.measured_on, "818 held-out tiles");
  // One row an epoch, each with scores of tiles that were not learnt.
  const [, ...epochs] = readFileSync(join(out, "history.csv"), "utf8").trim().split("\n");
  assert.equal(epochs.length, 2);
  const evaluated = runCli(["evaluate", ...input.slice(0, 4), "--model", out, "--json"], { env });
  assert.equal(evaluated.status, 0, evaluated.stderr);
  assert.ok(JSON.parse(evaluated.stdout).f2 > 0.95, evaluated.stdout);
});
