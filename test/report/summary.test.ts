import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../src/random.js";
import { summarise } from "../../src/report/summary.js";

// Four tiles, two tags: a is right, right by a hair, a false alarm, missed; nobody has b.
const SCORED = {
  names: ["t0", "t1", "t2", "t3"],
  tags: ["a", "b"],
  probabilities: Float32Array.of(0.875, 0.25, 0.5, 0.25, 0.75, 0.25, 0.25, 0.25),
  labels: Uint8Array.of(1, 0, 1, 0, 0, 0, 1, 0),
  thresholds: [0.5, 0.5],
};

test("a tag's curve has the precision at every recall that is reached", () => {
  const [a, b] = summarise(SCORED).tags;
  assert.deepEqual(a.curve, [
    { threshold: 0.875, precision: 1, recall: 1 / 3 },
    { threshold: 0.5, precision: 2 / 3, recall: 2 / 3, chosen: true },
    { threshold: 0.25, precision: 3 / 4, recall: 1 },
  ]);
  assert.deepEqual(b.curve, []);
});

test("decisions made otherwise count everywhere, and the curve passes through what they reach", () => {
  // A fold decided more strictly: t1 was not given the tag, although its probability is above the threshold.
  const decisions = Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0);
  const ranking = Float32Array.of(0.9, 0.1, 0.4, 0.1, 0.6, 0.1, 0.2, 0.1);
  const { tags, coOccurrence, confusions } = summarise({ ...SCORED, decisions, ranking });
  assert.deepEqual([tags[0].hits.count, tags[0].falseAlarms.count, tags[0].misses.count], [1, 1, 2]);
  assert.equal(coOccurrence.predicted[0], 2);
  const chosen = tags[0].curve.find((point) => point.chosen);
  assert.deepEqual([chosen?.precision, chosen?.recall], [1 / 2, 1 / 3]);
  assert.deepEqual(confusions, [0, 0, 0, 0]);
});

test("a confusion is a tile that misses one tag and is wrongly given another", () => {
  const { confusions } = summarise({
    names: ["x", "y", "z"],
    tags: ["a", "b", "c"],
    probabilities: Float32Array.of(0, 1, 0, /**/ 0, 1, 1, /**/ 1, 0, 0),
    labels: Uint8Array.of(1, 0, 0, /**/ 1, 0, 1, /**/ 1, 0, 0),
    thresholds: [0.5, 0.5, 0.5],
  });
  assert.deepEqual(confusions, [0, 2, 0, /**/ 0, 0, 0, /**/ 0, 0, 0]);
});

test("tiles of equal probability make one point of the curve", () => {
  const { tags } = summarise({
    names: ["x", "y"],
    tags: ["a"],
    probabilities: Float32Array.of(0.5, 0.5),
    labels: Uint8Array.of(0, 1),
    thresholds: [0.5],
  });
  assert.deepEqual(tags[0].curve, [{ threshold: 0.5, precision: 0.5, recall: 1, chosen: true }]);
});

test("a long curve is thinned to 64 points that keep both ends", () => {
  const random = createRandom(1);
  const names = Array.from({ length: 3000 }, (_, row) => `t${row}`);
  const probabilities = Float32Array.from(names, () => random.uniform());
  const labels = Uint8Array.from(probabilities, (p) => (random.uniform() < p ? 1 : 0));
  const { curve } = summarise({ names, tags: ["a"], probabilities, labels, thresholds: [0.5] }).tags[0];
  assert.ok(curve.length > 50 && curve.length <= 64, `${curve.length} points`);
  assert.equal(curve.at(-1)!.recall, 1);
  assert.ok(curve[0].recall < 0.01);
});

test("galleries hold hits, false alarms and misses, the most telling first", () => {
  const [a, b] = summarise(SCORED).tags;
  assert.deepEqual(
    a.hits.tiles.map(({ name, probability }) => [name, probability]),
    [
      ["t0", 0.875],
      ["t1", 0.5],
    ],
  );
  assert.deepEqual(a.falseAlarms, { count: 1, tiles: [{ name: "t2", probability: 0.75, tags: [] }] });
  assert.deepEqual(a.misses, { count: 1, tiles: [{ name: "t3", probability: 0.25, tags: ["a"] }] });
  assert.deepEqual([b.hits, b.falseAlarms, b.misses], Array(3).fill({ count: 0, tiles: [] }));
});

test("galleries list as many tiles as asked for and count them all", () => {
  assert.deepEqual(summarise(SCORED, { galleryLength: 1 }).tags[0].hits, {
    count: 2,
    tiles: [{ name: "t0", probability: 0.875, tags: ["a"] }],
  });
});

