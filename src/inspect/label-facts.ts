/** How labels and tiles fit together, and which tags go with which. */
import { countTags } from "../labels/collect.js";
import type { LabelledTiles } from "../labels/match.js";
import type { Doubt, LabelRow, LabelTable, Recognised } from "../labels/table.js";

export interface LabelFacts {
  path: string;
  /** What the file was recognised as. */
  recognised: Recognised;
  /** Probable mistakes. */
  doubts: Doubt[];
  /** Rows of the file. */
  rows: number;
  /** Rows that have a tile. */
  rowsWithTiles: number;
  rowsWithoutTags: string[];
  /** Names in the labels that no tile has. */
  labelsWithoutTiles: string[];
  /** Names of tiles that no row labels. */
  tilesWithoutLabels: string[];
  /** Tags by number of tiles, most frequent first, counted over rows that have a tile. */
  tags: { tag: string; tiles: number }[];
  /** `counts[i][j]`: tiles with both `tags[i].tag` and `tags[j].tag`, for the most frequent 1,000 tags. */
  cooccurrence: number[][];
}

/** Tags whose pairs are counted. */
const MAX_PAIRED = 1000;

/** `matched`: the labels with their tiles. */
export function describeLabels(labels: LabelTable, matched: LabelledTiles): LabelFacts {
  const tags = sortTags(countTags(matched.rows));
  const paired = tags.slice(0, MAX_PAIRED).map(({ tag }) => tag);
  return {
    path: labels.path,
    recognised: labels.recognised,
    doubts: labels.doubts,
    rows: labels.rows.length,
    rowsWithTiles: matched.rows.length,
    rowsWithoutTags: labels.rows.filter((row) => row.tags.length === 0).map((row) => row.path),
    labelsWithoutTiles: matched.labelsWithoutTiles,
    tilesWithoutLabels: matched.tilesWithoutLabels.map(({ name }) => name),
    tags,
    cooccurrence: countPairs(matched.rows, paired),
  };
}

function sortTags(counts: ReadonlyMap<string, number>): LabelFacts["tags"] {
  return [...counts]
    .map(([tag, tiles]) => ({ tag, tiles }))
    .sort((a, b) => b.tiles - a.tiles || (a.tag < b.tag ? -1 : 1));
}

function countPairs(rows: readonly LabelRow[], tags: readonly string[]): number[][] {
  const columns = new Map(tags.map((tag, column) => [tag, column]));
  const counts = tags.map(() => tags.map(() => 0));
  for (const row of rows) {
    const own = row.tags.map((tag) => columns.get(tag)).filter((column) => column !== undefined);
    for (const a of own) for (const b of own) counts[a][b]++;
  }
  return counts;
}
