import assert from "node:assert/strict";
import { test } from "node:test";
import { hashName, inShard } from "../../src/tiles/shard.js";

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
