import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { normalizeExclusive, toExclusiveColumns } from "../../src/tags/exclusive.js";

describe("exclusive groups", () => {
  it("make their tags sum to 1 and leave the others alone", () => {
    const columns = toExclusiveColumns([["a", "c"]], ["a", "b", "c"]);
    const normalized = normalizeExclusive(Float32Array.of(0.2, 0.7, 0.6, 0, 0.1, 0), 3, columns);
    assert.deepEqual(
      normalized.map((p) => Math.round(p * 1e6)),
      Float32Array.of(250000, 700000, 750000, 0, 100000, 0),
    );
  });

  it("are refused for unknown, lone and repeated tags", () => {
    assert.throws(() => toExclusiveColumns([["a", "x"]], ["a", "b"]), /x is not one of: a, b/);
    assert.throws(() => toExclusiveColumns([["a"]], ["a", "b"]), /two tags or more/);
    assert.throws(
      () =>
        toExclusiveColumns(
          [
            ["a", "b"],
            ["b", "a"],
          ],
          ["a", "b"],
        ),
      /more than one/,
    );
  });
});
