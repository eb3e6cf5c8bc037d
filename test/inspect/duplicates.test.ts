import assert from "node:assert/strict";
import { test } from "node:test";
import { groupEqual, groupNear, NEAR_DISTANCE } from "../../src/inspect/duplicates.js";
import { cellDifference, type Fingerprint, fingerprint, hashDistance } from "../../src/inspect/perceptual-hash.js";
import { renderTile } from "../../src/synth/render.js";

/** RGB of a generated tile, brightened by `gain`. */
function picture(index: number, size: number, gain = 1): Uint8Array {
  const { rgba } = renderTile(8, index, size);
  return Uint8Array.from({ length: size * size * 3 }, (_, i) =>
    Math.min(255, rgba[Math.floor(i / 3) * 4 + (i % 3)] * gain),
  );
}

/** A fingerprint whose hash has the given bits set. */
function withBits(bits: readonly number[]): Fingerprint {
  const hash: [number, number] = [0, 0];
  for (const bit of bits) {
    hash[bit >> 5] = (hash[bit >> 5] | (1 << (bit & 31))) >>> 0;
  }
  return { hash, cells: new Uint8Array(72), contrast: 10 };
}

test("a picture and its smaller, brighter copy have nearly the same fingerprint, two pictures do not", () => {
  const original = fingerprint(picture(1, 128), 128, 128);
  const copy = fingerprint(picture(1, 96, 1.05), 96, 96);
  const other = fingerprint(picture(2, 128), 128, 128);
  assert.ok(hashDistance(original.hash, copy.hash) <= NEAR_DISTANCE);
  assert.ok(cellDifference(original.cells, copy.cells) < 3);
  assert.ok(hashDistance(original.hash, other.hash) > NEAR_DISTANCE);
});

test("the hash reads rows from left to right, the first bit lowest", () => {
  const pixels = new Uint8Array(9 * 8 * 3);
  pixels.fill(200, 3, 6);
  const { hash } = fingerprint(pixels, 9, 8);
  assert.deepEqual(hash, [1, 0]);
});

test("hashes up to the threshold apart are found wherever their differing bits lie, those beyond are not", () => {
  for (const bits of [
    [0, 1, 2, 3, 4],
    [0, 13, 31, 32, 63],
    [10, 11, 21, 22, 33],
    [43, 44, 53, 54, 60],
  ]) {
    assert.deepEqual(groupNear([withBits([]), withBits(bits)]), [{ members: [0, 1], distance: 5 }]);
    assert.deepEqual(groupNear([withBits([]), withBits([...bits, 50])]), []);
  }
});

test("near-duplicates chain into one group, and flat or missing pictures belong to none", () => {
  const flat = { ...withBits([]), contrast: 0.5 };
  const prints = [withBits([]), undefined, withBits([1, 2, 3]), withBits([1, 2, 3, 40, 41, 42]), flat];
  assert.deepEqual(groupNear(prints), [{ members: [0, 2, 3], distance: 3 }]);
});

test("equal keys are grouped, single and absent ones left out", () => {
  assert.deepEqual(groupEqual(["a", "b", undefined, "a", undefined, "b", "c"]), [
    [0, 3],
    [1, 5],
  ]);
});
