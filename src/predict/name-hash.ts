/** Names as numbers: which shard a tile belongs to, and whether its name has been seen. */

/** Names a NameSet remembers at most: 64 MiB. */
const MAX_NAMES = 1 << 22;

/**
 * 53 bits of `text`, the same on every machine: two FNV-1a-like lanes over its UTF-16 code units with different multipliers, mixed as
 * in MurmurHash3's finaliser.
 */
export function hashName(text: string): number {
  const low = mix(lane(text, 0x811c9dc5, 0x01000193));
  const high = mix(lane(text, 0x9747b28c, 0x85ebca6b));
  return (high & 0x1fffff) * 2 ** 32 + low;
}

export interface Shard {
  /** From 1. */
  index: number;
  count: number;
}

/** Whether the tile called `name` is `shard`'s. */
export function inShard(name: string, { index, count }: Shard): boolean {
  return hashName(name) % count === index - 1;
}

/** Remembers names in bounded memory. */
export class NameSet {
  #slots = new Float64Array(1 << 12);
  #size = 0;

  /** True once no more names are taken in. */
  get isFull(): boolean {
    return this.#size >= MAX_NAMES;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether `name` was there before; a full set takes in nothing new. */
  add(name: string): boolean {
    const key = hashName(name) || 1;
    if (this.#find(this.#slots, key) < 0) return true;
    if (this.isFull) return false;
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    this.#slots[this.#find(this.#slots, key)] = key;
    this.#size++;
    return false;
  }

  /** The free slot for `key`, or -1 if it is there. */
  #find(slots: Float64Array, key: number): number {
    let slot = key % slots.length;
    while (slots[slot] !== 0) {
      if (slots[slot] === key) return -1;
      slot = (slot + 1) % slots.length;
    }
    return slot;
  }

  #grow(): void {
    const slots = new Float64Array(this.#slots.length * 2);
    for (const key of this.#slots) {
      if (key !== 0) slots[this.#find(slots, key)] = key;
    }
    this.#slots = slots;
  }
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
