/** canopy as users run it: a stream of tiles through the loader and its decode workers into slots of shared memory. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadBatches } from "../batch/loader.js";
import { SlotRing } from "../batch/slot-ring.js";
import { DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import { DecodePool } from "../decode/pool.js";
import type { Tile } from "../tiles/tile.js";
import { canopyVersion } from "../versions.js";
import { type Contender, type SetupRequest, WHOLE } from "./protocol.js";

/** Tiles per batch, and the most bytes of all slots. */
const BATCH_SIZE = 64;
const RING_BYTES = 256 << 20;

export function openCanopyContender({ paths, size, threads }: SetupRequest): Contender {
  const pool = new DecodePool({ workers: threads });
  const slots = 2 * threads + 2;
  const tileBytes = size ** 2 * 3;
  const batchSize = Math.max(1, Math.min(BATCH_SIZE, Math.floor(RING_BYTES / slots / tileBytes)));
  const ring = new SlotRing(slots, batchSize * tileBytes);
  const decode: DecodeOptions = { ...DECODE_DEFAULTS, size };
  const tiles: Tile[] = paths.map((path, i) => ({ name: String(i), path }));
  const load = (indices: readonly number[]) => loadBatches(stream(tiles, indices), pool, ring, { decode, batchSize });
  return {
    version: canopyVersion(),
    async round(indices) {
      const start = performance.now();
      for await (const batch of load(indices)) batch.release();
      return { [WHOLE]: (performance.now() - start) / 1000 };
    },
    async writeColours(indices, folder) {
      for await (const { tiles: ready, pixels, release } of load(indices)) {
        for (const [i, { name }] of ready.entries()) {
          await writeFile(join(folder, `${name}.rgb`), pixels.slice(i * tileBytes, (i + 1) * tileBytes));
        }
        release();
      }
    },
  };
}

async function* stream(tiles: readonly Tile[], indices: readonly number[]): AsyncGenerator<Tile, void, undefined> {
  for (const index of indices) yield tiles[index];
}
