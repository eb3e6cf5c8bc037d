import assert from "node:assert/strict";
import { test } from "node:test";
import type { Head } from "../../src/head/head.js";
import { type LabelMatrix, selectLabels } from "../../src/tiles/label-matrix.js";
import { kFold, rowsWithout, splitRows } from "../../src/tiles/split.js";
import { planFinetune } from "../../src/training/finetune-plan.js";
import type { FittedWeights } from "../../src/training/fitted-weights.js";
import type { TrainingName } from "../../src/training/trainings.js";

const HEAD: Head = { weight: new Float32Array(4), bias: new Float32Array(2), numFeatures: 2, numTags: 2 };

function labelsOf(rows: number): LabelMatrix {
  return { tags: ["a", "b"], rows, data: Uint8Array.from({ length: rows * 2 }, (_, i) => (i % 3 === 0 ? 1 : 0)) };
}

/** What cross-validation leaves; the tiles of `validation` are in no training. */
function frozen(labels: LabelMatrix, validation?: Uint32Array): FittedWeights {
  const split = validation
    ? { train: rowsWithout(labels.rows, validation), heldOut: validation }
    : splitRows(labels, 0.2, 1);
  const rows = validation ? split.train : rowsWithout(labels.rows, new Uint32Array());
  const own = selectLabels(labels, rows);
  const names: TrainingName[] = ["history", "fold 1", "fold 2", "fold 3", "fold 4", "fold 5"];
  const logits = new Float32Array(rows.length * 2);
  return {
    head: HEAD,
    heads: new Map(names.map((name) => [name, { head: { ...HEAD } }])),
    history: [],
    split,
    unseen: { rows, logits, labels: own, folds: kFold(own, 5, 1), measuredOn: "out-of-fold" },
    heldOutLogits: new Float32Array(split.heldOut.length * 2).fill(1),
  };
}

test("few tiles are tuned in the folds of the frozen head, each with that fold's head, then all together", () => {
  const labels = labelsOf(100);
  const weights = frozen(labels);
  const { watched, final, unseen } = planFinetune(labels, weights, 1);
  assert.equal(unseen, weights.unseen);
  assert.equal(watched.length, 5);
  const all = watched.flatMap(({ scored }) => [...scored]).sort((a, b) => a - b);
  assert.deepEqual(all, [...weights.unseen.rows]);
  for (const { name, train, watched: own, frozen: start } of watched) {
    assert.equal(train.length + own.length, 100);
    assert.ok([...own].every((row) => !train.includes(row)));
    assert.equal(start, weights.heads.get(name));
  }
  assert.equal(final?.train.length, 100);
  assert.equal(final.watched.length + final.scored.length, 0);
});

test("tiles for validation are learnt by no training, and scored by the last", () => {
  const labels = labelsOf(100);
  const validation = Uint32Array.from({ length: 20 }, (_, i) => i * 5);
  const { watched, final } = planFinetune(labels, frozen(labels, validation), 1);
  for (const { train } of [...watched, ...(final ? [final] : [])]) {
    assert.ok(validation.every((row) => !train.includes(row)));
  }
  assert.deepEqual(final?.scored, validation);
  assert.equal(final.train.length, 80);
});

test("with many tiles there is one training, without the tiles that were held out, and they give the scores", () => {
  const labels = labelsOf(4500);
  const weights = frozen(labels);
  const { watched, final, unseen } = planFinetune(labels, weights, 1);
  assert.equal(final, undefined);
  assert.equal(watched.length, 1);
  assert.deepEqual(watched[0].train, weights.split.train);
  assert.deepEqual(watched[0].scored, weights.split.heldOut);
  assert.equal(watched[0].frozen, weights.heads.get("history"));
  assert.equal(unseen.measuredOn, "hold-out");
  assert.equal(unseen.logits, weights.heldOutLogits);
  assert.equal(new Set(unseen.folds).size, 5);
});

test("nor is there if the held-out tiles are too few different ones: folds of them would be empty", () => {
  const labels = labelsOf(4500);
  const weights = frozen(labels);
  const groups = Uint32Array.from({ length: 4500 }, (_, row) => row);
  for (const row of weights.split.heldOut) groups[row] = weights.split.heldOut[row % 4];
  const { watched } = planFinetune({ ...labels, groups }, weights, 1);
  assert.equal(watched.length, 5);
});
