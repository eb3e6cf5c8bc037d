import assert from "node:assert/strict";
import { test } from "node:test";
import { deal, hashName, inShard, shareOf } from "../../src/tiles/shard.js";

test("which shard a name is in never changes, as machines and versions share a run by it", () => {
  const golden = { train_0: 8981029945217762, "": 6405929415113739, "tile_ä_\u{1f333}": 1047198639400896 };
  for (const [name, hash] of Object.entries(golden)) assert.equal(hashName(name), hash, name);
  const shards = ["train_0", "train_1", "train_2", "train_3", "train_4"].map((name) =>
    [1, 2, 3, 4, 5, 6, 7].find((index) => inShard(name, { index, count: 7 })),
  );
  assert.deepEqual(shards, [6, 5, 5, 6, 2]);
});

test("shards are about equal, and each name is in one", () => {
  const sizes = [0, 0, 0, 0, 0];
  for (let i = 0; i < 10_000; i++) {
    const holding = sizes.map((_, index) => inShard(`tile_${i}`, { index: index + 1, count: 5 }));
    assert.equal(holding.filter(Boolean).length, 1);
    sizes[holding.indexOf(true)]++;
  }
  assert.ok(
    sizes.every((size) => size > 1850 && size < 2150),
    String(sizes),
  );
});

test("archives go to shards as a whole, about equal by bytes, if there are enough of them", () => {
  assert.deepEqual(deal([5, 9, 1, 1, 4, 8], 2), [1, 0, 0, 1, 0, 1]);
  assert.deepEqual(deal([0, 0, 0], 3), [0, 1, 2]);
  // More than a call may have arguments.
  assert.deepEqual(deal([4, 5], 150_000), [1, 0]);
  const bytes = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1013);
  const loads = new Array<number>(7).fill(0);
  for (const [i, shard] of deal(bytes, 7).entries()) loads[shard] += bytes[i];
  assert.ok(Math.max(...loads) - Math.min(...loads) < 1013, String(loads));
});

test("a share has its archives and, by their names, its part of other tiles", () => {
  const archives = ["a.tar", "b.tar", "c.tar"].map((path, i) => ({ path: `in/${path}`, bytes: 10 + i }));
  const shares = [1, 2, 3].map((index) => shareOf({ index, count: 3 }, archives));
  for (const tile of [
    { name: "x", path: "in/a.tar" },
    { name: "y", path: "in/b.tar" },
    { name: "z", path: "z.jpg" },
  ]) {
    assert.equal(shares.filter((share) => share.has(tile)).length, 1);
  }
  assert.deepEqual(
    shares.map((share) => archives.findIndex(({ path }) => share.archives?.has(path))),
    [2, 1, 0],
  );
  assert.equal(shareOf({ index: 1, count: 4 }, archives).archives, undefined);
});