test("reliability compares probability and truth bin by bin", () => {
  const { ece, bins } = summarise(SCORED, { bins: 2 }).reliability;
  assert.deepEqual(bins, [
    { low: 0, high: 0.5, count: 5, meanProbability: 0.25, share: 0.2 },
    { low: 0.5, high: 1, count: 3, meanProbability: 2.125 / 3, share: 2 / 3 },
  ]);
  assert.ok(Math.abs(ece - (5 * 0.05 + 3 * (2.125 / 3 - 2 / 3)) / 8) < 1e-12);
});

test("a probability of exactly 1 belongs to the last bin", () => {
  const { bins } = summarise({
    names: ["x"],
    tags: ["a"],
    probabilities: Float32Array.of(1),
    labels: Uint8Array.of(1),
    thresholds: [0.5],
  }).reliability;
  assert.deepEqual(bins, [{ low: 0.9, high: 1, count: 1, meanProbability: 1, share: 1 }]);
});

test("co-occurrence counts pairs in labels and in predictions", () => {
  const { coOccurrence } = summarise({
    names: ["x", "y"],
    tags: ["a", "b"],
    probabilities: Float32Array.of(0.9, 0.9, 0.1, 0.9),
    labels: Uint8Array.of(1, 0, 1, 1),
    thresholds: [0.5, 0.5],
  });
  assert.deepEqual(coOccurrence, { labels: [2, 1, 1, 1], predicted: [1, 1, 1, 2] });
});

test("the best constant answer is the best of all sets of the most frequent tags", () => {
  const labels = Uint8Array.of(1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1);
  const { constant } = summarise({
    names: ["w", "x", "y", "z"],
    tags: ["a", "b", "c"],
    probabilities: new Float32Array(12),
    labels,
    thresholds: [1, 1, 1],
  });
  const f2 = (chosen: number[]) => {
    const each = [0, 1, 2, 3].map((row) => {
      const hits = chosen.filter((column) => labels[row * 3 + column] === 1).length;
      const precision = hits / chosen.length;
      const recall = hits / [0, 1, 2].filter((column) => labels[row * 3 + column] === 1).length;
      return hits === 0 ? 0 : (5 * precision * recall) / (4 * precision + recall);
    });
    return each.reduce((sum, value) => sum + value, 0) / 4;
  };
  const prefixes = [[0], [0, 1], [0, 1, 2]];
  const best = prefixes.reduce((a, b) => (f2(b) > f2(a) ? b : a));
  assert.ok(Math.abs(constant.f2 - f2(best)) < 1e-12);
  assert.deepEqual(
    constant.tags,
    best.map((column) => ["a", "b", "c"][column]),
  );
});

test("of one tag the constant answer is scored by the F2 of the tag, as the model is", () => {
  const labels = Uint8Array.of(1, 0, 0, 0);
  const { constant } = summarise({
    names: ["w", "x", "y", "z"],
    tags: ["a"],
    probabilities: new Float32Array(4),
    labels,
    thresholds: [1],
  });
  // Precision 1/4, recall 1.
  assert.deepEqual(constant, { f2: (5 * 0.25) / (4 * 0.25 + 1), tags: ["a"] });
});

test("arrays that do not fit together are refused", () => {
  assert.throws(() => summarise({ ...SCORED, labels: new Uint8Array(7) }), RangeError);
  assert.throws(() => summarise({ ...SCORED, thresholds: [0.5] }), RangeError);
});

test("a probability that is none is refused, and its tile named", () => {
  for (const value of [Number.NaN, -0.1, 1.1]) {
    const probabilities = SCORED.probabilities.with(5, value);
    assert.throws(() => summarise({ ...SCORED, probabilities }), { name: "RangeError", message: /tile t2/ });
  }
});

test("galleries are in order of probability, from exactly 0 to exactly 1, and of rows where it is the same", () => {
  const probabilities = Float32Array.of(0, 1, 1e-30, 0.3, 1, 0.3, 0);
  const names = Array.from(probabilities, (_, row) => `t${row}`);
  const scored = { names, tags: ["a"], probabilities, labels: new Uint8Array(7).fill(1), thresholds: [0] };
  const { hits } = summarise(scored, { galleryLength: 7 }).tags[0];
  assert.deepEqual(
    hits.tiles.map((tile) => tile.name),
    ["t1", "t4", "t3", "t5", "t2", "t0", "t6"],
  );
});
