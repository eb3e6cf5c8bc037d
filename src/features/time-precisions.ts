/** How fast a backbone is with floats and with another precision on this machine, measured in turn and noted in the cache. */
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
import { fillWithNoise } from "./agreement.js";
import { Backbone, defaultTilesPerRun } from "./backbone.js";
import type { Device } from "./device.js";
import { thisCpu } from "./kernels.js";
import { defaultBatchSize } from "./stream.js";

const SCHEMA = v.object({ floats: finite, other: finite, gain: finite, rounds: positive });
/** Milliseconds of a tile in one session, and floats / other. */
export type PrecisionTiming = v.InferOutput<typeof SCHEMA>;

interface TimingRequest {
  /** The prepared backbone with floats and with the other precision. */
  floats: Uint8Array;
  other: Uint8Array;
  size: number;
  numFeatures: number;
  device: Device;
}

/** After one round to warm up. */
const ROUNDS = 5;

/** The fastest round counts: other programs only make it slower. */
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

function notePath({ other, size, device }: TimingRequest): string {
  const hash = createHash("sha256").update(other);
  hash.update(JSON.stringify([onnxRuntimeVersion(), thisCpu(), size, device]));
  return join(cacheFolder(), "timings", `${hash.digest("hex")}.json`);
}

async function measure({ floats, other, size, numFeatures, device }: TimingRequest): Promise<PrecisionTiming> {
  const tilesPerRun = Math.min(defaultTilesPerRun(device, size), defaultBatchSize({ device, size }));
  const backbones: Backbone[] = [];
  const ring = new SlotRing(1, tilesPerRun * size * size * 3);
  try {
    for (const model of [floats, other]) {
      backbones.push(await Backbone.open({ model, size, numFeatures, device, sessions: 1 }));
    }
    const slot = await ring.acquire();
    const pixels = fillWithNoise(new Uint8Array(ring.buffer, slot.byteOffset, tilesPerRun * size * size * 3));
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
    return { floats: best[0], other: best[1], gain: best[0] / best[1], rounds: ROUNDS };
  } finally {
    await Promise.all(backbones.map((backbone) => backbone.close()));
    ring.close();
  }
}
