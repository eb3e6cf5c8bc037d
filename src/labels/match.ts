/** Which tile has which labels: by name, and by path if several share a name. */
import { FormatError, InputError } from "../errors.js";
import { type Tile, type TileSource, tileLocation } from "../tiles/tile.js";
import { sameTags } from "./collect.js";
import { tilePath, withoutExtension } from "./names.js";
import type { LabelRow, LabelTable, Recognised } from "./table.js";

/** Rows that name tiles; of a label file, or of any other table. */
export interface NamedRows {
  path: string;
  rows: readonly LabelRow[];
  recognised: Pick<Recognised, "unit">;
}

export interface LabelledTiles {
  /** Tiles that have labels, in the order of the label file. */
  tiles: Tile[];
  /** `rows[i]` labels `tiles[i]`. */
  rows: LabelRow[];
  /** Names in the file that no tile has. */
  labelsWithoutTiles: string[];
  /** Tiles without labels. */
  tilesWithoutLabels: Tile[];
}

/**
 * Pairs tiles with labels by name, and by folders if two tiles or two labels share a name.
 *
 * @throws InputError if there are no tiles, if none of them is labelled, and if a label may mean either of two tiles
 */
export async function matchTiles(labels: LabelTable, source: TileSource | Iterable<Tile>): Promise<LabelledTiles> {
  const tiles: Tile[] = [];
  for await (const tile of source) tiles.push(tile);
  if (tiles.length === 0) {
    throw new InputError("There are no tiles: expected files ending in .jpg, .jpeg, .png, .tif, .tiff or .webp.");
  }
  const matched = pairTiles(labels, tiles);
  if (matched.tiles.length > 0) return matched;
  throw new InputError(
    `No tile is labelled in ${labels.path}: it names ${labels.rows[0].path}, the tiles are called ${tiles[0].name}.`,
  );
}

/**
 * The same, but it is no error if nothing fits; with `lenient` a label that may mean either of two tiles means both.
 */
export function pairTiles(labels: NamedRows, tiles: readonly Tile[], { lenient = false } = {}): LabelledTiles {
  const tilesByName = new Map<string, Tile[]>();
  for (const tile of tiles) addTo(tilesByName, tile.name.normalize("NFC"), tile);
  const rowsByName = new Map<string, LabelRow[]>();
  for (const row of labels.rows) addTo(rowsByName, row.name, row);
  const tileOf = new Map<LabelRow, Tile>();
  const unclear = new Set<Tile>();
  for (const [name, rows] of rowsByName) {
    const namesakes = tilesByName.get(name) ?? [];
    try {
      pair(labels, rows, namesakes, tileOf);
    } catch (error) {
      if (!lenient) throw error;
      for (const row of rows) tileOf.set(row, namesakes[0]);
      for (const tile of namesakes) unclear.add(tile);
    }
  }
  return assemble(labels.rows, tiles, tileOf, unclear);
}

function assemble(
  rows: readonly LabelRow[],
  tiles: readonly Tile[],
  tileOf: ReadonlyMap<LabelRow, Tile>,
  unclear: ReadonlySet<Tile>,
): LabelledTiles {
  const matched = rows.filter((row) => tileOf.has(row));
  const matchedTiles = matched.map((row) => tileOf.get(row) as Tile);
  const labelled = new Set([...matchedTiles, ...unclear]);
  return {
    tiles: matchedTiles,
    rows: matched,
    labelsWithoutTiles: rows.filter((row) => !tileOf.has(row)).map(({ path }) => path),
    tilesWithoutLabels: tiles.filter((tile) => !labelled.has(tile)),
  };
}

function addTo<T>(groups: Map<string, T[]>, key: string, item: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}

