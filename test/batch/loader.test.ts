import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Batch } from "../../src/batch/batch.js";
import { type LoadOptions, loadBatches } from "../../src/batch/loader.js";
import { SlotRing } from "../../src/batch/slot-ring.js";
import { chunksOf } from "../../src/chunks.js";
import { DECODE_DEFAULTS } from "../../src/decode/decoder.js";
import { DecodePool } from "../../src/decode/pool.js";
import { InterruptedError } from "../../src/errors.js";
import type { Tile } from "../../src/tiles/tile.js";
import { stream, writeTiles } from "../images.js";

const SIZE = 16;
const SLOT = 4 * SIZE * SIZE * 3;
const OPTIONS: LoadOptions = { decode: { ...DECODE_DEFAULTS, size: SIZE }, batchSize: 4 };
const pool = new DecodePool({ workers: 2 });
let folder: string;
let tiles: Tile[];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "canopy-test-"));
  tiles = await writeTiles(folder, 22, 20);
});
after(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

/** Lets everything that is under way come to its end. */
async function settle(ring: SlotRing, ended = () => true): Promise<void> {
  for (let i = 0; i < 2000 && (ring.freeCount < ring.slotCount || !ended()); i++) await setTimeout(5);
}

test("batches come in source order, the last one with what is left", async () => {
  const ring = new SlotRing(3, SLOT);
  const seen: string[] = [];
  const counts: number[] = [];
  for await (const batch of loadBatches(stream(tiles), pool, ring, OPTIONS)) {
    assert.equal(batch.index, counts.length);
    assert.equal(batch.pixels.length, batch.tiles.length * SIZE * SIZE * 3);
    seen.push(...batch.tiles.map((tile) => tile.name));
    counts.push(batch.tiles.length);
    batch.release();
  }
  assert.deepEqual(counts, [4, 4, 4, 4, 4, 2]);
  assert.deepEqual(
    seen,
    tiles.map((tile) => tile.name),
  );
  assert.equal(ring.freeCount, 3);
});

test("pixels do not depend on batch size, chunk size or the number of slots", async () => {
  const pixelsOf = async (batchSize: number, slots: number, chunkSize?: number): Promise<Buffer> => {
    const ring = new SlotRing(slots, batchSize * SIZE * SIZE * 3);
    const parts: Uint8Array[] = [];
    const options = { ...OPTIONS, batchSize, ...(chunkSize === undefined ? {} : { chunkSize }) };
    for await (const batch of loadBatches(stream(tiles), pool, ring, options)) {
      parts.push(batch.pixels.slice());
      batch.release();
    }
    return Buffer.concat(parts);
  };
  const reference = await pixelsOf(1, 1);
  assert.ok(reference.some((value) => value > 0));
  assert.deepEqual(await pixelsOf(7, 2), reference);
  assert.deepEqual(await pixelsOf(22, 1, 3), reference);
});

test("a failing tile among good ones is an outcome at its place", async () => {
  const bad = { name: "bad", path: join(folder, "bad.jpg") };
  writeFileSync(bad.path, "not a picture");
  const ring = new SlotRing(2, SLOT);
  const outcomes: (string | undefined)[] = [];
  for await (const batch of loadBatches(stream([...tiles.slice(0, 5), bad, ...tiles.slice(5)]), pool, ring, OPTIONS)) {
    outcomes.push(...batch.outcomes.map((outcome) => outcome?.code));
    batch.release();
  }
  assert.equal(outcomes.length, 23);
  assert.deepEqual(outcomes.indexOf("FORMAT"), 5);
  assert.equal(outcomes.filter(Boolean).length, 1);
});

/** The tiles, and whether whoever takes them has ended that. */
function watchedSource() {
  let ended = false;
  async function* source() {
    try {
      yield* tiles;
    } finally {
      ended = true;
    }
  }
  return { source, hasEnded: () => ended };
}

test("leaving the loop early gives every slot back and ends the source", async () => {
  const ring = new SlotRing(4, SLOT);
  const { source, hasEnded } = watchedSource();
  for await (const batch of loadBatches(source(), pool, ring, OPTIONS)) {
    batch.release();
    break;
  }
  await settle(ring, hasEnded);
  assert.equal(ring.freeCount, 4);
  assert.ok(hasEnded());
});

test("leaving the loop while batches are held works, and their slots count once released", async () => {
  const ring = new SlotRing(2, SLOT);
  const held: Batch[] = [];
  for await (const batch of loadBatches(stream(tiles), pool, ring, OPTIONS)) {
    held.push(batch);
    if (held.length === 2) break;
  }
  assert.equal(ring.freeCount, 0);
  for (const batch of held) {
    batch.release();
    batch.release();
  }
  await settle(ring);
  assert.equal(ring.freeCount, 2);
});

test("the source ends also where the next batch waits for a slot when the ring is closed", async () => {
  const ring = new SlotRing(1, SLOT);
  const { source, hasEnded } = watchedSource();
  for await (const _ of loadBatches(source(), pool, ring, { ...OPTIONS, batchesAhead: 2 })) break;
  ring.close();
  for (let i = 0; i < 2000 && !hasEnded(); i++) await setTimeout(5);
  assert.ok(hasEnded());
});

test("a slot is not given back while a part of its batch is still decoded", async () => {
  let end = () => {};
  const slow = new Promise<undefined>((resolve) => {
    end = () => resolve(undefined);
  });
  const parts = [() => Promise.reject(new Error("this part failed")), () => slow];
  const halting = { workers: 2, decode: () => parts.shift()?.() } as unknown as DecodePool;
  const ring = new SlotRing(1, SLOT);
  const run = loadBatches(stream(tiles.slice(0, 4)), halting, ring, { ...OPTIONS, chunkSize: 2 }).next();
  const failed = assert.rejects(run, /this part failed/);
  await setTimeout(20);
  assert.equal(ring.freeCount, 0);
  end();
  await failed;
  assert.equal(ring.freeCount, 1);
});

test("no more is decoded ahead than asked for", async () => {
  const ring = new SlotRing(6, SLOT);
  let pulled = 0;
  async function* source() {
    for (const tile of tiles) {
      pulled++;
      yield tile;
    }
  }
  const batches = loadBatches(source(), pool, ring, { ...OPTIONS, batchesAhead: 2 });
  const { value } = await batches.next();
  await setTimeout(50);
  // One is out, two are ahead, and one group waits for its turn.
  assert.ok(pulled <= 4 * 4 + 1, `${pulled} tiles were pulled`);
  (value as Batch).release();
  await batches.return();
});

test("an error of the source reaches the consumer, and every slot comes back", async () => {
  const ring = new SlotRing(3, SLOT);
  async function* source() {
    yield* tiles.slice(0, 6);
    throw new Error("the list broke");
  }
  await assert.rejects(async () => {
    for await (const batch of loadBatches(source(), pool, ring, OPTIONS)) batch.release();
  }, /the list broke/);
  await settle(ring);
  assert.equal(ring.freeCount, 3);
});

test("an abort ends even a source that is silent", async () => {
  const ring = new SlotRing(3, SLOT);
  const controller = new AbortController();
  let wake = () => {};
  async function* source() {
    yield* tiles.slice(0, 4);
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  const run = (async () => {
    for await (const batch of loadBatches(source(), pool, ring, { ...OPTIONS, signal: controller.signal })) {
      batch.release();
      controller.abort();
      await setImmediate();
    }
  })();
  await assert.rejects(run, InterruptedError);
  wake();
  await settle(ring);
  assert.equal(ring.freeCount, 3);
});

test("a run that is aborted before it starts decodes nothing", async () => {
  const ring = new SlotRing(1, SLOT);
  const batches = loadBatches(stream(tiles), pool, ring, { ...OPTIONS, signal: AbortSignal.abort() });
  await assert.rejects(batches.next(), InterruptedError);
  await settle(ring);
  assert.equal(ring.freeCount, 1);
});

test("a batch that does not fit into a slot is refused", async () => {
  const batches = loadBatches(stream(tiles), pool, new SlotRing(1, SLOT - 1), OPTIONS);
  await assert.rejects(batches.next(), RangeError);
});

test("the source may give several tiles at a time, cut otherwise than batches", async () => {
  const ring = new SlotRing(3, SLOT);
  const batches: Tile[][] = [];
  const feed = stream<Tile | Tile[]>([tiles.slice(0, 7), tiles[7], [], tiles.slice(8, 10), tiles.slice(10)]);
  for await (const batch of loadBatches(feed, pool, ring, OPTIONS)) {
    batches.push(batch.tiles);
    batch.release();
  }
  assert.deepEqual(batches, [...chunksOf(tiles, OPTIONS.batchSize)]);
});

test("nothing is kept of batches that have been taken", async () => {
  const instant = { workers: 1, decode: async () => undefined } as unknown as DecodePool;
  const ring = new SlotRing(3, SLOT);
  const heapAfter = async (count: number): Promise<number> => {
    async function* source() {
      for (let i = 0; i < count; i++) yield tiles[0];
    }
    let heap = 0;
    for await (const batch of loadBatches(source(), instant, ring, { ...OPTIONS, batchSize: 1 })) {
      batch.release();
      if (batch.index === count - 1) heap = heapUsed();
    }
    return heap;
  };
  await heapAfter(1000);
  const grown = (await heapAfter(20_000)) - (await heapAfter(1000));
  assert.ok(grown < 1 << 20, `${grown} bytes after 19,000 batches`);
});

/** Bytes of the heap that are in use, garbage left out. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}
