import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { computeLogitsPlainly, sigmoid } from "../../src/head/head.js";
import { decide } from "../../src/head/metrics.js";
import { createRandom } from "../../src/random.js";
import { bootstrap, bootstrapMean, tileScores } from "../../src/tags/bootstrap.js";
import {
  calibrate,
  expectedCalibrationError,
  fitCalibration,
  foldCalibration,
  moveThresholds,
  reliabilityBins,
} from "../../src/tags/calibration.js";
import { findExclusive, normalizeExclusive, toExclusiveColumns } from "../../src/tags/exclusive.js";
import { findLabelIssues } from "../../src/tags/label-issues.js";
import { applyStacking, fitStacking, foldStacking } from "../../src/tags/stacking.js";
import { suggestTiles } from "../../src/tags/suggest.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";

const random = createRandom(17);

/** Logits three times too sure, and half the labels' truth in the second tag's neighbour. */
function overconfident(rows = 4000): { logits: Float32Array; labels: LabelMatrix } {
  const logits = Float32Array.from({ length: rows * 2 }, () => 12 * random.uniform() - 6);
  const data = Uint8Array.from(logits, (z) => (random.uniform() < sigmoid(z / 3 - 0.5) ? 1 : 0));
  return { logits, labels: { data, rows, tags: ["a", "b"] } };
}

function head(numFeatures: number, numTags: number) {
  const draw = (length: number) => Float32Array.from({ length }, () => random.uniform() - 0.5);
  return { weight: draw(numFeatures * numTags), bias: draw(numTags), numFeatures, numTags };
}

function features(rows: number, numFeatures: number) {
  return { data: Float32Array.from({ length: rows * numFeatures }, () => random.uniform()), rows, numFeatures };
}

function assertClose(got: Float32Array, want: Float32Array, within = 1e-5): void {
  got.forEach((value, i) => {
    assert.ok(Math.abs(value - want[i]) < within, `${i}: ${value} for ${want[i]}`);
  });
}

describe("calibration", () => {
  it("finds slope and offset, and so lowers the calibration error", () => {
    const { logits, labels } = overconfident();
    const calibration = fitCalibration(logits, labels, "platt");
    for (const tag of [0, 1]) {
      assert.ok(Math.abs(calibration.slope[tag] - 1 / 3) < 0.05);
      assert.ok(Math.abs(calibration.offset[tag] + 0.5) < 0.2);
    }
    const error = (z: Float32Array) => expectedCalibrationError(reliabilityBins(z.map(sigmoid), labels))!;
    assert.ok(error(calibrate(logits, calibration)) < 0.02 && error(logits) > 0.1);
  });

  it("finds one temperature for all tags", () => {
    const logits = Float32Array.from({ length: 8000 }, () => 12 * random.uniform() - 6);
    const data = Uint8Array.from(logits, (z) => (random.uniform() < sigmoid(z / 2) ? 1 : 0));
    const { slope, offset } = fitCalibration(logits, { data, rows: 4000, tags: ["a", "b"] }, "temperature");
    assert.ok(Math.abs(slope[0] - 0.5) < 0.05, `${slope}`);
    assert.deepEqual([slope[0], ...offset], [slope[1], 0, 0]);
  });

  it("folds into head and thresholds without changing a decision", () => {
    const [before, x, thresholds] = [head(6, 2), features(50, 6), Float32Array.of(0.3, 0.6)];
    const calibration = { slope: Float64Array.of(0.5, 2), offset: Float64Array.of(1, -0.3) };
    const after = foldCalibration(before, calibration);
    const [old, fresh] = [computeLogitsPlainly(before, x), computeLogitsPlainly(after, x)];
    assertClose(fresh, calibrate(old, calibration));
    assert.deepEqual(
      decide(fresh.map(sigmoid), moveThresholds(thresholds, calibration)),
      decide(old.map(sigmoid), thresholds),
    );
  });

  it("leaves a tag nobody has near where it was, and has no bins where there are no tiles", () => {
    const labels = { data: new Uint8Array(20), rows: 20, tags: ["none"] };
    const { slope, offset } = fitCalibration(new Float32Array(20).fill(-1), labels, "platt");
    assert.ok(Number.isFinite(slope[0]) && slope[0] > 0 && Math.abs(offset[0]) < 5);
    const none = reliabilityBins(new Float32Array(0), { data: new Uint8Array(0), rows: 0, tags: ["t"] });
    assert.equal(expectedCalibrationError(none), null);
    assert.equal(none[0].observed, null);
  });

  it("puts a probability of 1 into the last bin", () => {
    const bins = reliabilityBins(Float32Array.of(1, 0), { data: Uint8Array.of(1, 0), rows: 2, tags: ["t"] });
    assert.deepEqual([bins[9].count, bins[0].count], [1, 1]);
  });
});

