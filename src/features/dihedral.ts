/** The eight flips and quarter turns of a square tile. */
import { loadAddon } from "../addon.js";
import { checkInteger } from "../check.js";
import { turnTiles } from "../decode/alter.js";

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
