import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bootstrap, bootstrapMean } from "../../src/head/bootstrap.js";
import { createRandom } from "../../src/random.js";

const random = createRandom(17);

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
});
