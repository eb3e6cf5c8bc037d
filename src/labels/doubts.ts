/** Probable mistakes in a label file: counted while it is read, reported once. */

import type { Doubt, Recognised } from "./table.js";
import { type Spellings, spellingKey } from "./tags.js";

interface Count {
  count: number;
  examples: string[];
}

/** By code. */
export type Doubts = Map<string, Count>;

/** Examples that are kept of each doubt. */
const KEPT = 5;

export function noteDoubt(doubts: Doubts, code: string, ...[where, what]: (string | undefined)[]): void {
  const found = doubts.get(code) ?? { count: 0, examples: [] };
  found.count++;
  if (found.examples.length < KEPT) found.examples.push(what === undefined ? `${where}` : `${what} (${where})`);
  doubts.set(code, found);
}

/** All doubts about a file: those noted while reading, and those about its tags. `counts`: tiles by tag. */
export function listDoubts(
  noted: Doubts,
  counts: ReadonlyMap<string, number>,
  recognised: Recognised,
  spellings: Spellings,
): Doubt[] {
  const found = [
    ...[...noted].map(([code, each]): [string, Count] => [code, each]),
    ...tagDoubts(counts, recognised, spellings),
  ];
  return found
    .filter(([, { count }]) => count > 0)
    .map(([code, { count, examples }]) => ({ code, count, message: SENTENCES[code](count, examples[0]), examples }));
}

/** Whether the labels say of each tile if it has one tag: nobody reads them so unless told to, and most tiles lack it. */
export function asksForOneTag({ multiHot, tagColumns }: Pick<Recognised, "multiHot" | "tagColumns">): boolean {
  return multiHot && tagColumns.length === 1;
}

function tagDoubts(
  counts: ReadonlyMap<string, number>,
  recognised: Recognised,
  { respelled }: Spellings,
): [string, Count][] {
  const { tiles } = recognised;
  const names = [...counts.keys()];
  const once = names.filter((tag) => counts.get(tag) === 1);
  const numeric = names.filter((tag) => /^\d+$/.test(tag));
  const absent = names.filter((tag) =>
    /^(none|unknown|missing|nothing|empty|unlabell?ed|no[ _-]?(label|tag)s?)$/i.test(tag),
  );
  return [
    ["ONE_TAG", listed(names.length === 1 && !asksForOneTag(recognised) ? names : [])],
    ["AS_MANY_TAGS_AS_TILES", listed(tiles >= 10 && names.length >= tiles ? names : [])],
    ["ABSENT", listed(names.length > absent.length ? absent : [])],
    ["JOINED_TAGS", listed(joinedTags(counts))],
    ["SPELLINGS", listed(similarTags(names, respelled))],
    ["RESPELLED", listed([...respelled].map(([from, to]) => `${JSON.stringify(from)} is ${to}`))],
    ["NUMBERS", listed(numeric.length === names.length ? numeric : [])],
    ["SINGLE_TILE_TAGS", listed(names.length === 1 ? [] : once)],
  ];
}

/** Tags that are others with a character between them which canopy does not take for a separator. */
function joinedTags(counts: ReadonlyMap<string, number>): string[] {
  return [...counts.keys()].filter((tag) => {
    const parts = tag.split(/_?[/+&:,;|，、；]_?/);
    return parts.length > 1 && parts.every((part) => counts.has(part));
  });
}

function listed(all: readonly string[]): Count {
  return { count: all.length, examples: all.slice(0, KEPT) };
}

/** Tags that are probably one: groups of spellings that differ in case, spaces, hyphens and underscores alone. */
function similarTags(names: readonly string[], respelled: ReadonlyMap<string, string>): string[] {
  const groups = new Map<string, Set<string>>();
  const made = new Set(respelled.values());
  for (const tag of names) {
    const group = groups.get(spellingKey(tag)) ?? new Set();
    groups.set(spellingKey(tag), group.add(tag));
  }
  for (const from of respelled.keys()) groups.get(spellingKey(from))?.add(from);
  return [...groups.values()].filter((group) => isDoubtful(group, made)).map((group) => [...group].join(" = "));
}

/** "bare soil" beside the bare_soil that it became is one spelling, not two. */
function isDoubtful(group: ReadonlySet<string>, made: ReadonlySet<string>): boolean {
  return [...group].filter((tag) => !made.has(tag)).length > 1;
}

const plural = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

const SENTENCES: Readonly<Record<string, (count: number, example: string) => string>> = {
  LATIN1: (_, example) =>
    `The file is not UTF-8 and was read as Latin-1 (${example}): save it as UTF-8 if names or tags look wrong.`,
  EMPTY_NAMES: (count, example) =>
    `${plural(count, "row names", "rows name")} no tile and ${count === 1 ? "is" : "are"} left out, the first in ${example}.`,
  UNLABELLED: (count, example) =>
    `${plural(count, "tile is", "tiles are")} left out as nobody has labelled ${count === 1 ? "it" : "them"} (no annotation, or a mark such as nan), the first is ${example}.`,
  MISSING_TAGS: (count, example) =>
    `${plural(count, "row has", "rows have")} a mark for missing values beside tags, the first is ${example}: it is not taken for a tag.`,
  ROWS_WITHOUT_TAGS: (count, example) =>
    `${plural(count, "tile has", "tiles have")} no tags, the first is ${example}: they count as tiles to which no tag applies. Leave out what nobody has labelled.`,
  REPEATED_ROWS: (count, example) =>
    `${plural(count, "row repeats", "rows repeat")} an earlier one of the same tile and tags, the first is ${example}.`,
  ONE_TAG: (_, example) => `There is one tag only, ${example}: is this the column of tags?`,
  AS_MANY_TAGS_AS_TILES: (count, example) =>
    `There are ${count} different tags, as many as tiles or more (${example}): is this the column of tags, and are they separated so?`,
  ABSENT: (_, example) =>
    `${example} is taken for a tag like the others. Leave the cell empty if no tag applies, or write nan if nobody has labelled the tile.`,
  JOINED_TAGS: (count, example) =>
    `${plural(count, "tag is", "tags are")} made of others (${example}). If these are several tags, say by \`tagSeparator\` what separates them.`,
  ONE_TAG_EACH: (_, example) =>
    `Cells such as ${example} are taken for one tag each, as their parts hardly come again in other cells: if they are several tags, say by \`tagSeparator\` what separates them.`,
  DEEPER_FOLDERS: (count, example) =>
    `${plural(count, "tile is", "tiles are")} in deeper folders, of which the uppermost alone is the tag: ${example}.`,
  SPELLINGS: (count, example) =>
    `${plural(count, "tag comes", "tags come")} in more than one spelling: ${example}. Make them one.`,
  RESPELLED: (count, example) =>
    `${plural(count, "tag has", "tags have")} spaces inside, which outputs separate tags by: ${example}.`,
  NUMBERS: (count, example) =>
    `All ${plural(count, "tag is a number", "tags are numbers")} (${example}): names of classes would say more.`,
  SINGLE_TILE_TAGS: (count, example) =>
    `${plural(count, "tag is", "tags are")} on one tile alone, the first is ${example}: too few to learn from or to measure.`,
};
