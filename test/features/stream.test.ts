import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DecodePool } from "../../src/decode/pool.js";
import { InterruptedError, ModelError } from "../../src/errors.js";
import { Backbone } from "../../src/features/backbone.js";
import { ALL_VARIANTS } from "../../src/features/dihedral.js";
import { type StreamOptions, streamFeatures } from "../../src/features/stream.js";
import { resolveBackbone } from "../../src/models/registry.js";
import { prepareBackbone } from "../../src/onnx/prepare.js";
import type { Tile } from "../../src/tiles/tile.js";
import { GOLDENS, readFloats } from "../goldens.js";
import { encode, gradient, stream, writeTiles } from "../images.js";
import { maxDifference } from "../onnx/run.js";
import { fussyBackbone, logBackbone, TOY_FEATURES, toyBackbone } from "./toy-backbone.js";

const SIZE = 16;
const pool = new DecodePool({ workers: 2 });
const TOY = { model: toyBackbone(SIZE), size: SIZE, numFeatures: TOY_FEATURES };
let backbone: Backbone;
let folder: string;
let tiles: Tile[];

before(async () => {
  backbone = await Backbone.open({ ...TOY, sessions: 2 });
  folder = mkdtempSync(join(tmpdir(), "canopy-test-"));
  tiles = await writeTiles(folder, 21, 20);
});
after(async () => {
  await Promise.all([pool.close(), backbone.close()]);
  rmSync(folder, { recursive: true });
});

async function collect(source: Iterable<Tile>, options: Partial<StreamOptions> = {}) {
  const names: string[] = [];
  const codes: (string | undefined)[] = [];
  const features: Float32Array[] = [];
  for await (const batch of streamFeatures(stream(source), { pool, backbone, batchSize: 4, ...options })) {
    names.push(...batch.tiles.map((tile) => tile.name));
    codes.push(...batch.outcomes.map((outcome) => outcome?.code));
    features.push(batch.features);
  }
  return { names, codes, features: Buffer.concat(features.map((part) => new Uint8Array(part.buffer))) };
}

function bitsOf(features: Buffer, tile: number, perTile = TOY_FEATURES): Buffer {
  return features.subarray(tile * perTile * 4, (tile + 1) * perTile * 4);
}

test("features come in source order and are the same bits for every batch size, run size and number of sessions", async () => {
  const reference = await collect(tiles, { batchSize: 1 });
  assert.deepEqual(
    reference.names,
    tiles.map((tile) => tile.name),
  );
  assert.equal(new Set(tiles.map((_, i) => bitsOf(reference.features, i).toString("hex"))).size, tiles.length);
  for (const batchSize of [3, 8, 21, 30]) assert.deepEqual(await collect(tiles, { batchSize }), reference);
  const single = await Backbone.open({ ...TOY, sessions: 1, tilesPerRun: 2 });
  assert.deepEqual(await collect(tiles, { backbone: single, batchesAhead: 1 }), reference);
  await single.close();
});

test("memory of recycled features is filled again, and what comes out is the same", async () => {
  for (const variants of [[0], ALL_VARIANTS]) {
    const reference = await collect(tiles, { variants });
    const seen: Buffer[] = [];
    const given: Float32Array[] = [];
    for await (const batch of streamFeatures(stream(tiles), { pool, backbone, batchSize: 4, variants })) {
      seen.push(Buffer.from(new Uint8Array(batch.features.buffer)));
      given.push(batch.features);
      batch.recycle();
      batch.recycle();
    }
    assert.deepEqual(Buffer.concat(seen), reference.features);
    // What was sent to a session to be filled again is not readable here any more. With several variants it is a copy that is given out.
    assert.equal(
      given.some((features) => features.length === 0),
      variants.length === 1,
    );
  }
});

/** The backbone in the box, which knows tiles from noise. */
async function openBoxBackbone(): Promise<Backbone> {
  const { card, bytes } = await resolveBackbone("canopy");
  const model = prepareBackbone(bytes, card, 64);
  return Backbone.open({ model, size: 64, numFeatures: card.features.count, sessions: 2, tilesPerRun: 4 });
}

test("a real backbone gives the same bits whatever the batch a tile is in", async () => {
  const real = await openBoxBackbone();
  const reference = await collect(tiles.slice(0, 9), { backbone: real, batchSize: 1 });
  for (const batchSize of [2, 5, 9]) {
    assert.deepEqual(await collect(tiles.slice(0, 9), { backbone: real, batchSize }), reference);
  }
  await real.close();
});

