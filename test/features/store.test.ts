import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { KEY_BYTES } from "../../src/features/segment.js";
import { type FeatureIdentity, FeatureStore } from "../../src/features/store.js";
import { temporaryFolder } from "../helpers.js";

const IDENTITY: FeatureIdentity = {
  network: "ab",
  numFeatures: 3,
  size: 224,
  colorspace: "auto",
  antialias: true,
  maxPixels: 1e6,
  onTruncated: "reject",
  decoder: "addon-1",
  runtime: "cpu",
};

/** Keys of rows `from` to `to`, and features that tell which row they are. */
function makeRows(from: number, to: number) {
  const keys = new Uint8Array((to - from) * KEY_BYTES);
  const features = new Float32Array((to - from) * 3);
  for (let i = 0; i < to - from; i++) {
    keys.set([1, (from + i) & 255, (from + i) >> 8], i * KEY_BYTES);
    features.set([from + i, -(from + i), 0.5], i * 3);
  }
  return { keys, features };
}

function segments(store: FeatureStore): string[] {
  return readdirSync(store.folder)
    .filter((name) => name.endsWith(".features"))
    .map((name) => join(store.folder, name));
}

function fill(root: string, from: number, to: number, identity = IDENTITY): FeatureStore {
  const store = new FeatureStore(identity, {}, root);
  const { keys, features } = makeRows(from, to);
  store.append(keys, features);
  store.close();
  return store;
}

