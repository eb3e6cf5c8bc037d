/**
 * Exclusive groups: tags of which a tile has exactly one (clear, partly cloudy, cloudy or haze). Their probabilities are divided by their
 * sum, so that certainty about one speaks against the others.
 */
import { InputError, OptionError } from "../errors.js";
import { createRandom } from "../random.js";
import { type LabelMatrix, tagSupport } from "../tiles/label-matrix.js";

/** Share of tiles that may have none or several tags of a group that is found: a slip of whoever labelled them. */
const EXCEPTIONS = 0.005;
/** Tiles that groups are looked for in. */
const MAX_SEARCHED = 20_000;
/** Choices looked at before the search for a group is given up. */
const MAX_CHOICES = 10_000;

/**
 * Groups of columns of which (nearly) every tile of `labels` has exactly one, found by an exact cover of the tiles by tags: one of the
 * first uncovered tile's tags must be in the group (Knuth's algorithm X). Columns ascending; [] where there is no such group.
 */
export function findExclusive(labels: LabelMatrix): number[][] {
  const groups = searchGroups(thinOut(labels, MAX_SEARCHED));
  return groups.filter((group) => countExceptions(labels, group) <= EXCEPTIONS * labels.rows);
}

/** At most `most` rows: one at random of each stretch, so that no rhythm of the labels is met. */
function thinOut(labels: LabelMatrix, most: number): LabelMatrix {
  if (labels.rows <= most) return labels;
  const width = labels.tags.length;
  const data = new Uint8Array(most * width);
  const random = createRandom(0);
  const stretch = labels.rows / most;
  for (let row = 0; row < most; row++) {
    const from = Math.floor((row + random.uniform()) * stretch) * width;
    data.set(labels.data.subarray(from, from + width), row * width);
  }
  return { ...labels, data, rows: most };
}

/** Rows with none or several tags of the group. */
function countExceptions({ data, rows, tags }: LabelMatrix, group: readonly number[]): number {
  let exceptions = 0;
  for (let row = 0; row < rows; row++) {
    const count = group.reduce((sum, column) => sum + data[row * tags.length + column], 0);
    if (count !== 1) exceptions++;
  }
  return exceptions;
}

function searchGroups(labels: LabelMatrix): number[][] {
  const groups: number[][] = [];
  const allowance = Math.floor(EXCEPTIONS * labels.rows);
  const support = tagSupport(labels);
  // A tag that all tiles have is alone in its group.
  const free = new Set([...labels.tags.keys()].filter((column) => support[column] < labels.rows - allowance));
  for (;;) {
    const search = { labels, free, choices: 0 };
    const group = coverRest(search, new Uint8Array(labels.rows), 0, allowance);
    if (group === undefined || group.length === 0) return groups;
    groups.push(group.sort((a, b) => a - b));
    for (const column of group) free.delete(column);
  }
}

/** Tags that cover the tiles that are not `covered`, each once, from tile `from` on; undefined where there are none. */
function coverRest(
  search: { labels: LabelMatrix; free: ReadonlySet<number>; choices: number },
  covered: Uint8Array,
  from: number,
  allowance: number,
): number[] | undefined {
  const { data, rows, tags } = search.labels;
  const row = covered.indexOf(0, from);
  if (row === -1) return [];
  for (const column of search.free) {
    if (data[row * tags.length + column] === 0 || search.choices++ > MAX_CHOICES) continue;
    const next = covered.slice();
    let twice = 0;
    for (let each = 0; each < rows; each++) {
      const has = data[each * tags.length + column];
      twice += has & next[each];
      next[each] |= has;
    }
    const rest = twice > allowance ? undefined : coverRest(search, next, row + 1, allowance - twice);
    if (rest !== undefined) return [column, ...rest];
  }
  // The tile is an exception itself.
  return allowance > 0 ? coverRest(search, covered, row + 1, allowance - 1) : undefined;
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
