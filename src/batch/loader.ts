/**
 * The loader: tiles come in as a stream, batches of pixels go out in the same order. Several batches are decoded ahead
 * of the consumer; the number of slots limits the memory.
 */
import { checkInteger } from "../check.js";
import { inChunks } from "../chunks.js";
import type { Augmentation } from "../decode/augmentation.js";
import type { DecodeOptions, DecodeOutcome } from "../decode/decoder.js";
import type { DecodePool, PixelTarget } from "../decode/pool.js";
import { InterruptedError } from "../errors.js";
import type { Tile, TileFeed } from "../tiles/tile.js";
import type { Batch } from "./batch.js";
import { discard, type Pending, ReadAhead } from "./read-ahead.js";
import type { Slot, SlotRing } from "./slot-ring.js";

export interface LoadOptions {
  /** Of all tiles. */
  decode: DecodeOptions;
  /** Tiles per batch; the last one may have fewer. */
  batchSize: number;
  /** Batches that may be decoding, or decoded and waiting for the consumer. @default as many as the ring has slots */
  batchesAhead?: number;
  /**
   * Tiles per decode task. @default whole batches; if there are more workers than batches ahead, parts of them of at
   * least 4
   */
  chunkSize?: number;
  /** How tile `i` of the source is altered. @default not at all */
  augment?: (i: number) => Augmentation;
  /** Aborting ends the stream with InterruptedError. */
  signal?: AbortSignal;
}

/**
 * Yields batches in source order. The consumer calls `release()` on each. If the loop is left early, the source fails
 * or the signal aborts, tiles being decoded are waited for, and every slot is given back.
 * @throws RangeError if a batch does not fit into a slot; InterruptedError on abort; whatever the source throws.
 */
export async function* loadBatches(
  source: TileFeed,
  pool: DecodePool,
  ring: SlotRing,
  options: LoadOptions,
): AsyncGenerator<Batch, void, undefined> {
  const limit = checkLoad(ring, options);
  const { signal } = options;
  let index = 0;
  const start = async (tiles: Tile[]) => startBatch(tiles, index++, await ring.acquire(), pool, ring, options);
  const reader = new ReadAhead(inChunks(source, options.batchSize), start, limit);
  const onAbort = () => reader.fail(new InterruptedError());
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) yield batch;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await Promise.all(reader.close().map(discard));
  }
}

function checkLoad(ring: SlotRing, options: LoadOptions): number {
  const { batchSize, batchesAhead = ring.slotCount, chunkSize, decode } = options;
  checkInteger("batchSize", batchSize, 1, 4096);
  checkInteger("batchesAhead", batchesAhead, 1, 4096);
  if (chunkSize !== undefined) checkInteger("chunkSize", chunkSize, 1, 4096);
  if (batchSize * decode.size ** 2 * 3 > ring.slotBytes) {
    throw new RangeError(
      `Expected a slot to hold ${batchSize} tiles of ${decode.size} pixels, got ${ring.slotBytes} bytes.`,
    );
  }
  return batchesAhead;
}

/** Sends the tiles to the workers in chunks, their pixels to go into `slot`; the batch is ready when `decoded` is. */
export function startBatch(
  tiles: Tile[],
  index: number,
  slot: Slot,
  pool: DecodePool,
  ring: SlotRing,
  options: LoadOptions,
): Pending {
  const { augment } = options;
  const tileBytes = options.decode.size ** 2 * 3;
  const outcomes: DecodeOutcome[] = new Array(tiles.length).fill(undefined);
  const chunkSize = options.chunkSize ?? defaultChunkSize(tiles.length, pool, ring, options);
  const decodeChunk = async (from: number): Promise<void> => {
    const target: PixelTarget = { buffer: ring.buffer, byteOffset: slot.byteOffset + from * tileBytes };
    const chunk = tiles.slice(from, from + chunkSize);
    const first = index * options.batchSize + from;
    const augmentations = augment && chunk.map((_, i) => augment(first + i));
    const results = await pool.decode(chunk, target, options.decode, augmentations);
    for (const [i, outcome] of results?.entries() ?? []) outcomes[from + i] = outcome;
  };
  const chunks = Array.from({ length: Math.ceil(tiles.length / chunkSize) }, (_, i) => decodeChunk(i * chunkSize));
  const pixels = new Uint8Array(ring.buffer, slot.byteOffset, tiles.length * tileBytes);
  const batch = { index, tiles, slot, pixels, outcomes, release: releaseOnce(ring, slot) };
  return { batch, decoded: allEnded(chunks) };
}

/** Rejects as Promise.all does, but only once all have ended: until then workers write into the slot. */
async function allEnded(chunks: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(chunks);
  await Promise.all(chunks);
}

/** Every worker should have something to do; beyond that, fewer tasks cost less. */
function defaultChunkSize(tiles: number, pool: DecodePool, ring: SlotRing, options: LoadOptions): number {
  const { batchesAhead = ring.slotCount } = options;
  return Math.max(4, Math.ceil(tiles / Math.ceil(pool.workers / batchesAhead)));
}

function releaseOnce(ring: SlotRing, slot: Slot): () => void {
  let held = true;
  return () => {
    if (held) ring.release(slot);
    held = false;
  };
}