/** First feature of each row, or undefined where the store has not got it. */
function lookUp(root: string, from: number, to: number, identity = IDENTITY): (number | undefined)[] {
  const store = new FeatureStore(identity, {}, root);
  const rows = store.find(makeRows(from, to).keys);
  const target = new Float32Array(rows.length * 3).fill(Number.NaN);
  const damaged = new Set(store.read(rows, target));
  store.close();
  return [...rows.keys()].map((i) => (rows[i] < 0 || damaged.has(i) ? undefined : target[i * 3]));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

test("a segment that is full is followed by another, and all are found", (t) => {
  const root = temporaryFolder(t);
  const store = new FeatureStore(IDENTITY, {}, root, 4000);
  for (let from = 0; from < 600; from += 50) {
    const { keys, features } = makeRows(from, from + 50);
    store.append(keys, features);
  }
  const target = new Float32Array(600 * 3);
  assert.deepEqual(store.read(store.find(makeRows(0, 600).keys), target), []);
  assert.deepEqual(
    range(0, 600).map((i) => target[i * 3]),
    range(0, 600),
  );
  store.close();
  const sizes = segments(store).map((path) => statSync(path).size);
  assert.ok(sizes.length >= 4 && sizes.every((size) => size < 4000 + 150 * 32 + 100), sizes.join());
  assert.deepEqual(lookUp(root, 0, 600), range(0, 600));
});

test("what one run appended the next one finds", (t) => {
  const root = temporaryFolder(t);
  fill(root, 0, 1000);
  assert.deepEqual(lookUp(root, 0, 1000), range(0, 1000));
  assert.deepEqual(lookUp(root, 998, 1003), [998, 999, undefined, undefined, undefined]);
});

test("rows are found in the run that appended them, flushed or not", (t) => {
  const store = new FeatureStore(IDENTITY, {}, temporaryFolder(t));
  const { keys, features } = makeRows(0, 200);
  for (let i = 0; i < 200; i += 10) {
    store.append(keys.subarray(i * KEY_BYTES, (i + 10) * KEY_BYTES), features.subarray(i * 3, (i + 10) * 3));
  }
  store.flush();
  const target = new Float32Array(600);
  assert.deepEqual(store.read(store.find(keys), target), []);
  assert.deepEqual(target, features);
  store.close();
});

test("rows asked for in any order, and more than once, land where they were asked for", (t) => {
  const root = temporaryFolder(t);
  fill(root, 0, 300);
  const store = new FeatureStore(IDENTITY, {}, root);
  const rows = store.find(makeRows(0, 300).keys);
  const wanted = Int32Array.from([250, 3, -1, 3, 299, 0], (i) => (i < 0 ? -1 : rows[i]));
  const target = new Float32Array(18).fill(7);
  store.read(wanted, target);
  assert.deepEqual([...target.filter((_, i) => i % 3 === 0)], [250, 3, 7, 3, 299, 0]);
  store.close();
});

test("variants of a tile are kept apart", (t) => {
  const root = temporaryFolder(t);
  const store = new FeatureStore(IDENTITY, {}, root);
  const { keys, features } = makeRows(0, 5);
  store.append(keys, features, 0);
  store.append(
    keys,
    features.map((value) => value + 100),
    6,
  );
  store.close();
  const again = new FeatureStore(IDENTITY, {}, root);
  const rows = again.find(keys, [0, 6, 7]);
  const target = new Float32Array(rows.length * 3).fill(-1);
  again.read(rows, target);
  assert.deepEqual([target[0], target[3], target[6], target[9], target[12]], [0, 100, -1, 1, 101]);
  again.close();
});

test("a row that is written again counts in its latest form", (t) => {
  const root = temporaryFolder(t);
  fill(root, 0, 10);
  const store = new FeatureStore(IDENTITY, {}, root);
  store.append(makeRows(4, 5).keys, Float32Array.of(77, 77, 77));
  store.flush();
  const target = new Float32Array(3);
  store.read(store.find(makeRows(4, 5).keys), target);
  assert.deepEqual([...target], [77, 77, 77]);
  store.close();
});

test("another backbone, size, colour reading or decoder is another store", (t) => {
  const root = temporaryFolder(t);
  fill(root, 0, 3);
  for (const change of [{ network: "cd" }, { size: 128 }, { colorspace: "rgb" }, { decoder: "addon-2" }]) {
    assert.deepEqual(lookUp(root, 0, 3, { ...IDENTITY, ...change }), [undefined, undefined, undefined]);
  }
});

test("a segment cut at any length gives every whole block before the cut, and nothing wrong", (t) => {
  const root = temporaryFolder(t);
  const store = new FeatureStore(IDENTITY, {}, root);
  for (const from of [0, 4, 8]) {
    const { keys, features } = makeRows(from, from + 4);
    store.append(keys, features);
    store.flush();
  }
  store.close();
  const [path] = segments(store);
  const whole = statSync(path).size;
  for (let length = whole; length >= 0; length -= 5) {
    truncateSync(path, length);
    const found = lookUp(root, 0, 12);
    const blocks = Math.floor((length - 64) / ((whole - 64) / 3));
    assert.deepEqual(
      found,
      range(0, 12).map((i) => (i < Math.max(0, blocks) * 4 ? i : undefined)),
      `cut at ${length}`,
    );
  }
});

test("a row whose bytes rotted is reported, the others are read", (t) => {
  const root = temporaryFolder(t);
  const store = fill(root, 0, 10);
  const [path] = segments(store);
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = bytes.at(-1)! ^ 1;
  writeFileSync(path, bytes);
  assert.deepEqual(lookUp(root, 0, 10), [...range(0, 9), undefined]);
});

test("foreign files in the folder are passed over", (t) => {
  const root = temporaryFolder(t);
  const store = fill(root, 0, 4);
  writeFileSync(join(store.folder, "0-foreign.features"), "what is this?".repeat(100));
  writeFileSync(join(store.folder, "empty.features"), "");
  writeFileSync(join(store.folder, "notes.txt"), "hello");
  const [path] = segments(store).filter((name) => !/foreign|empty/.test(name));
  appendFileSync(path, Buffer.alloc(500, 0xcb));
  assert.deepEqual(lookUp(root, 0, 5), [0, 1, 2, 3, undefined]);
});

test("two writers at once lose nothing", (t) => {
  const root = temporaryFolder(t);
  const first = new FeatureStore(IDENTITY, {}, root);
  const second = new FeatureStore(IDENTITY, {}, root);
  for (let i = 0; i < 50; i++) {
    const a = makeRows(i, i + 1);
    const b = makeRows(100 + i, 101 + i);
    first.append(a.keys, a.features);
    second.append(b.keys, b.features);
    if (i % 7 === 0) first.flush();
    if (i % 5 === 0) second.flush();
  }
  first.close();
  second.close();
  assert.equal(segments(first).length, 2);
  assert.deepEqual(lookUp(root, 0, 50), range(0, 50));
  assert.deepEqual(lookUp(root, 100, 150), range(100, 150));
});

test("a cache that cannot be written costs a warning, not the run", (t) => {
  const root = join(temporaryFolder(t), "a-file");
  writeFileSync(root, "in the way");
  const warnings: string[] = [];
  const store = new FeatureStore(IDENTITY, { onWarning: (message) => warnings.push(message) }, root);
  const { keys, features } = makeRows(0, 300);
  store.append(keys, features);
  store.flush();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /CANOPY_CACHE/);
  assert.deepEqual([...store.find(keys).slice(0, 2)], [-1, -1]);
  store.close();
});

test("a pipe among the segments is passed over, and not waited for", (t) => {
  const root = temporaryFolder(t);
  const { folder } = fill(root, 0, 4);
  execFileSync("mkfifo", [join(folder, "0.features")]);
  assert.deepEqual(lookUp(root, 0, 4), [0, 1, 2, 3]);
});
