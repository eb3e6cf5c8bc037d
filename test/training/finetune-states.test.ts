import assert from "node:assert/strict";
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TuneState } from "../../src/finetune/tune.js";
import { FinetuneStates } from "../../src/training/finetune-states.js";
import { temporaryFolder } from "../helpers.js";

function stateOf(step: number): TuneState {
  const values = new Map([["w", new Float32Array(1000)]]);
  const engine = { steps: step, weights: values, firstMoments: values, secondMoments: values };
  return { epoch: 0, step, lossSum: 0, engine, average: { count: 0 }, history: [], last: undefined, best: undefined };
}

test("states are written when it is due, and the last one when it is saved", async (t) => {
  let clock = 0;
  t.mock.method(performance, "now", () => clock);
  const out = join(temporaryFolder(t), "model");
  const open = (resume: boolean) => FinetuneStates.open(out, "this one", resume, {});
  const states = await open(false);
  const written = async () => (await open(true)).running("final")?.step;
  await states.keep("final", stateOf(1));
  assert.equal(await written(), 1);
  await states.keep("final", stateOf(2));
  assert.equal(await written(), 1);
  await states.save();
  assert.equal(await written(), 2);
  clock = 1e6;
  await states.keep("final", stateOf(3));
  assert.equal(await written(), 3);
});

test("states of another fine-tuning are not taken, and it says so", async (t) => {
  const out = join(temporaryFolder(t), "model");
  const states = await FinetuneStates.open(out, "this one", false, {});
  await states.keep("fold 1", stateOf(1));
  const warnings: string[] = [];
  const other = await FinetuneStates.open(out, "another", true, { onWarning: (message) => warnings.push(message) });
  assert.equal(other.running("fold 1"), undefined);
  assert.match(warnings.join(), /of a training on other tiles or settings/);
});

test("where a state cannot be written, it is said once, the last one stays due, and the next one is tried", async (t) => {
  let clock = 0;
  t.mock.method(performance, "now", () => clock);
  const out = join(temporaryFolder(t), "model");
  const warnings: string[] = [];
  const states = await FinetuneStates.open(out, "this one", false, { onWarning: (message) => warnings.push(message) });
  const part = { logits: new Map(), epoch: 1, history: [] };
  mkdirSync(`${out}.finetune`);
  await states.keep("fold 1", stateOf(1));
  assert.equal(states.isDue(), false);
  await states.finish("fold 1", part);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^A folder is in its place: \S+model\.finetune, the state .* The training goes on/);
  await assert.rejects(states.save(), { name: "WriteError" });

  rmdirSync(`${out}.finetune`);
  await states.save();
  assert.ok((await FinetuneStates.open(out, "this one", true, {})).done.has("fold 1"));
  clock = 1e6;
  await states.keep("fold 2", stateOf(2));
  assert.equal((await FinetuneStates.open(out, "this one", true, {})).running("fold 2")?.step, 2);
});
