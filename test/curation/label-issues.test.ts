import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findLabelIssues } from "../../src/curation/label-issues.js";
import { sigmoid } from "../../src/head/head.js";
import { createRandom } from "../../src/random.js";

const random = createRandom(17);

describe("findLabelIssues", () => {
  it("finds the labels that were flipped, before any other", () => {
    const logits = Float32Array.from({ length: 400 }, () => (random.uniform() < 0.5 ? -4 : 4));
    const data = Uint8Array.from(logits, (z) => (z > 0 ? 1 : 0));
    const flipped = [3, 50, 123];
    for (const cell of flipped) data[cell] ^= 1;
    const issues = findLabelIssues(logits.map(sigmoid), { data, rows: 200, tags: ["a", "b"] });
    const found = issues.slice(0, 3).map(({ row, tag }) => row * 2 + tag);
    assert.deepEqual(
      found.sort((a, b) => a - b),
      flipped,
    );
    assert.ok(issues.every(({ labelled, row, tag }) => labelled === (data[row * 2 + tag] === 1)));
  });

  it("says nothing about a tag that too few tiles have", () => {
    const labels = { data: Uint8Array.of(1, 0, 0, 0), rows: 4, tags: ["rare"] };
    assert.deepEqual(findLabelIssues(Float32Array.of(0.01, 0.99, 0.99, 0.99), labels), []);
  });
});
