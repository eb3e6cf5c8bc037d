import assert from "node:assert/strict";
import { test } from "node:test";
import { addCandidate, chooseSuggestions, createCandidatePool } from "../../src/curation/candidates.js";
import { suggestTiles } from "../../src/curation/suggest.js";
import { createRandom } from "../../src/random.js";

test("a pool that forgets what is certain chooses the same tiles as all of them together", () => {
  const [rows, count, numFeatures, tags] = [2000, 4, 3, ["a", "b"]];
  const random = createRandom(2);
  const probabilities = Float32Array.from({ length: rows * 2 }, () => random.uniform());
  const features = Float32Array.from({ length: rows * numFeatures }, () => random.uniform());
  const thresholds = Float32Array.of(0.3, 0.6);
  const pool = createCandidatePool(count, thresholds);
  for (let row = 0; row < rows; row++) {
    addCandidate(pool, {
      order: row,
      tile: { name: String(row), path: `${row}.jpg` },
      probabilities: probabilities.subarray(row * 2, row * 2 + 2),
      features: features.subarray(row * numFeatures, (row + 1) * numFeatures),
    });
    assert.ok(pool.candidates.length <= count * 40);
  }
  const whole = suggestTiles(probabilities, thresholds, { data: features, rows, numFeatures }, count);
  assert.deepEqual(
    chooseSuggestions(pool, tags).map(({ tile }) => tile.name),
    whole.map(({ row }) => String(row)),
  );
  assert.deepEqual(chooseSuggestions(createCandidatePool(1, thresholds), tags), []);
});
