/** A network of an old operator set, as files of model zoos are: what needs a newer one works all the same. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadAddon } from "../../src/addon.js";
import { loadCheckpoint } from "../../src/head/checkpoint.js";
import { exportModel } from "../../src/operations/export.js";
import { quantize } from "../../src/operations/quantize.js";
import { train } from "../../src/operations/train.js";
import { suiteFolder } from "../helpers.js";
import { writeTinyTraining } from "../training/tiny-backbone.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");

test("a network of set 7 is fine-tuned by the native engine, exported, and quantised", async () => {
  const options = await writeTinyTraining(folder, 60, 7);
  const { tiles, labels } = options;
  const notices: string[] = [];
  const out = join(folder, "model");
  const finetune = { epochs: 20, learningRate: 0.05 };
  const summary = await train({ ...options, out, finetune }, { onNotice: (notice) => notices.push(notice) });
  assert.ok(summary.finetune?.kept, JSON.stringify(summary.finetune));
  assert.ok(notices.some((notice) => notice === "Fine-tuning by native kernels.") || loadAddon() === undefined);
  assert.equal((await loadCheckpoint(out)).card.file, "backbone.onnx");
  await exportModel({ model: out, out: join(folder, "model.onnx") });
  const quantized = await quantize({ model: out, out: join(folder, "int8"), tiles, labels });
  assert.ok(quantized.integer > 0, JSON.stringify(quantized));
});
