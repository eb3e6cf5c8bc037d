import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { computeLogitsPlainly, sigmoid } from "../../src/head/head.js";
import { decide } from "../../src/head/metrics.js";
import { createRandom } from "../../src/random.js";
import { summarise } from "../../src/report/summary.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";
import { calibrate, fitCalibration, foldCalibration, moveThresholds } from "../../src/training/calibration.js";

const random = createRandom(17);

/** Logits three times too sure, and half the labels' truth in the second tag's neighbour. */
function overconfident(rows = 4000): { logits: Float32Array; labels: LabelMatrix } {
  const logits = Float32Array.from({ length: rows * 2 }, () => 12 * random.uniform() - 6);
  const data = Uint8Array.from(logits, (z) => (random.uniform() < sigmoid(z / 3 - 0.5) ? 1 : 0));
  return { logits, labels: { data, rows, tags: ["a", "b"] } };
}

function calibrationError(probabilities: Float32Array, { data, rows, tags }: LabelMatrix): number {
  const names = Array.from({ length: rows }, (_, row) => String(row));
  return summarise({ names, tags, probabilities, labels: data, thresholds: [0.5, 0.5] }).reliability.ece;
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
    const error = (z: Float32Array) => calibrationError(z.map(sigmoid), labels);
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

  it("leaves a tag nobody has near where it was", () => {
    const labels = { data: new Uint8Array(20), rows: 20, tags: ["none"] };
    const { slope, offset } = fitCalibration(new Float32Array(20).fill(-1), labels, "platt");
    assert.ok(Number.isFinite(slope[0]) && slope[0] > 0 && Math.abs(offset[0]) < 5);
  });
});
