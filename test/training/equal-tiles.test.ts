import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../src/random.js";
import { groupEqualTiles, tellEqualTiles } from "../../src/training/equal-tiles.js";

const [ROWS, FEATURES, WINDOW] = [10, 40, 4];

/** Rows `copies` are as row 1, but for `change` in their last feature. */
function source(copies: readonly number[], change = 0) {
  const random = createRandom(3);
  const data = Float32Array.from({ length: ROWS * FEATURES }, () => random.uniform());
  for (const row of copies) {
    data.copyWithin(row * FEATURES, FEATURES, 2 * FEATURES);
    data[(row + 1) * FEATURES - 1] += change;
  }
  const read = async (start: number, count: number) => data.slice(start * FEATURES, (start + count) * FEATURES);
  return { rows: ROWS, numFeatures: FEATURES, windowRows: WINDOW, read };
}

const labels = { data: new Uint8Array(ROWS), rows: ROWS, tags: ["a"] };

test("tiles with the same features are one group, in whatever windows they are read", async () => {
  const { groups } = await groupEqualTiles(labels, source([3, 9]));
  assert.deepEqual([...(groups ?? [])], [0, 1, 2, 1, 4, 5, 6, 7, 8, 1]);
});

test("where no two tiles are equal, labels have no groups", async () => {
  assert.equal(await groupEqualTiles(labels, source([])), labels);
  assert.equal(await groupEqualTiles(labels, source([3], 1e-6)), labels);
});

test("it is said how many are equal, and warned of where tiles for validation are", async () => {
  const told: string[] = [];
  const tell = { onNotice: (text: string) => told.push(text), onWarning: (text: string) => told.push(`! ${text}`) };
  tellEqualTiles({ labels }, tell);
  assert.deepEqual(told, []);
  const grouped = await groupEqualTiles(labels, source([3, 9]));
  tellEqualTiles({ labels: grouped }, tell);
  tellEqualTiles({ labels: grouped, validation: Uint32Array.of(1, 3, 9) }, tell);
  const notice = "2 of 10 tiles are equal to another one: equal tiles stay on one side of every split.";
  assert.deepEqual(told.splice(0), [notice, notice]);
  tellEqualTiles({ labels: grouped, validation: Uint32Array.of(0, 3, 9) }, tell);
  assert.match(told.join("\n"), /^2 of 10 .*\n! 2 of the 3 tiles for validation are equal to tiles that are learnt/);
});
