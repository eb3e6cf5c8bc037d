/** Which tile has which labels: by name. */
import { InputError } from "../errors.js";
import type { LabelRow, Labels } from "./labels.js";
import { type Tile, type TileSource, tileLocation } from "./tile.js";

export interface LabelledTiles {
  /** Tiles that have labels, in the order of the label file. */
  tiles: Tile[];
  /** `rows[i]` labels `tiles[i]`. */
  rows: LabelRow[];
  /** Names that are labelled but have no tile. */
  labelsWithoutTiles: string[];
  /** Tiles that nothing labels. */
  tilesWithoutLabels: Tile[];
}

/**
 * Pairs tiles with labels by name.
 *
 * @throws InputError where there are no tiles, where none of them is labelled, and where two tiles share a name
 */
export async function matchTiles(labels: Labels, source: TileSource | Iterable<Tile>): Promise<LabelledTiles> {
  const byName = await indexTiles(source);
  if (byName.size === 0) {
    throw new InputError("There are no tiles: expected files ending in .jpg, .jpeg, .png, .tif, .tiff or .webp.");
  }
  const matched = labels.rows.filter((row) => byName.has(row.name));
  if (matched.length === 0) {
    const tile = byName.values().next().value as Tile;
    throw new InputError(
      `No tile is labelled in ${labels.path}: it names ${labels.rows[0].name}, the tiles are called ${tile.name}.`,
    );
  }
  const tiles = matched.map((row) => byName.get(row.name) as Tile);
  const labelsWithoutTiles = labels.rows.filter((row) => !byName.has(row.name)).map((row) => row.name);
  for (const row of matched) {
    byName.delete(row.name);
  }
  return { tiles, rows: matched, labelsWithoutTiles, tilesWithoutLabels: [...byName.values()] };
}

async function indexTiles(source: TileSource | Iterable<Tile>): Promise<Map<string, Tile>> {
  const byName = new Map<string, Tile>();
  for await (const tile of source) {
    const other = byName.get(tile.name);
    if (other !== undefined) {
      throw new InputError(
        `Two tiles are called ${tile.name}: ${tileLocation(other)} and ${tileLocation(tile)}. Labels go by name: rename one.`,
      );
    }
    byName.set(tile.name, tile);
  }
  return byName;
}
