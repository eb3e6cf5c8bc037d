import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DecodePool } from "../../src/decode/pool.js";
import { Backbone } from "../../src/features/backbone.js";
import { extractFeatures } from "../../src/features/extract.js";
import { measurePipeline } from "../../src/features/measure.js";
import { FeatureStore } from "../../src/features/store.js";
import { extractToStore } from "../../src/features/stored.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";
import { writeTiles } from "../images.js";
import { TOY_FEATURES, toyBackbone } from "./toy-backbone.js";

const SIZE = 16;
const pool = new DecodePool({ workers: 1 });
let backbone: Backbone;
let folder: string;
let tiles: Tile[];

before(async () => {
  backbone = await Backbone.open({ model: toyBackbone(SIZE), size: SIZE, numFeatures: TOY_FEATURES, sessions: 1 });
  folder = mkdtempSync(join(tmpdir(), "canopy-test-"));
  tiles = await writeTiles(folder, 11, 20);
});
after(async () => {
  await Promise.all([pool.close(), backbone.close()]);
  rmSync(folder, { recursive: true });
});

function openStore(root: string): FeatureStore {
  const numFeatures = TOY_FEATURES;
  const rest = {
    colorspace: "auto",
    antialias: true,
    maxPixels: 1e6,
    onTruncated: "reject",
    decoder: "test",
    runtime: "cpu",
  };
  return new FeatureStore({ network: "toy", numFeatures, size: SIZE, ...rest }, {}, root);
}

test("features read from the store in windows are those of the extraction in memory", async (t) => {
  const store = openStore(temporaryFolder(t));
  const bad = { name: "bad", path: join(folder, "missing.jpg") };
  const list = [...tiles.slice(0, 4), bad, ...tiles.slice(4)];
  const inMemory = await extractFeatures(list, { pool, backbone, variants: [0, 5] });
  const options = { pool, backbone, store, variants: [0, 5] };
  const stored = await extractToStore(list, options);
  assert.deepEqual([stored.rows, stored.decoded, stored.cached], [12, 12, 0]);
  assert.equal(stored.outcomes[4]?.code, "READ");
  for (const [v, variant] of [0, 5].entries()) {
    const parts = [
      await stored.read(0, 5, variant),
      await stored.read(5, 1, variant),
      await stored.read(6, 6, variant),
    ];
    assert.deepEqual(Float32Array.from(parts.flatMap((part) => [...part])), inMemory.features[v]);
  }
  const picked = new Float32Array(3 * stored.numFeatures);
  stored.pick(Uint32Array.of(7, 0, 7), [0, 5, 5], picked);
  const rowOf = (tile: number, v: number) => [
    ...inMemory.features[v].subarray(tile * stored.numFeatures, (tile + 1) * stored.numFeatures),
  ];
  assert.deepEqual([...picked], [...rowOf(7, 0), ...rowOf(0, 1), ...rowOf(7, 1)]);
  const again = await extractToStore(list, options);
  assert.deepEqual([again.decoded, again.cached], [1, 11]);
  await assert.rejects(again.read(0, 1, 3), RangeError);
  store.close();
});

test("features that cannot be kept are told, before all are computed", async (t) => {
  const file = join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  // No folder can be made below a file.
  const store = openStore(file);
  const counts: number[] = [];
  const context = { onProgress: ({ done }: { done: number }) => void counts.push(done) };
  const options = { pool, backbone, store, batchSize: 1 };
  await assert.rejects(extractToStore(tiles, options, context), /cannot be kept in .*Set CANOPY_CACHE/);
  assert.ok(Math.max(...counts) < tiles.length, counts.join());
  // None of it would have been kept.
  const bad = { name: "bad", path: join(folder, "missing.jpg") };
  assert.equal((await extractToStore([bad], options)).rows, 1);
  store.close();
});

test("stored features are others than those of the same file before it was written again", async (t) => {
  const [root, copies] = [temporaryFolder(t), temporaryFolder(t)];
  const list = await writeTiles(copies, 2, 20);
  const print = async (some = list) => {
    const store = openStore(root);
    const { fingerprint } = await extractToStore(some, { pool, backbone, store });
    store.close();
    return fingerprint;
  };
  const before = await print();
  assert.equal(await print(), before);
  assert.notEqual(await print(list.slice(0, 1)), before);
  utimesSync(list[1].path, 1, 1);
  assert.notEqual(await print(), before);
});

test("measuring the pipeline gives a rate of both kinds for every round, and leaves the backbone usable", async () => {
  const rates = await measurePipeline(tiles, { pool, backbone, rounds: 2, seconds: 0, batchSize: 4 });
  assert.deepEqual([rates.tiles, rates.batchSize, rates.sessions, rates.workers], [11, 4, 1, 1]);
  for (const values of [rates.bare, rates.pipeline, rates.bareCpu, rates.pipelineCpu]) {
    assert.equal(values.length, 2);
    assert.ok(values.every((value) => value > 0));
  }
  assert.equal((await extractFeatures(tiles, { pool, backbone })).decoded, 11);
});

test("there is nothing to measure with where no tile can be decoded", async () => {
  const bad = [{ name: "bad", path: join(folder, "missing.jpg") }];
  await assert.rejects(measurePipeline(bad, { pool, backbone }), /nothing to measure/);
  await assert.rejects(measurePipeline([], { pool, backbone }), /nothing to measure/);
});
