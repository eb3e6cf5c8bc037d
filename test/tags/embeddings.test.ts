import assert from "node:assert/strict";
import { test } from "node:test";
import { embeddingRows } from "../../src/tags/embeddings.js";

test("rows of embeddings stay what they are when the memory of their features is used again", () => {
  const features = Float32Array.of(1, 2, 3, 4);
  const rows = embeddingRows(features, 2, 2);
  features.fill(0);
  assert.deepEqual(
    rows.map(({ embedding }) => [...embedding]),
    [
      [1, 2],
      [3, 4],
    ],
  );
});