test("features of tiles are what Pillow's pixels, the card's normalisation and ONNX Runtime give in Python", async () => {
  const { card } = await resolveBackbone("canopy");
  const golden = JSON.parse(readFileSync(join(GOLDENS, "network/golden.json"), "utf8"));
  assert.equal(golden.backbone_sha256, card.sha256, "another backbone: make test/goldens/network again");
  const real = await openBoxBackbone();
  const pictures = [0, 1].map((i) => ({ name: `${i}`, path: join(GOLDENS, `network/tile${i}.jpg`) }));
  const { features } = await collect(pictures, { backbone: real });
  await real.close();
  const expected = readFloats(join(GOLDENS, "network/features.f32"));
  assert.ok(maxDifference(new Float32Array(new Uint8Array(features).buffer), expected) < 1e-3);
  assert.ok(maxDifference(expected.slice(0, 1280), expected.slice(1280)) > 0.1);
});

test("rows of rejected tiles are zeros, and their neighbours are unharmed", async () => {
  const bad = { name: "bad", path: join(folder, "missing.jpg") };
  const mixed = [tiles[0], bad, tiles[1], bad, bad, bad, bad, bad, bad, bad, bad, bad, tiles[2]];
  const { codes, features } = await collect(mixed);
  assert.deepEqual(
    codes,
    mixed.map((tile) => (tile === bad ? "READ" : undefined)),
  );
  const reference = await collect(tiles.slice(0, 3));
  for (const [i, at] of [0, 2, 12].entries()) assert.deepEqual(bitsOf(features, at), bitsOf(reference.features, i));
  assert.ok(bitsOf(features, 1).every((byte) => byte === 0));
  assert.ok(bitsOf(features, 5).every((byte) => byte === 0));
});

test("rows of rejected tiles are zeros also where a black tile's are not", async (t) => {
  const biased = await Backbone.open({ ...TOY, model: toyBackbone(SIZE, 1), sessions: 1 });
  t.after(() => biased.close());
  const source = tiles.slice(0, 4).with(2, { name: "bad", path: join(folder, "missing.jpg") });
  for (const variants of [[0], ALL_VARIANTS]) {
    const { codes, features } = await collect(source, { backbone: biased, variants });
    const row = bitsOf(features, 2, TOY_FEATURES * variants.length);
    assert.deepEqual([codes[2], row.every((byte) => byte === 0)], ["READ", true]);
  }
});

test("variants are the features of the turned and flipped tile, decoded once", async () => {
  const pixels = gradient(SIZE, 3);
  const flipped = Buffer.from(pixels);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      for (let c = 0; c < 3; c++) flipped[(y * SIZE + x) * 3 + c] = pixels[(y * SIZE + SIZE - 1 - x) * 3 + c];
    }
  }
  const [plain, mirrored] = ["plain", "mirrored"].map((name) => ({ name, path: join(folder, `${name}.png`) }));
  writeFileSync(plain.path, await encode(pixels, SIZE, 3, "png"));
  writeFileSync(mirrored.path, await encode(flipped, SIZE, 3, "png"));
  const all = await collect([plain, mirrored], { variants: ALL_VARIANTS });
  const row = (tile: number, variant: number) => bitsOf(all.features, tile * 8 + variant);
  assert.deepEqual(row(0, 0), (await collect([plain])).features);
  assert.deepEqual(row(0, 4), row(1, 0));
  assert.equal(new Set(ALL_VARIANTS.map((k) => row(0, k).toString("hex"))).size, 8);
  // The same eight pictures, in another order.
  const sorted = (tile: number) => ALL_VARIANTS.map((k) => row(tile, k).toString("hex")).sort();
  assert.deepEqual(sorted(0), sorted(1));
});

test("a tile the backbone fails on is rejected, and those beside it in its batch are not", async () => {
  const fussy = await Backbone.open({ model: fussyBackbone(SIZE, 200), size: SIZE, numFeatures: 1, sessions: 2 });
  const [gray, bright] = await Promise.all(
    [90, 250].map(async (level) => {
      const path = join(folder, `level${level}.png`);
      writeFileSync(path, await encode(Buffer.alloc(SIZE * SIZE * 3, level), SIZE, 3, "png"));
      return { name: `level${level}`, path };
    }),
  );
  const mixed = [gray, gray, bright, gray, gray, gray];
  const { codes, features } = await collect(mixed, { backbone: fussy });
  assert.deepEqual(codes, [undefined, undefined, "CRASH", undefined, undefined, undefined]);
  assert.deepEqual([...new Float32Array(new Uint8Array(features).buffer)], [90, 90, 0, 90, 90, 90]);
  await assert.rejects(collect([bright, bright], { backbone: fussy }), ModelError);
  await fussy.close();
});

