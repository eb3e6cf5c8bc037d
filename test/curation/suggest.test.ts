import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { suggestTiles } from "../../src/curation/suggest.js";

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
