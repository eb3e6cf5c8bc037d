/** The files of a model's folder: a model of finite numbers that can be written as JSON, or one sentence. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CanopyError } from "../../../src/errors.js";
import { loadCheckpoint } from "../../../src/head/checkpoint.js";
import { tagFeatures } from "../../../src/tags/prediction.js";
import { jsonRows } from "../../../src/tags/rows.js";
import { saveToyModel } from "../../engine/toy.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = ["F32", "F16", '"data_offsets":[0,4]', "epoch,loss", "1e308", "null", '"thresholds"', '"tags"'];

export async function modelArea(folder: string): Promise<Area> {
  const { model } = await saveToyModel(folder);
  const names = ["model.json", "head.safetensors", "history.csv"];
  const seeds = names.map((name) => ({ name, bytes: readFileSync(join(model, name)) }));
  return { seeds, words: WORDS, read: (file) => read(model, seeds, file) };
}

async function read(folder: string, good: readonly Seed[], file: Seed): Promise<string> {
  for (const { name, bytes } of good) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, file.name), file.bytes);
  if (file.name !== "model.json") sign(join(folder, "model.json"), file);
  try {
    const checkpoint = await loadCheckpoint(folder);
    const { head, thresholds, tags } = checkpoint;
    assert.ok([...head.weight, ...head.bias].every(Number.isFinite));
    assert.ok(thresholds.every((threshold) => threshold >= 0 && threshold <= 1));
    assert.ok(
      tags.every((tag) => !/\p{Cc}/u.test(tag)),
      JSON.stringify(tags),
    );
    const features = Float32Array.from({ length: head.numFeatures }, (_, i) => 255 * (i % 2));
    const rows = await tagFeatures(checkpoint, thresholds, features, 1);
    const predictions = rows.map((row) => ({ ...row, name: "t", path: "t.jpg" }));
    JSON.parse(jsonRows({ tags, probabilities: true }).rows(predictions));
    return `${file.name} read: ${tags.length}`;
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    assert.ok(error.message.includes(folder), error.message);
    return kindOf(error.message);
  }
}

/** A stranger writes the hash of the file that he has changed, too. */
function sign(path: string, { name, bytes }: Seed): void {
  const model = JSON.parse(readFileSync(path, "utf8"));
  model.files[name.startsWith("head") ? "head" : "history"] = createHash("sha256").update(bytes).digest("hex");
  writeFileSync(path, JSON.stringify(model));
}
