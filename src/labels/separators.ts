/** What separates the tags in one cell of a label file: recognised in a sample, or given by an option. */
import { OptionError } from "../errors.js";

/** A name of SEPARATORS, `none` (the cell is one tag), `list` (JSON or Python), or the text itself. */
export type Separator = string;

/** Text of the separators that have a name; `space` is any white space. */
const SEPARATORS: Readonly<Record<string, string>> = {
  space: " ",
  comma: ",",
  semicolon: ";",
  pipe: "|",
  tab: "\t",
};

/** Those that are recognised besides space. */
const MARKS = ["comma", "semicolon", "pipe"] as const;

export function checkSeparator(separator: Separator): void {
  if (typeof separator === "string" && separator !== "" && separator.length <= 9) return;
  throw new OptionError(
    `Expected \`tagSeparator\` to be space, comma, semicolon, pipe, tab, none, list or a short text, got ${JSON.stringify(separator)}.`,
  );
}

/** The name of a separator that was given as text: "," is comma. */
export function nameSeparator(separator: Separator): Separator {
  return Object.keys(SEPARATORS).find((name) => SEPARATORS[name] === separator) ?? separator;
}

/** The tags in `text`, which is not a list. */
export function splitTags(text: string, separator: Separator): string[] {
  if (separator === "none") return text.trim() === "" ? [] : [text.trim()];
  if (separator === "space") return text.split(/\s+/).filter((tag) => tag !== "");
  return text
    .split(SEPARATORS[separator] ?? separator)
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}

/** Whether `text` is written as a list: in brackets. */
export function isListText(text: string): boolean {
  return /^\s*(\[[\s\S]*\]|\([\s\S]*\)|\{[\s\S]*\})\s*$/.test(text);
}

interface SampleCell {
  text: string;
  line: number;
}

type Recognition =
  /** `whole`: a text with a mark inside that is taken for one tag. */
  | { separator: Separator; marks: ReadonlySet<string>; whole?: string }
  /** Two readings are possible; `cell` shows it. */
  | { ambiguous: string; cell: SampleCell };

/**
 * What separates tags in `cells`, none of which is empty. `single`: by the column's name there is one tag per tile, so
 * that a space, or a mark, may belong to a tag's name.
 */
export function recogniseSeparator(cells: readonly SampleCell[], single: boolean): Recognition {
  const all = new Set(MARKS.map((mark) => SEPARATORS[mark]));
  const lists = cells.filter(({ text }) => isListText(text));
  if (lists.length > 0) {
    // Label Studio writes one choice as it is, and several as an object.
    const mixed = lists.every(({ text }) => text.startsWith('{"choices"'));
    return { separator: mixed ? "none" : "list", marks: all };
  }
  const found = MARKS.filter((mark) => cells.some(({ text }) => text.includes(SEPARATORS[mark])));
  const spaced = cells.find(({ text }) => /\S\s+\S/.test(text));
  if (found.length === 0)
    return spaced && single ? wordsOrOne(cells, spaced) : { separator: "space", marks: new Set() };
  if (!single) return byVocabulary(cells, found);
  const parting = found.filter((mark) => isParting(cells, mark));
  if (parting.length > 0) return byVocabulary(cells, parting);
  const [whole] = cells.map(({ text }) => text).filter(hasMark);
  return { separator: "none", marks: all, whole };
}

/** Whether `text` holds what could separate tags. */
export function hasMark(text: string): boolean {
  return MARKS.some((mark) => text.includes(SEPARATORS[mark]));
}

/** Whether most parts of texts with the mark come again in other texts, as tags do; those of a class's name do not. */
function isParting(cells: readonly SampleCell[], mark: Separator): boolean {
  const counts = new Map<string, number>();
  const marked = new Set<string>();
  for (const text of new Set(cells.map(({ text }) => text))) {
    const parts = new Set(splitTags(text, mark));
    for (const part of parts) counts.set(part, (counts.get(part) ?? 0) + 1);
    if (text.includes(SEPARATORS[mark])) for (const part of parts) marked.add(part);
  }
  return [...marked].filter((part) => (counts.get(part) ?? 0) > 1).length > marked.size / 2;
}

/** For texts with only spaces: names of classes occur again unchanged, tags of a tile in ever new combinations. */
function wordsOrOne(cells: readonly SampleCell[], spaced: SampleCell): Recognition {
  if (vocabulary(cells, "none") > vocabulary(cells, "space")) return { separator: "space", marks: new Set() };
  return { ambiguous: "is one tag with spaces in it, or several tags", cell: spaced };
}

/**
 * The true separator makes the fewest different tags: any other leaves combinations. Spaces are a candidate, too: a comma may have
 * strayed into a file that separates by spaces.
 */
function byVocabulary(cells: readonly SampleCell[], found: readonly Separator[]): Recognition {
  const marked = cells.find(({ text }) => found.some((mark) => text.includes(SEPARATORS[mark]))) as SampleCell;
  const sizes = found.map((mark) => ({ mark, size: vocabulary(cells, mark) })).sort((a, b) => a.size - b.size);
  const [best, next] = sizes;
  if (next !== undefined && best.size >= next.size) {
    return { ambiguous: `is separated by ${best.mark} or by ${next.mark}`, cell: marked };
  }
  // Spaces right after the mark are no second separator.
  const words = new Set(cells.flatMap(({ text }) => splitTags(text.replaceAll(SEPARATORS[best.mark], " "), "space")));
  const unmarked = cells.some(({ text }) => /\S\s+\S/.test(text) && !text.includes(SEPARATORS[best.mark]));
  if (unmarked && words.size < best.size) {
    return { ambiguous: `is separated by ${best.mark}, where other tags are separated by spaces`, cell: marked };
  }
  return {
    separator: best.mark,
    marks: new Set(found.filter((mark) => mark !== best.mark).map((mark) => SEPARATORS[mark])),
  };
}

function vocabulary(cells: readonly SampleCell[], separator: Separator): number {
  return new Set(cells.flatMap(({ text }) => splitTags(text, separator))).size;
}

/** The first of the marks in `text` that could separate tags, and was not seen where `separator` was recognised; undefined without one. */
export function strayMark(text: string, separator: Separator, seen: ReadonlySet<string>): string | undefined {
  return MARKS.map((mark) => SEPARATORS[mark]).find(
    (mark) => mark !== SEPARATORS[separator] && !seen.has(mark) && text.includes(mark),
  );
}
