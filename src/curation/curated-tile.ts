/** A tile with everything that labelling tools show of it. */
import { resolve } from "node:path";
import type { TagDoubt } from "../labels/name-list.js";
import { tilePath, withoutExtension } from "../labels/names.js";
import { isRemote } from "../remote/address.js";
import { type Tile, tileLocation } from "../tiles/tile.js";

export interface CuratedTile {
  tile: Tile;
  /** The tags of its label; absent if it has none. */
  labels?: readonly string[];
  /** The tags a model gave it, with known probabilities. */
  prediction?: TilePrediction;
  /** Why it was suggested. */
  suggestion?: { score: number; reason: string };
  /** Its tags that are probably wrong, the surest first. */
  doubts?: readonly TagDoubt[];
  /** The tags the model is least sure of, the least sure first. */
  doubtful?: readonly string[];
}

export interface TilePrediction {
  tags: readonly string[];
  /** By tag. */
  probabilities?: ReadonlyMap<string, number>;
}

/** Formats of labelling tools. */
export const EXCHANGE_FORMATS = ["label-studio", "fiftyone"] as const;
export type ExchangeFormat = (typeof EXCHANGE_FORMATS)[number];

/** Where other programs find the tile: its absolute path, or its address. */
export function absoluteLocation(tile: Tile): string {
  return isRemote(tile.path) ? tileLocation(tile) : resolve(tileLocation(tile));
}

/**
 * How tables name the tiles: if two of them share a name, all are written with their folders, from the last folder that
 * they have in common.
 */
export function namesFor(tiles: readonly Tile[]): (tile: Tile) => string {
  if (new Set(tiles.map(({ name }) => name)).size === tiles.length) return ({ name }) => name;
  const common = tiles.map(tilePath).reduce(commonStart).lastIndexOf("/");
  const from = tilePath(tiles[0]).lastIndexOf("/", common - 1) + 1;
  return (tile) => withoutExtension(tilePath(tile).slice(from));
}

function commonStart(a: string, b: string): string {
  let end = 0;
  while (end < a.length && a[end] === b[end]) end++;
  return a.slice(0, end);
}
