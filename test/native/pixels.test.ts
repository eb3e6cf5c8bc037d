import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { addon, decodeRgb, difference, NEEDS_ADDON, noise, OPTIONS, segments, waves } from "./support.js";

/** Turns and mirrors by their definitions, pixel by pixel. */
function dihedral(source: Uint8Array, size: number, k: number): Uint8Array {
  const pixel = (pixels: Uint8Array, y: number, x: number) => [
    ...pixels.subarray((y * size + x) * 3, (y * size + x) * 3 + 3),
  ];
  const build = (at: (y: number, x: number) => number[]) =>
    Uint8Array.from(Array.from({ length: size * size }, (_, i) => at(Math.floor(i / size), i % size)).flat());
  let pixels = source;
  if (k & 4) {
    const before = pixels;
    pixels = build((y, x) => pixel(before, y, size - 1 - x));
  }
  for (let turn = 0; turn < (k & 3); turn++) {
    const before = pixels;
    // Counter-clockwise: the last column becomes the first row.
    pixels = build((y, x) => pixel(before, x, size - 1 - y));
  }
  return pixels;
}

test("the eight flips and turns are those of their definition", NEEDS_ADDON, () => {
  const size = 7;
  const tile = size * size * 3;
  const source = noise(2 * tile);
  for (let k = 0; k < 8; k++) {
    const target = new Uint8Array(2 * tile);
    addon().dihedral(source, target, 2, size, k);
    assert.deepEqual(target.subarray(0, tile), dihedral(source.subarray(0, tile), size, k), `k = ${k}`);
    assert.deepEqual(target.subarray(tile), dihedral(source.subarray(tile), size, k), `k = ${k}`);
  }
});

test("an encoded tile has Planet's form and comes back", NEEDS_ADDON, () => {
  const rgba = waves(50, 34, 4);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
  const bytes = addon().encodePlanetJpeg(rgba, 50, 34, 95);
  const found = segments(bytes);
  assert.deepEqual([...bytes.subarray(0, 2)], [0xff, 0xd8]);
  assert.deepEqual([...bytes.subarray(-2)], [0xff, 0xd9]);
  assert.deepEqual(
    found.map(({ marker }) => marker),
    [0xdb, 0xc0, 0xc4, 0xc4, 0xda],
  );
  const frame = [...bytes.subarray(found[1].start + 4, found[1].end)];
  assert.deepEqual(frame, [8, 0, 34, 0, 50, 4, 0, 0x11, 0, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
  const rgb = rgba.filter((_, i) => i % 4 < 3);
  assert.ok(difference(decodeRgb(bytes), rgb).mean < 2);
});

test("an alias sees the shared memory both ways, and outlives garbage collection", NEEDS_ADDON, () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const shared = new Uint8Array(new SharedArrayBuffer(1 << 16));
  for (let i = 0; i < 20; i++) {
    const alias = new Uint8Array(addon().aliasShared(shared.subarray(256)));
    assert.equal(alias.length, shared.length - 256);
    alias[i] = 200 + i;
    shared[300] = i;
    assert.equal(shared[256 + i], 200 + i);
    assert.equal(alias[44], i);
    collect();
  }
  assert.equal(shared[256], 200);
});

test("decoding writes into shared memory", NEEDS_ADDON, () => {
  const bytes = addon().encodePlanetJpeg(new Uint8Array(16 * 16 * 4).fill(255), 16, 16, 90);
  const shared = new Uint8Array(new SharedArrayBuffer(16 * 16 * 3));
  assert.equal(addon().decodeBytes(bytes, shared, { ...OPTIONS, size: 16 }), undefined);
  assert.ok(shared.every((value) => value === 255));
});

test("several worker threads decode at once, each with its own state", NEEDS_ADDON, async () => {
  const rgba = waves(64, 64, 4);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
  const bytes = addon().encodePlanetJpeg(rgba, 64, 64, 90);
  const options = { ...OPTIONS, size: 40 };
  const expected = new Uint8Array(40 * 40 * 3);
  addon().decodeBytes(bytes, expected, options);
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(workerData.module).then(({ loadAddon }) => {
      const target = new Uint8Array(40 * 40 * 3);
      for (let i = 0; i < 200; i++) loadAddon().decodeBytes(workerData.bytes, target.fill(0), workerData.options);
      parentPort.postMessage(target);
    });`;
  const module = new URL("../../src/addon.js", import.meta.url).href;
  const workers = [1, 2, 3].map(() => new Worker(source, { eval: true, workerData: { module, bytes, options } }));
  for (const [pixels] of await Promise.all(workers.map((worker) => once(worker, "message")))) {
    assert.deepEqual(new Uint8Array(pixels as Uint8Array), expected);
  }
});

test("misuse throws before memory is touched", NEEDS_ADDON, () => {
  const bytes = new Uint8Array(10);
  const small = new Uint8Array(5);
  assert.throws(() => addon().decodeBytes(bytes, small, { ...OPTIONS, size: 8 }), RangeError);
  assert.throws(() => addon().decodeFiles([{ path: "x" }], small, { ...OPTIONS, size: 8 }), RangeError);
  assert.throws(() => addon().decodeBytes(bytes, small, { ...OPTIONS, size: 0 }), RangeError);
  assert.throws(() => addon().decodeBytes(bytes, small, { ...OPTIONS, size: 1.5 }), RangeError);
  assert.throws(() => addon().decodeBytes("x" as unknown as Uint8Array, small, OPTIONS), TypeError);
  assert.throws(() => addon().resizeRgb(small, 2, 2, new Uint8Array(3), 1, true), RangeError);
  assert.throws(() => addon().dihedral(small, small, 1, 4, 0), RangeError);
  assert.throws(() => addon().dihedral(new Uint8Array(48), new Uint8Array(48), 1, 4, 8), RangeError);
  assert.throws(() => addon().encodePlanetJpeg(small, 4, 4, 90), RangeError);
});

test("each stage of the benchmark takes time", NEEDS_ADDON, async (t) => {
  const { writeTiles } = await import("../images.js");
  const { temporaryFolder } = await import("../helpers.js");
  const tiles = await writeTiles(temporaryFolder(t), 3);
  for (const stage of ["read", "decode", "color", "resize", "whole", "ceiling"] as const) {
    assert.ok(addon().benchStage(stage, tiles, OPTIONS) > 0, stage);
  }
  assert.throws(() => addon().benchStage("other" as "read", tiles, OPTIONS), RangeError);
  assert.throws(() => addon().benchStage("whole", [{ path: "absent" }], OPTIONS), /Cannot open/);
});
