import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logit, sigmoid } from "../../src/head/head.js";
import { decide, meanFBeta } from "../../src/head/metrics.js";
import { createRandom } from "../../src/random.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";
import { fitThresholds } from "../../src/training/thresholds.js";

/** Tags whose probabilities are off by a factor on the logit scale, so that each wants its own threshold. */
function shifted(rows: number, seed = 1): { probabilities: Float32Array; labels: LabelMatrix } {
  const random = createRandom(seed);
  const shifts = [-2, 0, 1.5];
  const probabilities = new Float32Array(rows * 3);
  const data = new Uint8Array(rows * 3);
  for (let cell = 0; cell < data.length; cell++) {
    const z = 6 * random.uniform() - 4;
    data[cell] = random.uniform() < sigmoid(2 * z) ? 1 : 0;
    probabilities[cell] = sigmoid(z + shifts[cell % 3]);
  }
  return { probabilities, labels: { data, rows, tags: ["low", "mid", "high"] } };
}

/** Probabilities in steps of 0.02, equal to each other and to thresholds: there `>=`, smoothing and ties decide. */
function stepped(rows: number, seed: number): { probabilities: Float32Array; labels: LabelMatrix } {
  const random = createRandom(seed);
  const tags = ["a", "b", "c", "d", "e", "f"];
  const probabilities = new Float32Array(rows * tags.length);
  const data = new Uint8Array(probabilities.length);
  for (let cell = 0; cell < data.length; cell++) {
    const z = 4 * random.uniform() - 2;
    data[cell] = random.uniform() < sigmoid(z) ? 1 : 0;
    probabilities[cell] = Math.round(sigmoid(z + random.uniform() - 0.5) * 50) / 50;
  }
  return { probabilities, labels: { data, rows, tags } };
}

/** Of the tags whose probabilities reach `thresholds`. */
function scoreAt(probabilities: Float32Array, labels: LabelMatrix, thresholds: Float32Array, beta = 2): number {
  return meanFBeta(decide(probabilities, thresholds), labels, beta);
}

describe("fitThresholds", () => {
  it("keeps a target's threshold whatever the other tags' are", () => {
    const { probabilities, labels } = shifted(300);
    const tag = labels.tags[1];
    const { thresholds } = fitThresholds(probabilities, labels, { targets: [{ tag, measure: "recall", value: 0.5 }] });
    const own = labels.data.filter((_, cell) => cell % 3 === 1);
    const given = decide(probabilities, thresholds).filter((_, cell) => cell % 3 === 1);
    const hits = own.filter((label, row) => label === 1 && given[row] === 1).length;
    const recall = hits / own.filter((label) => label === 1).length;
    assert.ok(recall >= 0.5 && recall < 0.6, `${recall}`);
  });

  it("finds each tag's own threshold where there are tiles enough", () => {
    const { probabilities, labels } = shifted(3000);
    const { thresholds, common, score } = fitThresholds(probabilities, labels);
    assert.ok(thresholds[0] < thresholds[1] && thresholds[1] < thresholds[2]);
    const single = scoreAt(probabilities, labels, new Float32Array(3).fill(common));
    assert.ok(score > single + 0.01, `${score} over ${single}`);
    const unseen = shifted(3000, 2);
    const there = scoreAt(unseen.probabilities, unseen.labels, thresholds);
    assert.ok(Math.abs(there - score) < 0.05, `${there} for ${score}`);
  });

  it("reaches with its own thresholds what a search over all of them reaches", () => {
    const { probabilities, labels } = shifted(40);
    const { score } = fitThresholds(probabilities, labels, { shrinkage: 0 });
    const grid = Array.from({ length: 24 }, (_, i) => 0.02 + i * 0.04);
    let best = 0;
    for (const a of grid) {
      for (const b of grid) {
        for (const c of grid) best = Math.max(best, scoreAt(probabilities, labels, Float32Array.of(a, b, c)));
      }
    }
    assert.ok(score > best - 0.01, `${score} for ${best}`);
  });

  for (const { rows, seed } of [
    { rows: 12, seed: 1 },
    { rows: 40, seed: 22 },
    { rows: 40, seed: 43 },
    { rows: 60, seed: 2 },
  ]) {
    it(`gives what the definition gives, tried out slowly (${rows} tiles)`, () => {
      const { probabilities, labels } = stepped(rows, seed);
      for (const beta of [0.5, 1, 2]) {
        const { thresholds, common } = fitThresholds(probabilities, labels, { beta, shrinkage: 0 });
        const expected = fitSlowly(probabilities, labels, beta);
        assert.equal(common, expected.common);
        thresholds.forEach((threshold, tag) => {
          assert.ok(Math.abs(threshold - expected.thresholds[tag]) < 1e-6, `${thresholds} for ${expected.thresholds}`);
        });
      }
    });
  }

  it("gives a tag no tile has the common threshold, and with infinite shrinkage every tag", () => {
    const { probabilities, labels } = shifted(200);
    for (let cell = 2; cell < labels.data.length; cell += 3) labels.data[cell] = 0;
    const fitted = fitThresholds(probabilities, labels);
    assert.ok(Math.abs(fitted.thresholds[2] - fitted.common) < 1e-6);
    const { thresholds, common } = fitThresholds(probabilities, labels, { shrinkage: Number.POSITIVE_INFINITY });
    assert.ok(thresholds.every((threshold) => Math.abs(threshold - common) < 1e-6));
  });

  it("asks for more certainty the less recall counts", () => {
    const { probabilities, labels } = shifted(1000);
    const strict = fitThresholds(probabilities, labels, { beta: 0.5 });
    assert.ok(strict.common > fitThresholds(probabilities, labels, { beta: 2 }).common);
    assert.throws(() => fitThresholds(probabilities, labels, { beta: 0 }), RangeError);
  });

  it("meets a tag's own precision with the best recall, or its recall with the best precision", () => {
    const labels = { data: Uint8Array.of(1, 1, 0, 1, 0, 1, 0, 0), rows: 8, tags: ["mine"] };
    const probabilities = Float32Array.of(0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2);
    const at = (measure: "precision" | "recall", value: number) =>
      fitThresholds(probabilities, labels, { targets: [{ tag: "mine", measure, value }] }).thresholds[0];
    const between = (threshold: number, low: number, high: number) =>
      assert.ok(threshold > low && threshold < high, `${threshold}`);
    between(at("precision", 0.75), 0.5, 0.6);
    between(at("precision", 1), 0.7, 0.8);
    between(at("recall", 0.75), 0.5, 0.6);
    between(at("recall", 1), 0.3, 0.4);
    const other = { ...labels, data: Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0) };
    const unmet = fitThresholds(probabilities, other, { targets: [{ tag: "mine", measure: "precision", value: 0.9 }] });
    between(unmet.thresholds[0], 0.7, 0.8);
  });

  it("of one tag alone takes more tiles than a call may have arguments", () => {
    const rows = 150_000;
    const probabilities = Float32Array.from({ length: rows }, (_, row) => (row + 0.5) / rows);
    const data = Uint8Array.from(probabilities, (each) => (each > 0.75 ? 1 : 0));
    const { thresholds } = fitThresholds(probabilities, { data, rows, tags: ["a"] }, { shrinkage: 0 });
    assert.ok(Math.abs(thresholds[0] - 0.75) < 1e-4, String(thresholds[0]));
  });

  it("of one tag alone maximises that tag's F-beta, where most tiles have none", () => {
    const rows = 100;
    const labels = { data: new Uint8Array(rows).fill(1, 0, 4), rows, tags: ["mine"] };
    const probabilities = Float32Array.from({ length: rows }, (_, row) => (row < 4 ? 0.2 : row < 8 ? 0.15 : 0.01));
    const { thresholds } = fitThresholds(probabilities, labels, { shrinkage: 0 });
    assert.ok(thresholds[0] > 0.15 && thresholds[0] < 0.2, `${thresholds[0]}`);
  });

  it("stays between 0 and 1 for probabilities of exactly 0 and 1", () => {
    const labels = { data: Uint8Array.of(1, 0, 1, 0), rows: 4, tags: ["t"] };
    const { thresholds, score } = fitThresholds(Float32Array.of(1, 0, 1, 0), labels, { shrinkage: 0 });
    assert.ok(thresholds[0] > 0 && thresholds[0] < 1);
    assert.equal(score, 1);
  });
});

