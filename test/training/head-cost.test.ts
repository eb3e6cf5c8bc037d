import assert from "node:assert/strict";
import { test } from "node:test";
import { describeHeadCost, estimateHeadSeconds, type HeadWork } from "../../src/training/head-cost.js";

const work = (tiles: number, more: Partial<HeadWork> = {}): HeadWork => ({
  labels: { data: new Uint8Array(tiles * 17), rows: tiles, tags: Array.from({ length: 17 }, (_, i) => `tag ${i}`) },
  numFeatures: 2192,
  variants: 1,
  trainings: 7,
  l2: "auto",
  ...more,
});

test("little work is not worth a line; much is told before it begins, with what would spare it", () => {
  assert.equal(describeHeadCost(work(100)), undefined);
  const told = describeHeadCost(work(20_000)) ?? "";
  assert.match(
    told,
    /^The head is fitted 7 times on up to 20000 rows, each time with a search .*`l2`.*: about \d+ min /,
  );
  assert.doesNotMatch(describeHeadCost(work(100_000, { l2: 0.01 })) ?? "", /search|`l2`/);
});

test("the cost grows with rows, but less where fewer folds are searched, and least where a sample is", () => {
  const [few, many] = [estimateHeadSeconds(work(2400)), estimateHeadSeconds(work(24_000))];
  assert.ok(many > 3 * few && many < 6 * few, `${few} ${many}`);
  const searchOf = (tiles: number) => estimateHeadSeconds(work(tiles)) - estimateHeadSeconds(work(tiles, { l2: 0.01 }));
  assert.ok(Math.abs(searchOf(40_000) / searchOf(10_000) - 1) < 1e-6);
  assert.ok(estimateHeadSeconds(work(600, { variants: 8 })) < 8 * 8 * estimateHeadSeconds(work(600)));
  assert.ok(estimateHeadSeconds(work(600, { l2: 0.01 })) < estimateHeadSeconds(work(600)) / 5);
});
