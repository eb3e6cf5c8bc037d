/** The search for exclusive groups (tags/exclusive.ts) in the labels. */
import { createRandom } from "../random.js";
import { type LabelMatrix, tagSupport } from "../tiles/label-matrix.js";

/** Share of tiles that may have none or several tags of a group that is found: mistakes in labelling. */
const EXCEPTIONS = 0.005;
/** Tiles that are searched for groups. */
const MAX_SEARCHED = 20_000;
/** Choices tried before the search for a group ends. */
const MAX_CHOICES = 10_000;

/**
 * Groups of columns of which (nearly) every tile of `labels` has exactly one, found by an exact cover of the tiles by tags: one of the
 * first uncovered tile's tags must be in the group (Knuth's algorithm X). Columns ascending; [] if there is no such group.
 */
export function findExclusive(labels: LabelMatrix): number[][] {
  const groups = searchGroups(thinOut(labels, MAX_SEARCHED));
  return groups.filter((group) => countExceptions(labels, group) <= EXCEPTIONS * labels.rows);
}

/**
 * At most `most` rows: a random one of each stretch, because evenly spaced rows may coincide with a pattern in the
 * labels.
 */
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

/** Tags that cover the tiles that are not `covered`, each once, from tile `from` on; undefined if there are none. */
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