/** The definition in fitThresholds' words, every candidate scored on all tiles. */
function fitSlowly(probabilities: Float32Array, labels: LabelMatrix, beta: number) {
  const tags = [...labels.tags.keys()];
  const score = (thresholds: Float32Array) => scoreAt(probabilities, labels, thresholds, beta);
  const grid = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  const scores = grid.map((each) => score(new Float32Array(tags.length).fill(each)));
  const smooth = scores.map((each, i) => (scores[i - 1] ?? each) + each + (scores[i + 1] ?? each));
  const common = grid[smooth.indexOf(Math.max(...smooth))];
  const thresholds = new Float32Array(tags.length).fill(common);
  const distance = (threshold: number) => Math.abs(logit(threshold) - logit(common));
  for (let sweep = 0; sweep < 10; sweep++) {
    const before = thresholds.slice();
    for (const tag of tags) {
      const tried = candidates(probabilities, tags.length, tag, common).map((candidate) => {
        thresholds[tag] = candidate;
        return { candidate, gain: score(thresholds) * labels.rows };
      });
      const most = Math.max(...tried.map(({ gain }) => gain));
      const best = tried.filter(({ gain }) => gain > most - 1e-9).map(({ candidate }) => candidate);
      thresholds[tag] = best.reduce((nearest, each) => (distance(each) < distance(nearest) ? each : nearest));
    }
    if (thresholds.every((each, tag) => each === before[tag])) break;
  }
  return { common, thresholds };
}

/** One in each gap between two probabilities of the tag: in its middle half, as near to the common one as may be. From high to low. */
function candidates(probabilities: Float32Array, numTags: number, tag: number, common: number): number[] {
  const own = probabilities.filter((_, cell) => cell % numTags === tag);
  const ends = [...new Set([0, ...own, 1])].sort((a, b) => b - a);
  return ends.slice(1).map((end, i) => {
    const [low, high] = [logit(Math.max(end, 1e-6)), logit(Math.min(ends[i], 1 - 1e-6))];
    const quarter = (high - low) / 4;
    return sigmoid(Math.min(Math.max(logit(common), low + quarter), high - quarter));
  });
}
