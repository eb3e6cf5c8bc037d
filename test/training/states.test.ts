import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { InterruptedError } from "../../src/errors.js";
import { type GradientConfig, resolveHeadConfig } from "../../src/head/config.js";
import { trainHead } from "../../src/head/train.js";
import { resolveTrainSettings } from "../../src/training/settings.js";
import { fingerprintOf, forgetStates, keepStates } from "../../src/training/states.js";
import type { TrainingStates } from "../../src/training/trainings.js";
import { temporaryFolder } from "../helpers.js";

/** Where a small training stands after an epoch. */
async function someState() {
  const features = { data: Float32Array.from({ length: 30 }, (_, i) => Math.sin(i)), rows: 10, numFeatures: 3 };
  const labels = { data: Uint8Array.from({ length: 20 }, (_, i) => i % 2), rows: 10, tags: ["a", "b"] };
  const config = resolveHeadConfig({ optimizer: "adam", epochs: 1 }) as GradientConfig;
  return (await trainHead(features, labels, config)).state!;
}

/** Interrupts a fit that stands at `state`; the file that is left. */
async function interrupt(out: string) {
  const state = await someState();
  const interrupted = keepStates({ out, fingerprint: "this", resume: false }, {}, async (states) => {
    states.set("fold 2", state);
    throw new InterruptedError();
  });
  await assert.rejects(interrupted, InterruptedError);
  return { state, file: `${out}.training` };
}

/** What a fit that goes on is given, and what it is warned of. */
async function resumed(out: string, fingerprint = "this", resume = true) {
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  const states = await keepStates({ out, fingerprint, resume }, { onWarning }, async (given) => given);
  return { states, warnings };
}

test("an interrupted fit is given the states it left, and none once they are forgotten", async (t) => {
  const out = join(temporaryFolder(t), "model");
  const { state } = await interrupt(out);
  assert.deepEqual(await resumed(out), { states: new Map([["fold 2", state]]), warnings: [] });
  assert.deepEqual(await resumed(out, "this", false), { states: new Map(), warnings: [] });
  await forgetStates(out);
  assert.deepEqual(await resumed(out), { states: new Map(), warnings: [] });
});

test("the states of another training are left alone, with a warning", async (t) => {
  const out = join(temporaryFolder(t), "model");
  await interrupt(out);
  const { states, warnings } = await resumed(out, "that");
  assert.equal(states.size, 0);
  assert.match(warnings.join(), /model\.training is of a training on other tiles, labels or settings/);
});

test("a damaged file of states is told, whatever is wrong about it, and not used", async (t) => {
  const out = join(temporaryFolder(t), "model");
  const { file } = await interrupt(out);
  const good = readFileSync(file);
  const broken = (change: (saved: { fingerprint: unknown; states: TrainingStates }) => unknown) =>
    serialize(change(deserialize(good)));
  const changed = (key: string, value: unknown) =>
    broken((saved) => {
      const state = saved.states.get("fold 2")!;
      return { ...saved, states: new Map([["fold 2", { ...state, [key]: value }]]) };
    });
  const wrong = [
    Buffer.alloc(0),
    good.subarray(0, 100),
    serialize(undefined),
    serialize({}),
    broken(({ states }) => ({ fingerprint: "this", states: [...states.values()] })),
    broken((saved) => ({ ...saved, states: new Map([["fold", saved.states.get("fold 2")]]) })),
    changed("weight", [1, 2, 3, 4, 5, 6]),
    changed("weight", new Float64Array(6)),
    changed("bias", null),
    changed("moments", [[1]]),
    changed("epoch", -1),
    changed("epoch", "1"),
    changed("iterations", undefined),
    changed("config", "adam"),
    changed("history", [{ epoch: 1 }]),
  ];
  for (const [i, bytes] of wrong.entries()) {
    writeFileSync(file, bytes);
    const { states, warnings } = await resumed(out);
    assert.deepEqual([states.size, warnings.length], [0, 1], `case ${i}`);
    assert.match(warnings[0], /model\.training cannot be read, so the head is trained from the start/);
  }
  assert.ok(existsSync(file));
});

test("a training is another one where its tiles, labels, settings or features on disk are others", () => {
  const settings = resolveTrainSettings({ tiles: "t", labels: "l", out: "o", head: { optimizer: "adam" } });
  const source = { rows: 1, numFeatures: 1, windowRows: 1, read: async () => new Float32Array(1) };
  const dataset = {
    labels: { data: Uint8Array.of(1), rows: 1, tags: ["a"] },
    tiles: [{ name: "a", path: "a.png" }],
    features: [],
    stored: { ...source, fingerprint: "of these tiles" },
  };
  const print = (changes: object, fit: object = {}) =>
    fingerprintOf({ ...dataset, ...changes }, { ...settings.fit, ...fit }, settings.fit.headOnDisk);
  assert.equal(print({}), print({}));
  const others: [object, object?][] = [
    [{ stored: { ...source, fingerprint: "of others" } }],
    [{ stored: undefined, features: [{ data: Float32Array.of(1), rows: 1, numFeatures: 1 }] }],
    [{ tiles: [{ name: "b", path: "a.png" }] }],
    [{ labels: { ...dataset.labels, data: Uint8Array.of(0) } }],
    [{ validation: Uint32Array.of(0) }],
    [{}, { holdOut: 0.3 }],
    [{}, { tta: "d4" }],
  ];
  const prints = others.map(([changes, fit]) => print(changes, fit));
  assert.equal(new Set([...prints, print({})]).size, others.length + 1);
});
