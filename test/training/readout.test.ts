import assert from "node:assert/strict";
import { test } from "node:test";
import { logit } from "../../src/head/head.js";
import { createRandom } from "../../src/random.js";
import { chooseExclusive } from "../../src/training/readout.js";

const TAGS = ["clear", "cloudy", "haze", "road"];

/** Unseen logits of made-up tiles: each has one kind of weather, and perhaps a road. `noise` hides which. */
function madeUp(seed: number, noise: number, rows = 300) {
  const random = createRandom(seed);
  const data = new Uint8Array(rows * TAGS.length);
  const logits = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    data[row * TAGS.length + random.below(3)] = 1;
    data[row * TAGS.length + 3] = random.below(2);
    for (let tag = 0; tag < TAGS.length; tag++) {
      const cell = row * TAGS.length + tag;
      logits[cell] = 4 * data[cell] - 2 + noise * (random.uniform() - 0.5);
    }
  }
  const labels = { tags: TAGS, rows, data };
  const given = { rows: Uint32Array.from({ length: rows }, (_, row) => row), measuredOn: "out-of-fold" as const };
  return { ...given, logits, labels, folds: Uint8Array.from({ length: rows }, (_, row) => row % 5) };
}

test("groups that the labels show are kept although they gain a little or cost a little, resampled as often as one likes", () => {
  const chosen = Array.from({ length: 20 }, (_, seed) => chooseExclusive(madeUp(seed, 4.1), { exclusive: "auto" }));
  const gains = chosen.map(({ exclusiveGain }) => exclusiveGain ?? Number.NaN);
  const kept = chosen.map(({ exclusive }) => exclusive.length === 1);
  assert.ok(gains.some((gain) => gain <= 0) && gains.some((gain) => gain > 0), gains.join(" "));
  assert.deepEqual(
    kept,
    gains.map((gain) => gain > -0.005),
  );
  assert.ok(kept.filter(Boolean).length >= 18, gains.join(" "));
});

test("where a tile gets one tag of a group, its margin is the distance to the best other one", () => {
  const unseen = madeUp(1, 4.1, 60);
  const { probabilities, decisions, margins } = chooseExclusive(unseen, { exclusive: [TAGS.slice(0, 3)] }).crossFitted;
  for (let row = 0; row < 60; row++) {
    const own = probabilities.subarray(row * TAGS.length, row * TAGS.length + 3);
    for (const [column, value] of own.entries()) {
      const cell = row * TAGS.length + column;
      const best = Math.max(...own.filter((_, other) => other !== column));
      assert.ok(Math.abs(margins[cell] - (logit(value) - logit(best))) < 1e-3, `${margins[cell]}`);
      assert.equal(margins[cell] >= 0, decisions[cell] === 1);
    }
  }
});
