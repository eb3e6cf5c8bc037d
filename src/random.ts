/**
 * Seeded pseudo-random numbers: xoshiro128** 1.1 (Blackman and Vigna, 2018), its state filled by SplitMix32. The same seed gives the
 * same numbers on every machine and Node version. Not for secrets.
 */
import { checkInteger } from "./check.js";

export interface Random {
  /** Uniform integer in [0, 2^32). */
  uint32(): number;
  /** Uniform in [0, 1), 32 bits of resolution. */
  uniform(): number;
  /** Uniform integer in [0, bound), without bias. */
  below(bound: number): number;
}

/**
 * A generator for `seed` (an unsigned 32-bit integer) and any further numbers that name a stream of it, such as an epoch:
 * `createRandom(seed, epoch)` needs no saved state to go on after an interruption.
 */
export function createRandom(seed: number, ...stream: number[]): Random {
  checkInteger("seed", seed, 0, 0xffffffff);
  const state = seedState([seed, ...stream]);
  const uint32 = () => next(state);
  return {
    uint32,
    uniform: () => uint32() / 0x1_0000_0000,
    below: (bound) => below(uint32, bound),
  };
}

/** A uniformly random order of 0..count-1 (Fisher-Yates). */
export function permutation(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}

function seedState(words: readonly number[]): Uint32Array {
  let mixed = 0;
  const splitMix = () => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let z = mixed ^ (mixed >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  for (const word of words) {
    mixed = (splitMix() ^ word) | 0;
  }
  return Uint32Array.from({ length: 4 }, splitMix);
}

function next(s: Uint32Array): number {
  const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0;
  const t = s[1] << 9;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotateLeft(s[3], 11);
  return result;
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

// Rejection keeps every value equally likely if `bound` does not divide 2^32.
function below(uint32: () => number, bound: number): number {
  const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
  let value = uint32();
  while (value >= limit) {
    value = uint32();
  }
  return value % bound;
}