test("a backbone whose runs are cancelled ends them within a call, and runs again when that is taken back", async () => {
  const single = await Backbone.open({ ...TOY, sessions: 1, tilesPerRun: 1 });
  const options = { backbone: single, batchSize: 21, variants: ALL_VARIANTS };
  single.cancelRuns();
  await assert.rejects(collect(tiles, options), /the run was stopped/);
  single.acceptRuns();
  assert.equal((await collect(tiles, options)).names.length, tiles.length);
  const controller = new AbortController();
  const aborted = collect(tiles, { ...options, signal: controller.signal });
  setTimeout(() => controller.abort(), 5);
  // Whether it came to an end before or not, it can be used again.
  await aborted.catch((error) => assert.ok(error instanceof InterruptedError, error));
  assert.equal((await collect(tiles, options)).names.length, tiles.length);
  await single.close();
});

test("numbers of sessions and workers change nothing in what comes out", async () => {
  const reference = await collect(tiles, { batchSize: 2 });
  for (const [workers, sessions] of [
    [3, 1],
    [1, 2],
  ] as const) {
    const other = { pool: new DecodePool({ workers }), backbone: await Backbone.open({ ...TOY, sessions }) };
    assert.deepEqual(await collect(tiles, { ...other, batchSize: 2 }), reference);
    await Promise.all([other.pool.close(), other.backbone.close()]);
  }
});

test("leaving the loop early ends cleanly, and the backbone can be used again", async () => {
  for await (const batch of streamFeatures(stream(tiles), { pool, backbone, batchSize: 2 })) {
    assert.equal(batch.tiles.length, 2);
    break;
  }
  assert.equal((await collect(tiles)).names.length, tiles.length);
});

test("an abort stops with InterruptedError, and the backbone can be used again", async () => {
  const controller = new AbortController();
  const options = { pool, backbone, batchSize: 1, signal: controller.signal };
  let count = 0;
  const run = (async () => {
    for await (const batch of streamFeatures(stream(tiles), options)) {
      count += batch.tiles.length;
      if (count === 3) controller.abort();
    }
  })();
  await assert.rejects(run, InterruptedError);
  assert.ok(count < tiles.length);
  assert.equal((await collect(tiles)).names.length, tiles.length);
});

test("a model that does not fit is a ModelError, at opening or at the first batch", async () => {
  await assert.rejects(Backbone.open({ ...TOY, model: new Uint8Array([1, 2, 3]), sessions: 2 }), ModelError);
  const wrong = await Backbone.open({ ...TOY, numFeatures: 5, sessions: 1 });
  await assert.rejects(collect(tiles, { backbone: wrong }), ModelError);
  await wrong.close();
});

test("sessions can be opened and closed again and again", async () => {
  for (let i = 0; i < 4; i++) {
    const again = await Backbone.open({ ...TOY, sessions: 2 });
    assert.equal((await collect(tiles.slice(0, 3), { backbone: again })).names.length, 3);
    await again.close();
  }
});

test("a closed backbone refuses work", async () => {
  const closed = await Backbone.open({ ...TOY, sessions: 1 });
  await closed.close();
  await assert.rejects(collect(tiles.slice(0, 1), { backbone: closed }), ModelError);
});

test("a tile whose features are no finite numbers is rejected, and no other", async () => {
  const log = await Backbone.open({ model: logBackbone(SIZE), size: SIZE, numFeatures: 1, sessions: 1 });
  const black = join(folder, "black.png");
  writeFileSync(black, await encode(Buffer.alloc(SIZE * SIZE * 3), SIZE, 3, "png"));
  const set = tiles.toSpliced(6, 0, { name: "black", path: black });
  for (const variants of [[0], ALL_VARIANTS]) {
    const { codes, features } = await collect(set, { backbone: log, variants });
    assert.deepEqual(
      codes,
      set.map(({ name }) => (name === "black" ? "FEATURES" : undefined)),
    );
    const values = new Float32Array(features.buffer, features.byteOffset, features.length / 4);
    assert.ok(values.every(Number.isFinite));
  }
  await log.close();
});
