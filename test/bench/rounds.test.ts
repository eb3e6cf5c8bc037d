import assert from "node:assert/strict";
import { test } from "node:test";
import { pickTiles } from "../../src/bench/rounds.js";
import { summarize } from "../../src/bench/statistics.js";
import { spread } from "../../src/bench/tiles.js";
import { workerCounts } from "../../src/bench/trials.js";

test("a fast contender goes through all tiles a whole number of times", () => {
  assert.deepEqual(pickTiles(3, 6, 1), [0, 1, 2, 0, 1, 2]);
});

test("a slow contender goes through some tiles, evenly spread and others each round", () => {
  const first = pickTiles(100, 4, 0);
  const second = pickTiles(100, 4, 1);
  assert.deepEqual(first, [0, 25, 50, 75]);
  assert.notDeepEqual(second, first);
  for (const index of second) assert.ok(index >= 0 && index < 100);
});

test("medians and quartiles interpolate", () => {
  assert.deepEqual(summarize([4, 1, 3, 2]), { median: 2.5, low: 1.75, high: 3.25 });
});

test("tiles are spread over the input, workers over the cores", () => {
  assert.deepEqual(spread([0, 1, 2, 3, 4, 5], 3), [0, 2, 4]);
  assert.deepEqual(workerCounts(3), [1, 2, 3]);
  assert.deepEqual(workerCounts(12), [1, 2, 4, 8, 12]);
});
