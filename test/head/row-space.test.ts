import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveHeadConfig } from "../../src/head/config.js";
import { type FeatureMatrix, toFeatureSource } from "../../src/head/feature-matrix.js";
import { type Problem, solveProblems } from "../../src/head/problems.js";
import { chooseSpace, computeGram, toRowSpace } from "../../src/head/row-space.js";
import { measureStandardization } from "../../src/head/standardize.js";
import { trainHead } from "../../src/head/train.js";
import { createRandom } from "../../src/random.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";

/** Features far from zero and of unlike spread, every tenth row that before it once more; two tags follow the first two features. */
function wide(rows = 83, numFeatures = 301): { features: FeatureMatrix; labels: LabelMatrix } {
  const random = createRandom(5);
  const data = new Float32Array(rows * numFeatures);
  for (let row = 0; row < rows; row++) {
    for (let f = 0; f < numFeatures; f++) {
      const cell = row * numFeatures + f;
      data[cell] = row % 10 === 9 ? data[cell - numFeatures] : 4 + (2 * random.uniform() - 1) / (1 + (f % 7));
    }
  }
  const cells = Array.from({ length: rows * 2 }, (_, cell) => {
    const value = data[Math.floor(cell / 2) * numFeatures + (cell % 2)];
    return value + 0.3 * random.uniform() > 4.1 ? 1 : 0;
  });
  return { features: { data, rows, numFeatures }, labels: { data: Uint8Array.from(cells), rows, tags: ["a", "b"] } };
}

describe("computeGram", () => {
  it("gives inner products of standardised rows in double precision, the same bits on any number of threads", async () => {
    for (const [rows, numFeatures] of [
      [1, 1],
      [16, 4],
      [83, 301],
      [50, 700],
    ] as const) {
      const { features } = wide(rows, numFeatures);
      const standardization = (await measureStandardization(toFeatureSource(features), "pareto"))!;
      for (const { mean, scale } of [{ mean: undefined, scale: undefined }, standardization]) {
        const given = { ...features, ...(mean && scale && { mean, scale }) };
        const gram = await computeGram(given, 1);
        const value = (row: number, f: number) => {
          const raw = features.data[row * numFeatures + f];
          return mean && scale ? (raw - mean[f]) * scale[f] : raw;
        };
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j <= i; j++) {
            let expected = 0;
            for (let f = 0; f < numFeatures; f++) expected += value(i, f) * value(j, f);
            const error = Math.abs(gram[i * rows + j] - expected);
            assert.ok(error <= 1e-12 * (1 + 20 * numFeatures), `${rows} x ${numFeatures}, ${i} and ${j}: ${error}`);
          }
        }
        for (const threads of [2, 5]) assert.deepEqual(await computeGram(given, threads), gram);
      }
    }
  });
});

describe("row space", () => {
  it("has the minima of the features themselves, folds held out and rows dependent on each other", async () => {
    const { features, labels } = wide();
    const standardization = (await measureStandardization(toFeatureSource(features), "standard"))!;
    const folds = Uint8Array.from({ length: labels.rows }, (_, row) => row % 3);
    const problems: Problem[] = [0.01, 0.1, 1].flatMap((l2) => [
      { tag: 0, heldOut: -1, l2 },
      { tag: 1, heldOut: 2, l2 },
    ]);
    const options = { maxIterations: 500, tolerance: 1e-6, folds };
    const direct = await solveProblems({ ...features, ...standardization }, labels, problems, options);
    const space = await toRowSpace(features, standardization);
    assert.equal(space.features.numFeatures, labels.rows);
    const minima = await solveProblems(space.features, labels, problems, options);
    const weights = space.toWeights(minima.map(({ point }) => point));
    weights.forEach((weight, i) => {
      const expected = direct[i].point;
      const size = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0));
      const distance = Math.sqrt(weight.reduce((sum, value, f) => sum + (value - expected[f]) ** 2, 0));
      assert.ok(Math.abs(minima[i].value - direct[i].value) < 1e-6 * direct[i].value, `value of problem ${i}`);
      assert.ok(distance < 2e-3 * size, `weights of problem ${i}: ${distance} of ${size}`);
    });
  });

  it("is taken for few rows of many features, and left for many", async () => {
    const few = wide(30, 41).features;
    assert.equal((await chooseSpace(few, undefined)).features.numFeatures, 30);
    const many = wide(40, 41).features;
    assert.equal((await chooseSpace(many, undefined)).features, many);
    const longest = { data: new Float32Array(2049 * 3000), rows: 2049, numFeatures: 3000 };
    assert.equal((await chooseSpace(longest, undefined)).features, longest);
  });

  it("trains to the same bits on any number of threads", async () => {
    const { features, labels } = wide();
    const config = resolveHeadConfig();
    const once = await trainHead(features, labels, config, { threads: 1 });
    assert.ok(once.completed && once.l2! > 0);
    for (const threads of [2, 3]) assert.deepEqual(await trainHead(features, labels, config, { threads }), once);
  });
});
