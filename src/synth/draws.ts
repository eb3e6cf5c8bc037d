/** Random draws for scenes; a generator is named by integers (seed, tile, purpose), so no draw depends on another tile's. */
import { createRandom } from "../random.js";

export interface Draws {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [min, max). */
  range(min: number, max: number): number;
  /** Uniform integer from `min` to `max`, both included. */
  integer(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** Nearly normal: the sum of four uniforms, so within 3.5 standard deviations. */
  normal(mean: number, deviation: number): number;
}

/** Draws from stream `stream` of `seed` (an unsigned 32-bit integer). */
export function createDraws(seed: number, ...stream: number[]): Draws {
  const { uniform, below } = createRandom(seed, ...stream);
  return {
    next: uniform,
    range: (min, max) => min + (max - min) * uniform(),
    integer: (min, max) => min + below(max - min + 1),
    chance: (probability) => uniform() < probability,
    pick: (list) => list[below(list.length)]!,
    normal: (mean, deviation) => mean + deviation * Math.sqrt(3) * (uniform() + uniform() + uniform() + uniform() - 2),
  };
}
