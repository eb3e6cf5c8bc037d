/** TagSet: the tags a model knows, in the order of its columns. */

/** A tile's name, and the tags it has. */
export interface TaggedTile {
  name: string;
  tags: readonly string[];
}

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

/** All tags that occur in `rows`, sorted. */
export function tagSetOf(rows: readonly TaggedTile[]): TagSet {
  const names = new Set<string>();
  for (const { tags } of rows) for (const tag of tags) names.add(tag);
  return createTagSet([...names].sort());
}
