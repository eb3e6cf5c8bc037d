import assert from "node:assert/strict";
import { test } from "node:test";
import { toSnakeCase } from "../../src/cli/snake-case.js";

test("keys become snake_case at every depth, and keys that are data stay as they are", () => {
  const result = {
    f2AtHalf: 0.5,
    perTag: [{ averagePrecision: null }],
    readings: { YCbCr: 1 },
    tags: ["aB"],
    tiles_per_s: 1,
  };
  assert.deepEqual(toSnakeCase(result), {
    f2_at_half: 0.5,
    per_tag: [{ average_precision: null }],
    readings: { YCbCr: 1 },
    tags: ["aB"],
    tiles_per_s: 1,
  });
});
