/**
 * Exclusive groups: tags of which a tile has exactly one (clear, partly cloudy, cloudy or haze). Their probabilities
 * are divided by their sum, so that a high one lowers the others. Of a group that a user gave, a tile gets the most probable tag alone; in
 * groups that were found in the labels thresholds decide, because two tags of a doubtful tile may score better than one.
 */
import { InputError, OptionError } from "../errors.js";
import type { ExclusiveColumns } from "../head/metrics.js";

export interface ExclusiveGroups {
  exclusive: ExclusiveColumns;
  /** Whether each tile gets exactly one tag of each group. */
  exactlyOne: boolean;
}

/** The groups of which the most probable tag is given, whatever the thresholds. */
export function settledGroups({ exclusive, exactlyOne }: ExclusiveGroups): ExclusiveColumns {
  return exactlyOne ? exclusive : [];
}

/** The groups of a model. */
export function groupsOf(model: {
  tags: readonly string[];
  exclusive?: readonly (readonly string[])[];
  exactlyOne?: boolean;
}): ExclusiveGroups {
  return {
    exclusive: toExclusiveColumns(model.exclusive ?? [], model.tags),
    exactlyOne: model.exactlyOne ?? false,
  };
}

/** Columns of each group of tag names; InputError for a name that is no tag, OptionError for one in two groups or without a partner. */
export function toExclusiveColumns(groups: readonly (readonly string[])[], tags: readonly string[]): number[][] {
  const seen = new Set<string>();
  return groups.map((group) => {
    if (group.length < 2) throw new OptionError(`An exclusive group needs two tags or more, got: ${group.join(", ")}.`);
    return group.map((name) => {
      const column = tags.indexOf(name);
      if (column === -1) throw new InputError(`The exclusive tag ${name} is not one of: ${tags.join(", ")}.`);
      if (seen.has(name)) throw new OptionError(`The tag ${name} is in more than one exclusive group.`);
      seen.add(name);
      return column;
    });
  });
}

/** `probabilities` `[rows, numTags]` with every group's columns summing to 1 in each row; a group of zeros stays. */
export function normalizeExclusive(
  probabilities: Float32Array,
  numTags: number,
  groups: readonly (readonly number[])[],
): Float32Array {
  const normalized = probabilities.slice();
  for (let from = 0; from < normalized.length; from += numTags) {
    for (const group of groups) {
      const sum = group.reduce((total, column) => total + probabilities[from + column], 0);
      if (sum === 0) continue;
      for (const column of group) normalized[from + column] = probabilities[from + column] / sum;
    }
  }
  return normalized;
}
