/**
 * Shards. If there are as many archives as shards, each archive is one shard's, and nobody else reads it. Otherwise a
 * hash of a tile's name decides. So shards need not know of each other.
 */

import { basename } from "node:path";
import type { Tile } from "./tile.js";

export interface Shard {
  /** From 1. */
  index: number;
  count: number;
}

/** Whether the tile called `name` is `shard`'s. */
export function inShard(name: string, { index, count }: Shard): boolean {
  return hashName(name) % count === index - 1;
}

/** A shard's part of an input. */
export interface Share {
  /** Whether the tile is the shard's; of those that `archives` leaves to be listed. */
  has(tile: Pick<Tile, "name" | "path">): boolean;
  /** Set if archives are dealt out as a whole. */
  archives?: {
    /** Whether the archive is the shard's. */
    has(path: string): boolean;
    /** Lines that tell the archives of the whole input from others. */
    facts: readonly string[];
  };
}

/** The share of `shard` in an input with these archives, in its order. */
export function shareOf(shard: Shard, archives: readonly { path: string; bytes: number }[]): Share {
  const inHash = ({ name }: Pick<Tile, "name">): boolean => inShard(name, shard);
  if (archives.length < shard.count) return { has: inHash };
  const shards = deal(
    archives.map(({ bytes }) => bytes),
    shard.count,
  );
  const all = new Set(archives.map(({ path }) => path));
  const own = new Set(archives.filter((_, i) => shards[i] === shard.index - 1).map(({ path }) => path));
  return {
    has: (tile) => (all.has(tile.path) ? own.has(tile.path) : inHash(tile)),
    archives: {
      has: (path) => own.has(path),
      facts: archives.map(({ path, bytes }) => `${basename(path)} ${bytes}`),
    },
  };
}

/** To which of `count` shards each archive goes: the largest first, each to the one that has least. */
export function deal(bytes: readonly number[], count: number): number[] {
  const loads = new Array<number>(count).fill(0);
  const shards = new Array<number>(bytes.length);
  const order = [...bytes.keys()].sort((a, b) => bytes[b] - bytes[a] || a - b);
  for (const i of order) {
    const least = loads.reduce((best, load, shard) => (load < loads[best] ? shard : best), 0);
    shards[i] = least;
    // Empty archives are spread, too.
    loads[least] += bytes[i] + 1;
  }
  return shards;
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
