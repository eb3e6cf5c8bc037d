/** The eight flips and quarter turns of a square tile. */
import { loadAddon } from "../addon.js";
import { checkInteger } from "../check.js";

/** All elements of the dihedral group D4, the identity first. */
export const ALL_VARIANTS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

/** Elements of the group that training with `augment` and scoring with `tta` need. */
export function variantsFor(augment: "none" | "d4", tta: "none" | "d4"): readonly number[] {
  return augment === "d4" || tta === "d4" ? ALL_VARIANTS : [0];
}

/**
 * Applies element `k` to each `[size, size, 3]` uint8 tile of `source`, into `target`: `k` modulo 4 quarter turns counter-clockwise, and from 4
 * on a left-right flip before them.
 */
export function applyDihedral(source: Uint8Array, target: Uint8Array, count: number, size: number, k: number): void {
  checkInteger("k", k, 0, 7);
  const addon = loadAddon();
  if (addon) addon.dihedral(source, target, count, size, k);
  else turnTiles(source, target, count, size, k);
}

/** The same in plain TypeScript. */
export function turnTiles(source: Uint8Array, target: Uint8Array, count: number, size: number, k: number): void {
  const tileBytes = size * size * 3;
  for (let tile = 0; tile < count; tile++) {
    let to = tile * tileBytes;
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++, to += 3) {
        const from = tile * tileBytes + sourcePixel(x, y, size - 1, k) * 3;
        target[to] = source[from];
        target[to + 1] = source[from + 1];
        target[to + 2] = source[from + 2];
      }
    }
  }
}

/** Index of the source pixel that lands at (x, y); `last` is size - 1. */
function sourcePixel(x: number, y: number, last: number, k: number): number {
  const turned: [number, number] = (
    [
      [x, y],
      [last - y, x],
      [last - x, last - y],
      [y, last - x],
    ] as [number, number][]
  )[k % 4];
  const column = k < 4 ? turned[0] : last - turned[0];
  return turned[1] * (last + 1) + column;
}
