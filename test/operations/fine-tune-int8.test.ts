import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { InterruptedError } from "../../src/errors.js";
import { kernelsOn } from "../../src/features/kernels.js";
import { observeRanges } from "../../src/features/observe-ranges.js";
import { resolveFinetune } from "../../src/finetune/config.js";
import { openTunable } from "../../src/finetune/tunable.js";
import { loadCheckpoint } from "../../src/head/checkpoint.js";
import { describeFile } from "../../src/models/file-model.js";
import { prepareBackbone } from "../../src/onnx/prepare.js";
import { evaluate } from "../../src/operations/evaluate.js";
import { train } from "../../src/operations/train.js";
import { openTiles } from "../../src/tiles/sources.js";
import type { Tile } from "../../src/tiles/tile.js";
import { tuningFingerprint } from "../../src/training/finetune-states.js";
import type { TrainOptions } from "../../src/training/settings.js";
import type { TrainSummary } from "../../src/training/summary.js";
import { suiteFolder } from "../helpers.js";
import { learntBytes, writeTinyTraining } from "../training/tiny-backbone.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const finetune = { epochs: 12, learningRate: 0.05 };
const model = join(folder, "integers");
let options: Omit<TrainOptions, "out">;
let summary: TrainSummary;

before(async () => {
  options = { ...(await writeTinyTraining(folder, 120)), workers: 1, finetune, precision: "int8" };
  summary = await train({ ...options, out: model });
});

test("a backbone is fine-tuned, and the model computes with integers", async () => {
  assert.ok(summary.finetune?.kept);
  assert.ok(summary.finetune.f2After > summary.finetune.f2Before + 0.01);
  assert.deepEqual([summary.precision, summary.kernels], ["int8", kernelsOn("cpu").kernels]);
  assert.equal(summary.f2, summary.finetune.f2After);
  const scores = await evaluate({ model, tiles: options.tiles, labels: options.labels, device: "cpu" });
  assert.ok(scores.f2 > 0.9, `${scores.f2}`);
});

test("its ranges are those of the tuned network over all tiles", async () => {
  const { card, precision } = await loadCheckpoint(model);
  assert.equal(precision, "int8");
  const opened = await openTiles(options.tiles);
  const tiles: Tile[] = [];
  for await (const tile of opened.list()) tiles.push(tile);
  await opened.close();
  const prepared = prepareBackbone(readFileSync(join(model, "backbone.onnx")), card, 16);
  assert.deepEqual(card.ranges, await observeRanges(tiles, { model: prepared, size: 16 }));
});

test("stopped and resumed, it ends with the same bytes", async () => {
  const out = join(folder, "stopped");
  for (const steps of [9, 70]) {
    const stop = new AbortController();
    let left = steps;
    const onProgress = ({ stage }: { stage: string }) => {
      if (stage === "fine-tune" && --left === 0) stop.abort();
    };
    const running = train({ ...options, out, resume: true }, { signal: stop.signal, onProgress });
    await assert.rejects(running, InterruptedError);
  }
  await train({ ...options, out, resume: true });
  assert.deepEqual(learntBytes(out), learntBytes(model));
});

test("what is kept of another precision is not gone on from", () => {
  const config = resolveFinetune(finetune, 1);
  const all = [["fp32"], ["int8"], ["fp32", "int8"]] as const;
  const fingerprints = all.map((each) => tuningFingerprint("head", "backbone", config, each));
  assert.equal(new Set(fingerprints).size, 3);
});

test("a tuned backbone has no ranges but its own", () => {
  const path = options.backbone as string;
  const bytes = readFileSync(path);
  const card = {
    ...describeFile(bytes, path, { normalisation: "unit" }),
    ranges: { other: [0, 1] as [number, number] },
  };
  const tunable = openTunable({ card, bytes }, 16, "all");
  assert.equal(tunable.save(tunable.weights).card.ranges, undefined);
  assert.deepEqual(tunable.save(tunable.weights, { own: [0, 2] }).card.ranges, { own: [0, 2] });
});

test("auto compares the tuned backbone with floats and with integers", async () => {
  const out = join(folder, "auto");
  const { precision, precisionChoice, finetune: tuned } = await train({ ...options, out, precision: "auto" });
  assert.ok(tuned?.kept && precisionChoice !== null);
  assert.equal(precisionChoice.precision, precision);
  const { card } = await loadCheckpoint(out);
  assert.equal(card.ranges !== undefined, precision === "int8");
  if (kernelsOn("cpu").kernels === "simulated") return assert.equal(precisionChoice.f2, null);
  assert.equal(precisionChoice.f2?.[precision], tuned.f2After);
});
