import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "../../src/head/metrics.js";
import { matchThresholds } from "../../src/training/match-thresholds.js";

test("thresholds follow probabilities that all moved, so that every decision stays", () => {
  const before = Float32Array.of(0.1, 0.9, 0.35, 0.6, 0.45, 0.2, 0.7, 0.4);
  const thresholds = Float32Array.of(0.4, 0.5);
  const after = before.map((value, i) => (i % 2 === 0 ? value + 0.08 : value - 0.15));
  const decisions = decide(before, thresholds);
  assert.notDeepEqual(decide(after, thresholds), decisions);
  assert.deepEqual(decide(after, matchThresholds(after, decisions, thresholds)), decisions);
});

test("a threshold that is as good as any stays, and one that must move goes no further than it must", () => {
  const same = Float32Array.of(0.2, 0.8);
  assert.deepEqual(matchThresholds(same, Uint8Array.of(0, 1), Float32Array.of(0.3)), Float32Array.of(0.3));
  // Between 0.4 and 0.8 it keeps a quarter of the gap.
  const [moved] = matchThresholds(Float32Array.of(0.4, 0.8), Uint8Array.of(0, 1), Float32Array.of(0.3));
  assert.ok(Math.abs(moved - 0.5) < 1e-6);
});

test("a tag that no tile had, or that all had, gets a threshold that says so", () => {
  const values = Float32Array.of(0.5, 0.6, 0.7);
  const none = matchThresholds(values, new Uint8Array(3), Float32Array.of(0.55));
  assert.deepEqual(decide(values, none), new Uint8Array(3));
  const all = matchThresholds(values, new Uint8Array(3).fill(1), Float32Array.of(0.55));
  assert.deepEqual(decide(values, all), new Uint8Array(3).fill(1));
});
