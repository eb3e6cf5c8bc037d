/** How fast a backbone is with floats and with integers on this machine, measured in turn and noted in the cache. */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { SlotRing } from "../batch/slot-ring.js";
import { cacheFolder } from "../cache-folder.js";
import { ensureFolder } from "../files/output.js";
import { readJson } from "../files/read-json.js";
import { finite, positive } from "../files/schemas.js";
import { writeWhole } from "../files/write.js";
import { onnxRuntimeVersion } from "../versions.js";
import { Backbone, defaultTilesPerRun } from "./backbone.js";
import { thisCpu } from "./kernels.js";

const SCHEMA = v.object({ fp32: finite, int8: finite, gain: finite, rounds: positive });
/** Milliseconds of a tile on one thread, and fp32 / int8. */
export type PrecisionTiming = v.InferOutput<typeof SCHEMA>;

interface TimingRequest {
  /** The prepared backbone with floats and with integers. */
  fp32: Uint8Array;
  int8: Uint8Array;
  size: number;
  numFeatures: number;
}

/** After one round to warm up. */
const ROUNDS = 5;

/** On the CPU. The fastest round counts: other programs only make it slower. */
export async function timePrecisions(request: TimingRequest): Promise<PrecisionTiming> {
  const path = notePath(request);
  const note = await readJson(path, SCHEMA).catch(() => undefined);
  if (note !== undefined) return note;
  const measured = await measure(request);
  // Without a note it is measured again next time.
  await ensureFolder(dirname(path))
    .then(() => writeWhole(path, `${JSON.stringify(measured)}\n`))
    .catch(() => {});
  return measured;
}

function notePath({ int8, size }: TimingRequest): string {
  const hash = createHash("sha256").update(int8);
  hash.update(JSON.stringify([onnxRuntimeVersion(), thisCpu(), size]));
  return join(cacheFolder(), "timings", `${hash.digest("hex")}.json`);
}

async function measure({ fp32, int8, size, numFeatures }: TimingRequest): Promise<PrecisionTiming> {
  const tilesPerRun = defaultTilesPerRun("cpu", size);
  const open = (model: Uint8Array) => Backbone.open({ model, size, numFeatures, sessions: 1 });
  const backbones = await Promise.all([open(fp32), open(int8)]);
  const ring = new SlotRing(1, tilesPerRun * size * size * 3);
  try {
    const slot = await ring.acquire();
    const pixels = new Uint8Array(ring.buffer, slot.byteOffset, tilesPerRun * size * size * 3);
    for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 2654435761) >>> 24;
    const tiles = Array.from({ length: tilesPerRun }, (_, i) => ({ name: String(i), path: "" }));
    const batch = { index: 0, slot, tiles, outcomes: tiles.map(() => undefined), pixels, release: () => {} };
    const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [i, backbone] of backbones.entries()) {
        const begun = performance.now();
        await backbone.run(batch, ring);
        if (round > 0) best[i] = Math.min(best[i], (performance.now() - begun) / tilesPerRun);
      }
    }
    const [floats, integers] = best;
    return { fp32: floats, int8: integers, gain: floats / integers, rounds: ROUNDS };
  } finally {
    await Promise.all(backbones.map((backbone) => backbone.close()));
    ring.close();
  }
}
