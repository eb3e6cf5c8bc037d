/** Equal tiles: the same picture under two names, in whatever encoding. A head that has learnt one of them has seen the other. */
import { hash } from "node:crypto";
import type { FeatureSource } from "../head/feature-matrix.js";
import type { RunContext } from "../run-context.js";
import { countGroups, type LabelMatrix } from "../tiles/label-matrix.js";

/** Bytes of a hash that make a number. */
const KEY_BYTES = 6;

/** `labels` with tiles of the same features as groups, which no split parts. Reads each window of `features` once. */
export async function groupEqualTiles(labels: LabelMatrix, features: FeatureSource): Promise<LabelMatrix> {
  const { rows, windowRows, numFeatures } = features;
  const firsts = new Map<number, number>();
  const groups = new Uint32Array(rows);
  for (let start = 0; start < rows; start += windowRows) {
    const count = Math.min(windowRows, rows - start);
    const window = await features.read(start, count);
    for (let row = 0; row < count; row++) {
      const key = keyOf(window.subarray(row * numFeatures, (row + 1) * numFeatures));
      const first = firsts.get(key) ?? start + row;
      firsts.set(key, first);
      groups[start + row] = first;
    }
  }
  return firsts.size === rows ? labels : { ...labels, groups };
}

function keyOf(features: Float32Array): number {
  const bytes = new Uint8Array(features.buffer, features.byteOffset, features.byteLength);
  return hash("sha256", bytes, "buffer").readUIntLE(0, KEY_BYTES);
}

/** Says how many tiles are equal to others, and warns where the label file itself has parted them. */
export function tellEqualTiles(
  { labels, validation }: { labels: LabelMatrix; validation?: Uint32Array },
  { onNotice, onWarning }: RunContext,
): void {
  const { groups, rows } = labels;
  if (groups === undefined) return;
  const more = rows - countGroups(labels);
  onNotice?.(
    `${more} of ${rows} tiles ${more === 1 ? "is" : "are"} equal to another one: equal tiles stay on one side of every split.`,
  );
  if (validation === undefined) return;
  const heldOut = new Set(validation);
  const learnt = new Set(groups.filter((_, row) => !heldOut.has(row)));
  const seen = validation.filter((row) => learnt.has(groups[row])).length;
  if (seen === 0) return;
  onWarning?.(
    `${seen} of the ${validation.length} tiles for validation are equal to tiles that are learnt, so that their scores are too good: give equal tiles the same part.`,
  );
}
