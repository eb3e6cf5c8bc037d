import assert from "node:assert/strict";
import { test } from "node:test";
import { type FinishedTraining, trainedTiles } from "../../src/training/finished-training.js";

test("tiles for validation are not trained on, also those that are not scored", () => {
  const tiles = Array.from({ length: 6 }, (_, i) => ({ name: String(i), path: `${i}.jpg` }));
  const seen = (measuredOn: "hold-out" | "out-of-fold", rows: number[], validation?: number[]) => {
    const dataset = { tiles, validation: validation && Uint32Array.from(validation) };
    const scored = { measuredOn, rows: Uint32Array.from(rows) };
    return trainedTiles({ dataset, fitted: { scored } } as unknown as FinishedTraining).map(({ name }) => name);
  };
  assert.deepEqual(seen("hold-out", [1], [1, 3]), ["0", "2", "4", "5"]);
  assert.deepEqual(seen("hold-out", [1, 2]), ["0", "3", "4", "5"]);
  assert.deepEqual(seen("out-of-fold", [0, 2, 4, 5], [1, 3]), ["0", "2", "4", "5"]);
  assert.deepEqual(seen("out-of-fold", [0, 1, 2, 3, 4, 5]), ["0", "1", "2", "3", "4", "5"]);
});
