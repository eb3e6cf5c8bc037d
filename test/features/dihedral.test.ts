import assert from "node:assert/strict";
import { test } from "node:test";
import { loadAddon } from "../../src/addon.js";
import { turnTiles } from "../../src/decode/alter.js";
import { ALL_VARIANTS, applyDihedral } from "../../src/features/dihedral.js";
import { gradient } from "../images.js";

const SIZE = 5;
const PIXELS = Buffer.concat([gradient(SIZE, 3), gradient(SIZE, 3, 99)]);

function turn(k: number, source: Uint8Array = PIXELS): Buffer {
  const target = Buffer.alloc(source.length);
  turnTiles(source, target, 2, SIZE, k);
  return target;
}

test("one is a quarter turn counter-clockwise, four a left-right flip", () => {
  const at = (pixels: Buffer, x: number, y: number) => pixels.readUIntBE((y * SIZE + x) * 3, 3);
  assert.equal(at(turn(1), 0, SIZE - 1), at(PIXELS, 0, 0));
  assert.equal(at(turn(1), 0, 0), at(PIXELS, SIZE - 1, 0));
  assert.equal(at(turn(4), SIZE - 1, 2), at(PIXELS, 0, 2));
  assert.deepEqual(turn(0), PIXELS);
});

test("the eight elements are different and form a group", () => {
  const all = ALL_VARIANTS.map((k) => turn(k).toString("hex"));
  assert.equal(new Set(all).size, 8);
  for (const k of ALL_VARIANTS) {
    for (const j of ALL_VARIANTS) assert.ok(all.includes(turn(j, turn(k)).toString("hex")));
  }
});

test("the addon turns as TypeScript does", { skip: loadAddon() ? false : "the addon is not built" }, () => {
  for (const k of ALL_VARIANTS) {
    const target = Buffer.alloc(PIXELS.length);
    applyDihedral(PIXELS, target, 2, SIZE, k);
    assert.deepEqual(target, turn(k));
  }
});

test("an element that does not exist is refused", () => {
  assert.throws(() => applyDihedral(PIXELS, Buffer.alloc(PIXELS.length), 2, SIZE, 8), RangeError);
});
