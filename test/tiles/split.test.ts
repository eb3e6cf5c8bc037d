import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../src/random.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";
import { kFold, rowsWhere, splitRows } from "../../src/tiles/split.js";

/** 400 tiles whose tags have the given supports, laid at random. */
function labelsWith(supports: number[], rows = 400): LabelMatrix {
  const random = createRandom(7);
  const tags = supports.map((_, tag) => `tag${tag}`);
  const data = new Uint8Array(rows * tags.length);
  for (const [tag, support] of supports.entries()) {
    for (let placed = 0; placed < support; ) {
      const cell = random.below(rows) * tags.length + tag;
      if (data[cell] === 0) {
        data[cell] = 1;
        placed++;
      }
    }
  }
  return { data, rows, tags };
}

function supportIn(labels: LabelMatrix, rows: Uint32Array, tag: number): number {
  return rows.reduce((sum, row) => sum + labels.data[row * labels.tags.length + tag], 0);
}

test("a split holds out the share asked for, of all tiles and of every common tag", () => {
  const supports = [370, 280, 120, 60];
  const labels = labelsWith(supports);
  for (const share of [0.1, 0.2, 0.5]) {
    const { train, heldOut } = splitRows(labels, share, 1);
    assert.equal(train.length + heldOut.length, 400);
    assert.ok(Math.abs(heldOut.length - share * 400) <= 4, `${heldOut.length} held out of 400 at ${share}`);
    for (const [tag, support] of supports.entries()) {
      const held = supportIn(labels, heldOut, tag);
      assert.ok(Math.abs(held - share * support) <= 4, `${held} of ${support} with tag ${tag} at ${share}`);
    }
  }
});

test("a tag with two tiles or more is on both sides", () => {
  const labels = labelsWith([300, 2, 3, 5, 2, 4]);
  for (let seed = 1; seed <= 5; seed++) {
    const { train, heldOut } = splitRows(labels, 0.2, seed);
    for (let tag = 0; tag < labels.tags.length; tag++) {
      assert.ok(supportIn(labels, train, tag) > 0, `tag ${tag} trains with seed ${seed}`);
      assert.ok(supportIn(labels, heldOut, tag) > 0, `tag ${tag} is held out with seed ${seed}`);
    }
  }
});

test("folds are of equal size and share every tag evenly", () => {
  const supports = [370, 200, 50, 10];
  const labels = labelsWith(supports);
  const folds = kFold(labels, 5, 3);
  for (let fold = 0; fold < 5; fold++) {
    const rows = rowsWhere(folds, (each) => each === fold);
    assert.ok(Math.abs(rows.length - 80) <= 4, `${rows.length} rows`);
    for (const [tag, support] of supports.entries()) {
      assert.ok(Math.abs(supportIn(labels, rows, tag) - support / 5) <= 4);
    }
  }
});

test("the same seed gives the same split, another one another", () => {
  const labels = labelsWith([370, 200, 50, 10]);
  assert.deepEqual(splitRows(labels, 0.2, 1), splitRows(labels, 0.2, 1));
  assert.notDeepEqual(splitRows(labels, 0.2, 1), splitRows(labels, 0.2, 2));
  assert.equal(splitRows(labels, 0, 1).heldOut.length, 0);
});

test("rows of one group stay together, sizes and tags about as even as before", () => {
  const labels = labelsWith([370, 200, 50, 10]);
  // Four rows in each of 30 groups, far from each other.
  const groups = Uint32Array.from({ length: 400 }, (_, row) => (row % 100 < 30 ? row % 100 : 1000 + row));
  const grouped = { ...labels, groups };
  const isWhole = (parts: (row: number) => number) =>
    [...groups.keys()].every((row) => parts(row) === parts(groups.indexOf(groups[row])));
  for (let seed = 1; seed <= 5; seed++) {
    const folds = kFold(grouped, 5, seed);
    assert.ok(isWhole((row) => folds[row]));
    for (let fold = 0; fold < 5; fold++) {
      const rows = rowsWhere(folds, (each) => each === fold);
      assert.ok(Math.abs(rows.length - 80) <= 8, `${rows.length} rows`);
      assert.ok(Math.abs(supportIn(labels, rows, 1) - 40) <= 8);
    }
    const { train, heldOut } = splitRows(grouped, 0.2, seed);
    assert.equal(train.length + heldOut.length, 400);
    assert.ok(Math.abs(heldOut.length - 80) <= 8, `${heldOut.length} held out`);
    const held = new Set(heldOut);
    assert.ok(isWhole((row) => Number(held.has(row))));
  }
  const alone = { ...labels, groups: Uint32Array.from(groups.keys()) };
  assert.deepEqual(kFold(alone, 5, 1), kFold(labels, 5, 1));
});
