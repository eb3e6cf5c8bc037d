/** How labels and tiles fit together, and which tags go with which. */
import type { LabelRow, Labels } from "../tiles/labels.js";

export interface LabelFacts {
  path: string;
  /** Rows of the file. */
  rows: number;
  /** Rows that have a tile. */
  rows_with_tiles: number;
  rows_without_tags: string[];
  /** Names in the labels that no tile has. */
  labels_without_tiles: string[];
  /** Names of tiles that no row labels. */
  tiles_without_labels: string[];
  /** Tags by number of tiles, most frequent first, counted over rows that have a tile. */
  tags: { tag: string; tiles: number }[];
  /** `counts[i][j]`: tiles with both `tags[i].tag` and `tags[j].tag`. */
  cooccurrence: number[][];
}

/** `names`: the names of the tiles. */
export function describeLabels(labels: Labels, names: ReadonlySet<string>): LabelFacts {
  const present = labels.rows.filter((row) => names.has(row.name));
  const labelled = new Set(labels.rows.map((row) => row.name));
  const tags = countTags(present);
  return {
    path: labels.path,
    rows: labels.rows.length,
    rows_with_tiles: present.length,
    rows_without_tags: labels.rows.filter((row) => row.tags.length === 0).map((row) => row.name),
    labels_without_tiles: labels.rows.filter((row) => !names.has(row.name)).map((row) => row.name),
    tiles_without_labels: [...names].filter((name) => !labelled.has(name)),
    tags,
    cooccurrence: countPairs(
      present,
      tags.map(({ tag }) => tag),
    ),
  };
}

function countTags(rows: readonly LabelRow[]): LabelFacts["tags"] {
  const counts = new Map<string, number>();
  for (const tag of rows.flatMap((row) => row.tags)) {
    counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  return [...counts]
    .map(([tag, tiles]) => ({ tag, tiles }))
    .sort((a, b) => b.tiles - a.tiles || (a.tag < b.tag ? -1 : 1));
}

function countPairs(rows: readonly LabelRow[], tags: readonly string[]): number[][] {
  const columns = new Map(tags.map((tag, column) => [tag, column]));
  const counts = tags.map(() => tags.map(() => 0));
  for (const { tags: own } of rows) {
    for (const a of own) {
      for (const b of own) {
        counts[columns.get(a)!][columns.get(b)!]++;
      }
    }
  }
  return counts;
}
