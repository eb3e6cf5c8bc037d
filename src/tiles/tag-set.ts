/** TagSet: the tags a model knows, in the order of its columns. */
import type { Labels } from "./labels.js";

export interface TagSet {
  /** Tag names by column, sorted by code unit (the same on every machine and locale). */
  readonly names: readonly string[];
  /** Column of each name. */
  readonly columns: ReadonlyMap<string, number>;
}

/** The tag set of `names`, in the order given; a name twice is a TypeError. */
export function createTagSet(names: readonly string[]): TagSet {
  const columns = new Map(names.map((name, column) => [name, column]));
  if (columns.size !== names.length) {
    throw new TypeError("Expected tag names to be distinct.");
  }
  return { names: [...names], columns };
}

/** All tags that occur in `labels`, sorted. */
export function tagSetOf(labels: Labels): TagSet {
  return createTagSet([...new Set(labels.rows.flatMap((row) => row.tags))].sort());
}
