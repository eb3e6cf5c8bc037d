import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { selectLabels, tagSupport, toLabelMatrix } from "../../src/tiles/label-matrix.js";
import { createTagSet, tagSetOf } from "../../src/tiles/tag-set.js";

describe("toLabelMatrix", () => {
  const rows = [
    { name: "x", tags: ["b", "a"], line: 2 },
    { name: "y", tags: ["c"], line: 3 },
  ];

  it("puts tags in sorted columns", () => {
    const labels = toLabelMatrix(rows, tagSetOf(rows));
    assert.deepEqual(labels, { data: Uint8Array.of(1, 1, 0, 0, 0, 1), rows: 2, tags: ["a", "b", "c"] });
    assert.deepEqual([...tagSupport(labels)], [1, 1, 1]);
    assert.deepEqual([...selectLabels(labels, [1]).data], [0, 0, 1]);
  });

  it("refuses a tag outside the set, unless told to leave it out", () => {
    const tagSet = createTagSet(["a", "b"]);
    assert.throws(() => toLabelMatrix(rows, tagSet), /Tile y has the tag c/);
    assert.deepEqual([...toLabelMatrix(rows, tagSet, { ignoreUnknown: true }).data], [1, 1, 0, 0]);
    assert.throws(() => createTagSet(["a", "a"]), TypeError);
  });
});
