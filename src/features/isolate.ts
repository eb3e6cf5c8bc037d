/**
 * A batch that makes ONNX Runtime fail: its tiles are run one by one, so that only those that fail alone are rejected.
 */
import type { Batch } from "../batch/batch.js";
import type { SlotRing } from "../batch/slot-ring.js";
import type { DecodeOutcome } from "../decode/decoder.js";
import type { Backbone } from "./backbone.js";

/**
 * `[variants, tiles, numFeatures]` as of `backbone.run`; sets `batch.outcomes` of the tiles that fail alone. Throws the
 * batch's own error if all of its tiles fail: then no tile is to blame.
 */
export async function runSingly(
  batch: Batch,
  ring: SlotRing,
  backbone: Backbone,
  variants: readonly number[],
  failure: unknown,
): Promise<Float32Array> {
  const { tiles, slot, outcomes } = batch;
  const { numFeatures, size } = backbone;
  const features = new Float32Array(variants.length * tiles.length * numFeatures);
  const found: DecodeOutcome[] = [...outcomes];
  for (const [i, tile] of tiles.entries()) {
    if (outcomes[i] !== undefined) continue;
    const alone = { ...batch, tiles: [tile], slot: { ...slot, byteOffset: slot.byteOffset + i * size ** 2 * 3 } };
    try {
      const rows = await backbone.run(alone, ring, variants);
      for (const v of variants.keys()) {
        features.set(rows.subarray(v * numFeatures, (v + 1) * numFeatures), (v * tiles.length + i) * numFeatures);
      }
    } catch (error) {
      found[i] = { code: "CRASH", message: `The backbone fails on it: ${(error as Error).message}` };
    }
  }
  if (found.every((outcome) => outcome !== undefined)) throw failure;
  for (const [i, outcome] of found.entries()) outcomes[i] = outcome;
  return features;
}