describe("the bootstrap", () => {
  it("gives the interval the normal distribution gives for a mean", () => {
    const scores = Float64Array.from({ length: 1000 }, () => random.uniform());
    const { low, high } = bootstrapMean(scores);
    const half = (1.96 * Math.sqrt(1 / 12)) / Math.sqrt(1000);
    assert.ok(Math.abs(high - low - 2 * half) < 0.3 * half, `${low} to ${high}`);
    assert.deepEqual(bootstrapMean(scores), bootstrapMean(scores));
  });

  it("leaves out resamples in which the statistic has no value", () => {
    const { low } = bootstrap(10, (rows) => (rows[0] === 0 ? Number.NaN : 1));
    assert.equal(low, 1);
  });

  it("takes each tile's F2", () => {
    const labels = { data: Uint8Array.of(1, 0, 0, 1), rows: 2, tags: ["a", "b"] };
    assert.deepEqual([...tileScores(Uint8Array.of(1, 1, 1, 0), labels)], [5 / 6, 0]);
  });
});

describe("findLabelIssues", () => {
  it("finds the labels that were flipped, before any other", () => {
    const logits = Float32Array.from({ length: 400 }, () => (random.uniform() < 0.5 ? -4 : 4));
    const data = Uint8Array.from(logits, (z) => (z > 0 ? 1 : 0));
    const flipped = [3, 50, 123];
    for (const cell of flipped) data[cell] ^= 1;
    const issues = findLabelIssues(logits.map(sigmoid), { data, rows: 200, tags: ["a", "b"] });
    const found = issues.slice(0, 3).map(({ row, tag }) => row * 2 + tag);
    assert.deepEqual(
      found.sort((a, b) => a - b),
      flipped,
    );
    assert.ok(issues.every(({ labelled, row, tag }) => labelled === (data[row * 2 + tag] === 1)));
  });

  it("says nothing about a tag that too few tiles have", () => {
    const labels = { data: Uint8Array.of(1, 0, 0, 0), rows: 4, tags: ["rare"] };
    assert.deepEqual(findLabelIssues(Float32Array.of(0.01, 0.99, 0.99, 0.99), labels), []);
  });
});

describe("suggestTiles", () => {
  it("takes unsure tiles, and not the same one twice over", () => {
    // Rows 0 and 1 are unsure twins, 2 is unsure and far away, 3 is sure.
    const probabilities = Float32Array.of(0.5, 0.5, 0.45, 0.999);
    const x = { data: Float32Array.of(0, 0, 0, 0, 5, 5, 9, 9), rows: 4, numFeatures: 2 };
    const picks = suggestTiles(probabilities, Float32Array.of(0.5), x, 2);
    assert.deepEqual(
      picks.map(({ row }) => row),
      [0, 2],
    );
    assert.equal(picks[0].uncertainty, 1);
  });

  it("gives each tile once where fewer are there than asked for", () => {
    const x = { data: new Float32Array(3), rows: 3, numFeatures: 1 };
    const picks = suggestTiles(Float32Array.of(0.1, 0.2, 0.3), Float32Array.of(0.5), x, 10);
    assert.deepEqual(picks.map(({ row }) => row).sort(), [0, 1, 2]);
  });
});

