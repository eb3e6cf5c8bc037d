import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toFeatureSource } from "../../src/head/feature-matrix.js";
import { measureStandardization, type Standardization } from "../../src/head/standardize.js";
import { createRandom } from "../../src/random.js";

const ROWS = 200;
/** Deviations of six features: a loud block of four, a quiet one of two, one of them constant. */
const LOUDNESS = [100, 50, 20, 10, 0.01, 0];

function features() {
  const random = createRandom(4);
  const data = Float32Array.from({ length: ROWS * 6 }, (_, i) => LOUDNESS[i % 6] * (random.uniform() - 0.5));
  return { data, rows: ROWS, numFeatures: 6 };
}

/** Variance of each feature as the head sees it. */
function scaledVariances({ mean, scale }: Standardization): number[] {
  const { data } = features();
  return LOUDNESS.map((_, f) => {
    let sum = 0;
    for (let row = 0; row < ROWS; row++) sum += ((data[row * 6 + f] - mean[f]) * scale[f]) ** 2;
    return sum / ROWS;
  });
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

describe("measureStandardization", () => {
  it("gives every block the same share of the variance, however loud or wide it is", async () => {
    for (const scaling of ["standard", "pareto"] as const) {
      const measured = await measureStandardization(toFeatureSource(features()), scaling, [4, 2]);
      const variances = scaledVariances(measured!);
      assert.ok(Math.abs(total(variances.slice(0, 4)) - 3) < 1e-3, `${variances}`);
      assert.ok(Math.abs(total(variances.slice(4)) - 3) < 1e-3, `${variances}`);
      assert.equal(measured!.scale[5], 0);
    }
  });

  it("keeps the order of features within a block under pareto scaling", async () => {
    const [first, second, third] = scaledVariances(
      (await measureStandardization(toFeatureSource(features()), "pareto", [4, 2]))!,
    );
    assert.ok(first > second && second > third);
  });

  it("refuses blocks that are not the features", async () => {
    await assert.rejects(measureStandardization(toFeatureSource(features()), "pareto", [4, 3]), RangeError);
  });
});
