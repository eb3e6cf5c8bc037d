/**
 * Augmentation: how a tile is altered each time it is trained on. What lies where, from which side and in which light does not
 * change its tags.
 */
import type { Random } from "../random.js";
import type { Look } from "./alter.js";
import type { Window } from "./window.js";

export interface Augmentation extends Look {
  /** What is read of the tile. */
  window: Window;
}

/** Ranges that augmentations are drawn from. */
export interface AugmentationRanges {
  /** Smallest share of the tile's area that is read; the largest is 1. */
  leastArea: number;
  /** Sides differ by this factor at most. */
  aspect: number;
  /** Brightness and contrast differ from 1 by this much at most. */
  light: number;
}

/** All flips and quarter turns are equally likely, and all areas, places and factors of light within their ranges. */
export function drawAugmentation(random: Random, { leastArea, aspect, light }: AugmentationRanges): Augmentation {
  const around = (spread: number) => (2 * random.uniform() - 1) * spread;
  const side = Math.sqrt(leastArea + (1 - leastArea) * random.uniform());
  const stretch = Math.exp((around(1) * Math.log(aspect)) / 2);
  return {
    turn: random.below(8),
    window: {
      width: Math.min(1, side * stretch),
      height: Math.min(1, side / stretch),
      left: random.uniform(),
      top: random.uniform(),
    },
    brightness: 1 + around(light),
    contrast: 1 + around(light),
  };
}