describe("stacking", () => {
  it("learns that one tag speaks for another, and folds into the head", () => {
    const rows = 2000;
    const logits = Float32Array.from({ length: rows * 2 }, () => 4 * random.uniform() - 2);
    const data = Uint8Array.from(logits, (z, cell) => {
      const neighbour = cell % 2 === 1 ? logits[cell - 1] : 0;
      return random.uniform() < sigmoid(z + neighbour) ? 1 : 0;
    });
    const stacking = fitStacking(logits, { data, rows, tags: ["a", "b"] }, 1e-3);
    assert.ok(Math.abs(stacking.correction[1] - 1) < 0.25, `${stacking.correction}`);
    assert.ok(Math.abs(stacking.correction[2]) < 0.2, `${stacking.correction}`);
    const [before, x] = [head(6, 2), features(50, 6)];
    const folded = computeLogitsPlainly(foldStacking(before, stacking), x);
    assertClose(folded, applyStacking(computeLogitsPlainly(before, x), stacking));
  });
});

describe("exclusive groups", () => {
  it("make their tags sum to 1 and leave the others alone", () => {
    const columns = toExclusiveColumns([["a", "c"]], ["a", "b", "c"]);
    const normalized = normalizeExclusive(Float32Array.of(0.2, 0.7, 0.6, 0, 0.1, 0), 3, columns);
    assertClose(normalized, Float32Array.of(0.25, 0.7, 0.75, 0, 0.1, 0));
  });

  it("are found where every tile has exactly one of their tags, but for a slip in two hundred", () => {
    const rows = 400;
    const tags = ["always", "clear", "cloudy", "haze", "ground", "river"];
    const data = new Uint8Array(rows * tags.length);
    for (let row = 0; row < rows; row++) {
      const weather = 1 + (row % 3);
      for (const tag of [0, weather, ...(row % 2 ? [4] : []), ...(row % 5 ? [] : [5])]) data[row * 6 + tag] = 1;
    }
    const found = () => findExclusive({ data, rows, tags }).map((group) => group.map((column) => tags[column]));
    assert.deepEqual(found(), [["clear", "cloudy", "haze"]]);
    data[6 * 6 + 1] = 0;
    data[6 * 8 + 1] = 1;
    assert.deepEqual(found(), [["clear", "cloudy", "haze"]]);
    for (let row = 0; row < 30; row += 3) data[row * 6 + 2] = 1;
    assert.deepEqual(found(), []);
  });

  it("are looked for in some tiles of a large set, and held against all", () => {
    const rows = 1_000_000;
    const tags = ["clear", "cloudy", "river"];
    const data = new Uint8Array(rows * tags.length);
    for (let row = 0; row < rows; row++) data[row * 3 + (row % 7 === 0 ? 1 : 0)] = 1;
    for (let row = 0; row < rows; row += 300) data.fill(0, row * 3, row * 3 + 3);
    assert.deepEqual(findExclusive({ data, rows, tags }), [[0, 1]]);
    for (let row = 1; row < rows; row += 100) data[row * 3 + 1] = data[row * 3] = 1;
    assert.deepEqual(findExclusive({ data, rows, tags }), []);
  });

  it("are refused for unknown, lone and repeated tags", () => {
    assert.throws(() => toExclusiveColumns([["a", "x"]], ["a", "b"]), /x is not one of: a, b/);
    assert.throws(() => toExclusiveColumns([["a"]], ["a", "b"]), /two tags or more/);
    assert.throws(
      () =>
        toExclusiveColumns(
          [
            ["a", "b"],
            ["b", "a"],
          ],
          ["a", "b"],
        ),
      /more than one/,
    );
  });
});
