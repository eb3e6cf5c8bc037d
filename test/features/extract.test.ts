import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DecodePool } from "../../src/decode/pool.js";
import { InterruptedError } from "../../src/errors.js";
import { Backbone } from "../../src/features/backbone.js";
import { ALL_VARIANTS } from "../../src/features/dihedral.js";
import { type ExtractOptions, extractFeatures } from "../../src/features/extract.js";
import { type FeatureIdentity, FeatureStore } from "../../src/features/store.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";
import { writeTiles } from "../images.js";
import { TOY_FEATURES, toyBackbone } from "./toy-backbone.js";

const SIZE = 16;
const IDENTITY: FeatureIdentity = {
  network: "toy",
  numFeatures: TOY_FEATURES,
  size: SIZE,
  colorspace: "auto",
  antialias: true,
  maxPixels: 1e6,
  onTruncated: "reject",
  decoder: "test",
  runtime: "cpu",
};
const pool = new DecodePool({ workers: 1 });
let backbone: Backbone;
let folder: string;
let tiles: Tile[];

before(async () => {
  backbone = await Backbone.open({ model: toyBackbone(SIZE), size: SIZE, numFeatures: TOY_FEATURES, sessions: 1 });
  folder = mkdtempSync(join(tmpdir(), "canopy-test-"));
  tiles = await writeTiles(folder, 13, 20);
});
after(async () => {
  await Promise.all([pool.close(), backbone.close()]);
  rmSync(folder, { recursive: true });
});

async function extract(root: string | undefined, list: Tile[], options: Partial<ExtractOptions> = {}) {
  const store = root === undefined ? undefined : new FeatureStore(IDENTITY, {}, root);
  try {
    return await extractFeatures(list, { pool, backbone, batchSize: 4, ...(store ? { store } : {}), ...options });
  } finally {
    store?.close();
  }
}

test("a second extraction decodes nothing and gives the same bits", async (t) => {
  const root = temporaryFolder(t);
  const first = await extract(root, tiles);
  const second = await extract(root, tiles);
  assert.deepEqual([first.decoded, first.cached], [13, 0]);
  assert.deepEqual([second.decoded, second.cached], [0, 13]);
  assert.deepEqual(second.features, first.features);
  assert.deepEqual((await extract(undefined, tiles)).features, first.features);
});

test("only tiles that are new or have changed are decoded", async (t) => {
  const root = temporaryFolder(t);
  await extract(root, tiles.slice(0, 6));
  const changed = { name: "changed", path: join(folder, "changed.jpg") };
  copyFileSync(tiles[0].path, changed.path);
  const list = [...tiles.slice(3, 8), changed];
  assert.deepEqual([(await extract(root, list)).decoded, (await extract(root, list)).decoded], [3, 0]);
  utimesSync(changed.path, 1, 1);
  assert.equal((await extract(root, list)).decoded, 1);
});

test("rejected tiles are decoded again, and read once they are mended", async (t) => {
  const root = temporaryFolder(t);
  const bad = { name: "bad", path: join(folder, "mended.jpg") };
  writeFileSync(bad.path, "not yet a picture");
  const first = await extract(root, [tiles[0], bad]);
  assert.deepEqual(
    first.outcomes.map((outcome) => outcome?.code),
    [undefined, "FORMAT"],
  );
  assert.ok(first.features[0].subarray(TOY_FEATURES).every((value) => value === 0));
  assert.equal((await extract(root, [tiles[0], bad])).decoded, 1);
  copyFileSync(tiles[1].path, bad.path);
  const mended = await extract(root, [tiles[0], bad]);
  assert.deepEqual([mended.decoded, mended.cached, mended.outcomes[1]], [1, 1, undefined]);
});

test("variants are extracted in one go and cached each", async (t) => {
  const root = temporaryFolder(t);
  const all = await extract(root, tiles, { variants: ALL_VARIANTS });
  assert.equal(all.features.length, 8);
  const again = await extract(root, tiles, { variants: ALL_VARIANTS });
  assert.equal(again.decoded, 0);
  assert.deepEqual(again.features, all.features);
  const plain = await extract(root, tiles);
  assert.equal(plain.decoded, 0);
  assert.deepEqual(plain.features[0], all.features[0]);
});

test("an abort keeps what was extracted", async (t) => {
  const store = new FeatureStore(IDENTITY, {}, temporaryFolder(t));
  const controller = new AbortController();
  const onProgress = ({ done }: { done: number }) => done >= 5 && controller.abort();
  const context = { signal: controller.signal, onProgress };
  await assert.rejects(extractFeatures(tiles, { pool, backbone, batchSize: 1, store }, context), InterruptedError);
  const { decoded, cached } = await extractFeatures(tiles, { pool, backbone, store });
  assert.ok(cached >= 5 && decoded === tiles.length - cached, `${cached} cached, ${decoded} decoded`);
  store.close();
});

test("progress counts cached, decoded and rejected tiles", async (t) => {
  const store = new FeatureStore(IDENTITY, {}, temporaryFolder(t));
  const states: string[] = [];
  const bad = { name: "bad", path: join(folder, "none.jpg") };
  const context = {
    onProgress: (state: { stage: string; done: number; total?: number; rejected: number }) =>
      states.push(`${state.stage} ${state.done}/${state.total} ${state.rejected}`),
  };
  await extractFeatures(tiles.slice(0, 4), { pool, backbone, store });
  await extractFeatures([...tiles.slice(0, 6), bad], { pool, backbone, store, batchSize: 8 }, context);
  assert.deepEqual(states, ["features 4/7 0", "features 7/7 1"]);
  store.close();
});
