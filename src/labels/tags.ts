/** How tags are spelled: what canopy makes of a file's spelling, and what it refuses. */
import type { Fail } from "./table.js";

/** More tags are no tags: a model of so many would not fit anywhere. */
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

/** Tags of one file by their spelling there. */
export interface Spellings {
  /** What became of each. */
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

/** Tags that differ in case, hyphens, underscores, spaces and what nobody sees alone have the same key. */
export function spellingKey(tag: string): string {
  return tag
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s\p{Cf}_-]+/gu, "");
}
