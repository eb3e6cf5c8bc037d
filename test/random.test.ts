import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, permutation } from "../src/random.js";

describe("createRandom", () => {
  it("gives the numbers it always gave", () => {
    const random = createRandom(1, 2);
    assert.deepEqual([random.uint32(), random.below(10), [...permutation(5, random)]], [14663209, 3, [2, 1, 0, 3, 4]]);
  });

  it("is uniform within what chance allows", () => {
    const random = createRandom(9);
    const counts = new Uint32Array(10);
    for (let i = 0; i < 10_000; i++) counts[random.below(10)] += 1;
    assert.ok(counts.every((count) => Math.abs(count - 1000) < 150));
  });

  it("takes unsigned 32-bit seeds only", () => {
    assert.throws(() => createRandom(-1), RangeError);
    assert.throws(() => createRandom(0.5), RangeError);
  });
});
