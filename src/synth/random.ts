/** Seeded random numbers: a generator is named by integers (seed, tile, purpose), so no draw depends on another tile's. */

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [min, max). */
  range(min: number, max: number): number;
  /** Uniform integer in [min, max], both included. */
  integer(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** Nearly normal: the sum of four uniforms, so within 3.5 standard deviations. */
  normal(mean: number, deviation: number): number;
}

/** A generator for `key`: safe integers, of which every bit counts. The algorithm is sfc32 (Chris Doty-Humphrey, PractRand). */
export function createRandom(...key: number[]): Random {
  const next = sfc32(hash(key, 0x9e3779b9), hash(key, 0x243f6a88), hash(key, 0xb7e15162));
  const range = (min: number, max: number) => min + (max - min) * next();
  return {
    next,
    range,
    integer: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: (probability) => next() < probability,
    pick: (list) => list[Math.floor(next() * list.length)]!,
    normal: (mean, deviation) => mean + deviation * Math.sqrt(3) * (next() + next() + next() + next() - 2),
  };
}

function sfc32(seedA: number, seedB: number, seedC: number): () => number {
  let [a, b, c, counter] = [seedA, seedB, seedC, 1];
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) {
    next();
  }
  return next;
}

/** Murmur3's mixing over the low and high half of each integer. */
function hash(key: readonly number[], salt: number): number {
  let h = salt | 0;
  for (const value of key) {
    for (const word of [value | 0, Math.floor(value / 4294967296) | 0]) {
      h = Math.imul(h ^ word, 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      h ^= h >>> 16;
    }
  }
  return h;
}
