import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "../../src/random.js";
import { findExclusive } from "../../src/training/find-exclusive.js";

describe("exclusive groups", () => {
  it("are found where every tile has exactly one of their tags, but for a slip in two hundred", () => {
    const rows = 400;
    const tags = ["always", "clear", "cloudy", "haze", "ground", "river"];
    const data = new Uint8Array(rows * tags.length);
    for (let row = 0; row < rows; row++) {
      const weather = 1 + (row % 3);
      for (const tag of [0, weather, ...(row % 2 ? [4] : []), ...(row % 5 ? [] : [5])]) data[row * 6 + tag] = 1;
    }
    const found = () => findExclusive({ data, rows, tags }).map((group) => group.map((column) => tags[column]));
    assert.deepEqual(found(), [["clear", "cloudy", "haze"]]);
    data[6 * 6 + 1] = 0;
    data[6 * 8 + 1] = 1;
    assert.deepEqual(found(), [["clear", "cloudy", "haze"]]);
    for (let row = 0; row < 30; row += 3) data[row * 6 + 2] = 1;
    assert.deepEqual(found(), []);
  });

  it("are held against all tiles, also if those that were searched have no slip", () => {
    const rows = 40_000;
    const data = new Uint8Array(rows * 2);
    for (let row = 0; row < rows; row++) data[row * 2 + (row % 3 === 0 ? 1 : 0)] = 1;
    const find = () => findExclusive({ data, rows, tags: ["clear", "cloudy"] });
    assert.deepEqual(find(), [[0, 1]]);
    // Of two tiles one is searched: here the other one has the slips, in 210 of 40,000.
    const random = createRandom(0);
    for (let pair = 0; pair < 20_000; pair++) {
      const other = random.uniform() < 0.5 ? 1 : 0;
      if (pair < 210) data.fill(1, (pair * 2 + other) * 2, (pair * 2 + other) * 2 + 2);
    }
    assert.deepEqual(find(), []);
  });

  it("are looked for in some tiles of a large set, and held against all", () => {
    const rows = 1_000_000;
    const tags = ["clear", "cloudy", "river"];
    const data = new Uint8Array(rows * tags.length);
    for (let row = 0; row < rows; row++) data[row * 3 + (row % 7 === 0 ? 1 : 0)] = 1;
    for (let row = 0; row < rows; row += 300) data.fill(0, row * 3, row * 3 + 3);
    assert.deepEqual(findExclusive({ data, rows, tags }), [[0, 1]]);
    for (let row = 1; row < rows; row += 100) data[row * 3 + 1] = data[row * 3] = 1;
    assert.deepEqual(findExclusive({ data, rows, tags }), []);
  });
});
