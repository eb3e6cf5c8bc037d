import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveHeadConfig } from "../../src/head/config.js";
import { countHeldOut } from "../../src/head/regularization.js";
import { trainHead } from "../../src/head/train.js";
import { createRandom } from "../../src/random.js";

const [ROWS, FEATURES] = [200, 6];

/** Labels that follow the features, not always. */
function noisyRows() {
  const random = createRandom(11);
  const data = Float32Array.from({ length: ROWS * FEATURES }, () => random.uniform() - 0.5);
  const labels = Uint8Array.from({ length: ROWS }, (_, row) => (data[row * FEATURES] + random.uniform() > 0.5 ? 1 : 0));
  return {
    features: { data, rows: ROWS, numFeatures: FEATURES },
    labels: { data: labels, rows: ROWS, tags: ["a"] },
  };
}

/** The penalty that is chosen; `swapped` gives the first fold and the second each other's number. */
async function chosen(tiles: number, swapped: boolean): Promise<number> {
  const { features, labels } = noisyRows();
  const order = swapped ? [1, 0, 2, 3, 4] : [0, 1, 2, 3, 4];
  const folds = Uint8Array.from({ length: ROWS }, (_, row) => order[row % 5]);
  const config = resolveHeadConfig({ optimizer: "lbfgs" });
  const { l2 } = await trainHead(features, labels, config, { folds, tiles, threads: 1 });
  assert.ok(l2 !== undefined);
  return l2;
}

describe("the folds that choose a penalty", () => {
  it("are all held out of few tiles, fewer of many, and one of very many rows", () => {
    assert.deepEqual(
      [5, 480, 600, 750, 1200, 2400, 3000, 1e6].map((n) => countHeldOut(n, n)),
      [5, 5, 5, 4, 3, 2, 1, 1],
    );
    assert.deepEqual([countHeldOut(600, 8 * 600), countHeldOut(1100, 8 * 1100)], [5, 1]);
  });

  it("decide whose tiles the choice is made on", async () => {
    const [all, allSwapped] = [await chosen(ROWS, false), await chosen(ROWS, true)];
    assert.ok(Math.abs(all / allSwapped - 1) < 1e-3, `${all} ${allSwapped}`);
    const [one, other] = [await chosen(3000, false), await chosen(3000, true)];
    assert.ok(Math.abs(one / other - 1) > 1e-2, `${one} ${other}`);
  });
});
