/** LabelMatrix: which tile has which tag, multi-hot. */
import { InputError } from "../errors.js";
import type { TaggedTile, TagSet } from "./tag-set.js";

export interface LabelMatrix {
  /** `[rows, tags.length]` uint8, row-major, 0 or 1. */
  data: Uint8Array;
  rows: number;
  /** Tag names by column. */
  tags: readonly string[];
  /** `[rows]` Rows with the same number stay on the same side of every split: equal tiles. @default each on its own */
  groups?: Uint32Array;
}

/**
 * The multi-hot matrix of `rows` over `tagSet`. A tag outside the set is an InputError naming tile and tag, unless `ignoreUnknown`
 * (scoring a model on labels that know more tags than it does).
 */
export function toLabelMatrix(
  rows: readonly TaggedTile[],
  tagSet: TagSet,
  { ignoreUnknown = false }: { ignoreUnknown?: boolean } = {},
): LabelMatrix {
  const numTags = tagSet.names.length;
  const data = new Uint8Array(rows.length * numTags);
  rows.forEach((row, i) => {
    for (const tag of row.tags) {
      const column = tagSet.columns.get(tag);
      if (column !== undefined) {
        data[i * numTags + column] = 1;
      } else if (!ignoreUnknown) {
        throw new InputError(`Tile ${row.name} has the tag ${tag}, which is not one of: ${tagSet.names.join(", ")}.`);
      }
    }
  });
  return { data, rows: rows.length, tags: tagSet.names };
}

/** The rows `indices` of `labels`, copied, in that order. */
export function selectLabels(labels: LabelMatrix, indices: ArrayLike<number>): LabelMatrix {
  const numTags = labels.tags.length;
  const data = new Uint8Array(indices.length * numTags);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i] * numTags;
    data.set(labels.data.subarray(from, from + numTags), i * numTags);
  }
  const { groups, tags } = labels;
  const own = groups && { groups: Uint32Array.from({ length: indices.length }, (_, i) => groups[indices[i]]) };
  return { data, rows: indices.length, tags, ...own };
}

/** Number of rows, those of one group counted as one. */
export function countGroups({ rows, groups }: LabelMatrix): number {
  return groups === undefined ? rows : new Set(groups).size;
}

/** Number of tiles that have each tag, by column. */
export function tagSupport(labels: LabelMatrix): Uint32Array {
  const numTags = labels.tags.length;
  const support = new Uint32Array(numTags);
  for (let i = 0; i < labels.data.length; i++) {
    support[i % numTags] += labels.data[i];
  }
  return support;
}
