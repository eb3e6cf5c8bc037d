import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveHeadConfig } from "../../src/head/config.js";
import { selectFeatures } from "../../src/head/feature-matrix.js";
import { trainHead } from "../../src/head/train.js";
import { MOST_SEARCHED, trainOnTiles } from "../../src/head/train-tiles.js";
import { createRandom } from "../../src/random.js";
import { selectLabels } from "../../src/tiles/label-matrix.js";
import { allRows, kFold, sampleRows } from "../../src/tiles/split.js";

const FEATURES = 12;
const OPTIONS = { optimizer: "lbfgs", tolerance: 1e-3 } as const;
const CONFIG = resolveHeadConfig(OPTIONS);
const USE = { augment: "none", tta: "none", seed: 1 } as const;

/** Two tags that noise decides as much as features do. */
function noisyTiles(rows: number) {
  const random = createRandom(7);
  const data = Float32Array.from({ length: rows * FEATURES }, () => 2 * random.uniform() - 1);
  const cells = Uint8Array.from({ length: rows * 2 }, (_, cell) =>
    data[Math.floor(cell / 2) * FEATURES + (cell % 2)] + 3 * (random.uniform() - 0.5) > 0 ? 1 : 0,
  );
  return { features: { data, rows, numFeatures: FEATURES }, labels: { data: cells, rows, tags: ["a", "b"] } };
}

type Tiles = ReturnType<typeof noisyTiles>;

/** The penalty that all of `rows` choose. */
async function searched({ features, labels }: Tiles, rows: Uint32Array): Promise<number> {
  const own = selectLabels(labels, rows);
  const { l2 } = await trainHead(selectFeatures(features, rows), own, CONFIG, { folds: kFold(own, 5, USE.seed) });
  return l2 as number;
}

test("up to some thousands of tiles all of them choose the penalty", async () => {
  const tiles = noisyTiles(MOST_SEARCHED);
  const rows = allRows(MOST_SEARCHED);
  const { l2 } = await trainOnTiles([tiles.features], tiles.labels, rows, CONFIG, USE);
  assert.equal(l2, await searched(tiles, rows));
});

test("of more tiles a sample chooses, and all learn under what is left of that penalty", async () => {
  const count = 2 * MOST_SEARCHED;
  const tiles = noisyTiles(count);
  const { head, l2 } = await trainOnTiles([tiles.features], tiles.labels, allRows(count), CONFIG, USE);
  const sample = sampleRows(tiles.labels, MOST_SEARCHED, USE.seed);
  assert.ok(Math.abs(sample.length - MOST_SEARCHED) < 5, `${sample.length}`);
  assert.equal(l2, ((await searched(tiles, sample)) * sample.length) / count);
  const { head: expected } = await trainHead(tiles.features, tiles.labels, resolveHeadConfig({ ...OPTIONS, l2 }));
  assert.deepEqual(head, expected);
});
