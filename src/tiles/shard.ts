/** Shards: a hash of a tile's name decides which shard takes it, so that shards need not know of each other. */

export interface Shard {
  /** From 1. */
  index: number;
  count: number;
}

/** Whether the tile called `name` is `shard`'s. */
export function inShard(name: string, { index, count }: Shard): boolean {
  return hashName(name) % count === index - 1;
}

/**
 * A hash of `text` with 53 bits, the same on every machine and in every version, because machines share a run by it:
 * two FNV-1a-like lanes over its UTF-16 code units with different multipliers, mixed as in MurmurHash3's finaliser.
 */
export function hashName(text: string): number {
  const low = mix(lane(text, 0x811c9dc5, 0x01000193));
  const high = mix(lane(text, 0x9747b28c, 0x85ebca6b));
  return (high & 0x1fffff) * 2 ** 32 + low;
}

function lane(text: string, seed: number, multiplier: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), multiplier);
  return hash;
}

function mix(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
