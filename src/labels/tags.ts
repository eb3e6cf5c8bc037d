/** How tags are spelled: canopy's spelling of a file's tags, and tags it refuses. */
import { hasImageExtension } from "./names.js";
import type { Fail } from "./table.js";

/** Most tags: a model with more would not fit in memory. */
const MAX_TAGS = 20_000;

/** How other programs write that a value is missing. */
const MISSING: ReadonlySet<string> = new Set([
  "nan",
  "NaN",
  "NAN",
  "None",
  "null",
  "NULL",
  "Null",
  "N/A",
  "n/a",
  "NA",
  "<NA>",
  "#N/A",
]);

export function isMissing(text: string): boolean {
  return MISSING.has(text);
}

/** What stands where tags are expected if a file was not understood. */
const NO_TAGS: readonly { test(text: string): boolean; why: string }[] = [
  {
    test: (text) => /^[\p{P}\p{Sm}\p{Sc}\p{Sk}]+$/u.test(text),
    why: "leave the cell empty if no tag applies, write nan if nobody has labelled the tile, or say by `tagSeparator` that it separates tags.",
  },
  { test: hasImageExtension, why: "it is the name of a file. Name the columns by `labelColumns`." },
  { test: isTorn, why: "its quotes or brackets are not whole. Write tags without, or lists as JSON." },
  { test: (text) => /.[:=][01]?\.\d+$/.test(text), why: "it holds a score. Keep the tags that apply, without scores." },
];

/** Whether `text` begins or ends in a quote or bracket without its counterpart: what is left of a list in another notation. */
function isTorn(text: string): boolean {
  const [first, last] = [text.at(0) ?? "", text.at(-1) ?? ""];
  if (/["']/.test(first) || /["'`]/.test(last)) return true;
  const count = (characters: RegExp) => (text.match(characters) ?? []).length;
  return [
    [/\(/g, /\)/g],
    [/\[/g, /\]/g],
    [/\{/g, /\}/g],
  ].some(([open, close]) => count(open) !== count(close));
}

/** Tags of one file by their spelling there. */
export interface Spellings {
  /** The name of each. */
  known: Map<string, string>;
  /** Tags with white space inside, by what they are called instead. */
  respelled: Map<string, string>;
  /** Distinct tags. */
  names: Set<string>;
}

export function createSpellings(): Spellings {
  return { known: new Map(), respelled: new Map(), names: new Set() };
}

/**
 * The tag's name: composed Unicode (NFC), and `_` for white space inside, as outputs separate tags by spaces.
 * Refuses control characters, and more than MAX_TAGS different tags.
 */
export function spellTag(raw: string, spellings: Spellings, line: number, fail: Fail): string {
  const known = spellings.known.get(raw);
  if (known !== undefined) return known;
  const trimmed = raw.trim();
  if (/[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/u.test(trimmed)) {
    throw fail(line, `the tag ${JSON.stringify(shorten(trimmed))} holds a control character. Remove it.`);
  }
  if (trimmed.length > 1000) {
    throw fail(
      line,
      `a tag has ${trimmed.length} characters (${shorten(trimmed)}): this is probably not the column of tags; see \`labelColumns\`.`,
    );
  }
  const wrong = NO_TAGS.find(({ test }) => test(trimmed));
  if (wrong !== undefined) throw fail(line, `${JSON.stringify(trimmed)} is no tag: ${wrong.why}`);
  const name = trimmed.normalize("NFC").replace(/\s+/gu, "_");
  if (name !== trimmed.normalize("NFC")) spellings.respelled.set(trimmed, name);
  spellings.known.set(raw, name);
  spellings.names.add(name);
  if (spellings.names.size > MAX_TAGS) {
    throw fail(
      line,
      `there are more than ${MAX_TAGS} different tags: this is probably not the column of tags; see \`labelColumns\`.`,
    );
  }
  return name;
}

export function shorten(text: string, length = 40): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}

/** Tags that differ only in case, hyphens, underscores, spaces and invisible characters have the same key. */
export function spellingKey(tag: string): string {
  return tag
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s\p{Cf}_-]+/gu, "");
}