/** Rows and tiles of one name. */
function pair(labels: NamedRows, rows: readonly LabelRow[], tiles: readonly Tile[], tileOf: Map<LabelRow, Tile>): void {
  if (tiles.length === 0) return;
  if (rows.length === 1 && tiles.length === 1) return void tileOf.set(rows[0], tiles[0]);
  const depth = rows.reduce((most, { path }) => Math.max(most, path.split("/").length), 0);
  const endings = indexEndings(tiles, depth);
  const claims = new Map<Tile, { row: LabelRow; depth: number }>();
  for (const row of rows) {
    const found = findTile(labels, row, tiles, endings);
    if (found === undefined) continue;
    const claim = claims.get(found.tile);
    if (claim === undefined || claim.depth < found.depth) claims.set(found.tile, { row, depth: found.depth });
    else if (claim.depth === found.depth) refuseContradiction(labels, claim.row, row, found.tile);
  }
  for (const [tile, { row }] of claims) tileOf.set(row, tile);
}

/** Tiles by the last folders of their paths, with and without extension; undefined if several tiles share an ending. */
type Endings = Map<string, Tile | undefined>;

function indexEndings(tiles: readonly Tile[], depth: number): Endings {
  const endings: Endings = new Map();
  const add = (ending: string, tile: Tile) => endings.set(ending, endings.has(ending) ? undefined : tile);
  for (const tile of tiles) {
    const parts = tilePath(tile).split("/");
    for (let from = Math.max(0, parts.length - depth); from < parts.length; from++) {
      const ending = parts.slice(from).join("/");
      add(ending, tile);
      if (withoutExtension(ending) !== ending) add(withoutExtension(ending), tile);
    }
  }
  return endings;
}

/** The tile whose path agrees with the row's for the most folders; undefined if the row's folders are none of theirs. */
function findTile(
  labels: NamedRows,
  row: LabelRow,
  tiles: readonly Tile[],
  endings: Endings,
): { tile: Tile; depth: number } | undefined {
  const parts = row.path.split("/");
  for (let from = 0; from < parts.length; from++) {
    const ending = parts.slice(from).join("/");
    const depth = parts.length - from;
    for (const key of [ending, withoutExtension(ending)]) {
      const tile = endings.get(key);
      if (tile !== undefined) return { tile, depth };
      if (endings.has(key) && (from === 0 || depth > 1)) throw ambiguous(labels, row, key, tiles);
    }
  }
  return tiles.length === 1 ? { tile: tiles[0], depth: 1 } : undefined;
}

function ambiguous({ path, recognised }: NamedRows, row: LabelRow, ending: string, tiles: readonly Tile[]): InputError {
  const [first, second] = tiles.filter((tile) =>
    `/${withoutExtension(tilePath(tile))}`.endsWith(`/${withoutExtension(ending)}`),
  );
  return new InputError(
    `Two tiles are called ${row.path} (${path}, ${recognised.unit} ${row.line}): ${tileLocation(first)} and ${tileLocation(second)}. ` +
      "Rename one, or let the labels give their folders.",
  );
}

function refuseContradiction({ path, recognised }: NamedRows, first: LabelRow, second: LabelRow, tile: Tile): void {
  if (sameTags(first.tags, second.tags) && first.part === second.part) return;
  throw new FormatError(
    path,
    `${path}, ${recognised.unit}s ${first.line} and ${second.line}: ${first.path} and ${second.path} both label the tile ${tileLocation(tile)}, with different tags. ` +
      "Remove one, or name the folder with all the tiles.",
  );
}

/** Whether a tile is labelled, for streams of tiles. */
export function labelledTest(labels: LabelTable): (tile: Tile) => boolean {
  const byName = new Map<string, LabelRow[]>();
  for (const row of labels.rows) addTo(byName, row.name, row);
  return (tile) => {
    const rows = byName.get(tile.name.normalize("NFC")) ?? [];
    // One label of a name means the tile of that name, whatever folders it had; of several, that with the tile's folder.
    return rows.length === 1 || rows.some((row) => agrees(row, tilePath(tile)));
  };
}

function agrees(row: LabelRow, path: string): boolean {
  return `/${withoutExtension(path)}`.endsWith(`/${withoutExtension(row.path).split("/").slice(-2).join("/")}`);
}
