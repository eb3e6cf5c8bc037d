/** How many tiles are of each size and encoding, and say what is left aside. Most frequent first. */
import { type Tile, tileLocation } from "../tiles/tile.js";
import type { TileFacts } from "./worker.js";

export interface SizeCount {
  width: number;
  height: number;
  tiles: number;
}

export interface EncodingCount {
  encoding: string;
  reading: string;
  tiles: number;
  /** The first such tile. */
  example: string;
  /** Least and greatest sample of bands; null for other pictures. */
  values: { min: number; max: number } | null;
}

export interface LeftAsideCount {
  /** `orientation 6`, `ICC profile "Display P3"`, `gamma 1` */
  what: string;
  tiles: number;
  /** The first such tile. */
  example: string;
}

export function countSizes(facts: readonly TileFacts[]): SizeCount[] {
  const counts = new Map<string, SizeCount>();
  for (const { width, height } of facts) {
    const entry = counts.get(`${width}x${height}`) ?? { width, height, tiles: 0 };
    entry.tiles++;
    counts.set(`${width}x${height}`, entry);
  }
  return [...counts.values()].sort((a, b) => b.tiles - a.tiles);
}

export function countLeftAside(tiles: readonly Tile[], facts: readonly (TileFacts | undefined)[]): LeftAsideCount[] {
  const counts = new Map<string, LeftAsideCount>();
  for (const [i, fact] of facts.entries()) {
    for (const what of fact?.leftAside ?? []) {
      const entry = counts.get(what) ?? { what, tiles: 0, example: tileLocation(tiles[i]) };
      entry.tiles++;
      counts.set(what, entry);
    }
  }
  return [...counts.values()].sort((a, b) => b.tiles - a.tiles);
}

function widest(a: TileFacts["values"], b: TileFacts["values"]): TileFacts["values"] {
  if (a === null || b === null) return a ?? b;
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

export function countEncodings(tiles: readonly Tile[], facts: readonly (TileFacts | undefined)[]): EncodingCount[] {
  const counts = new Map<string, EncodingCount>();
  for (const [i, fact] of facts.entries()) {
    if (fact !== undefined) {
      const { encoding, reading, values } = fact;
      const key = `${encoding}\n${reading}`;
      const entry = counts.get(key) ?? { encoding, reading, tiles: 0, example: tileLocation(tiles[i]), values: null };
      entry.tiles++;
      entry.values = widest(entry.values, values);
      counts.set(key, entry);
    }
  }
  return [...counts.values()].sort((a, b) => b.tiles - a.tiles);
}
