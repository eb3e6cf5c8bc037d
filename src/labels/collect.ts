/** Rows of a file become a table: tags spelled alike, each tile once, doubts counted. */
import { FormatError, InputError } from "../errors.js";
import { asksForOneTag, type Doubts, listDoubts, noteDoubt } from "./doubts.js";
import { toPath, toTileName, withoutExtension } from "./names.js";
import type { Fail, LabelRow, LabelTable, Part, Recognised } from "./table.js";
import { createSpellings, isMissing, type Spellings, shorten, spellTag } from "./tags.js";

/** What is known of a file before its rows are read. */
export type FileFacts = Omit<Recognised, "tags" | "tiles" | "untagged" | "parts">;

export interface Collector {
  path: string;
  facts: FileFacts;
  /** Join the rows of a tile instead of refusing those that disagree. */
  joinRows: boolean;
  rows: LabelRow[];
  rowOf: Map<string, LabelRow>;
  spellings: Spellings;
  /** Lists of tags by their text in the file: most of a file's rows repeat those before. */
  lists: Map<string, readonly string[]>;
  doubts: Doubts;
  fail: Fail;
}

export function createCollector(path: string, facts: FileFacts, joinRows = false): Collector {
  const fail: Fail = (line, problem) => new FormatError(path, `${path}, ${facts.unit} ${line}: ${problem}`);
  const doubts: Doubts = new Map();
  return {
    path,
    facts,
    joinRows,
    rows: [],
    rowOf: new Map(),
    spellings: createSpellings(),
    lists: new Map(),
    doubts,
    fail,
  };
}

/** The tags `raw` as canopy spells them, each once; undefined if there are only marks of missing values. */
export function cleanTags(collector: Collector, raw: readonly string[], line: number): readonly string[] | undefined {
  const key = raw.length === 1 ? raw[0] : raw.join("\0");
  const known = collector.lists.get(key);
  if (known !== undefined) return known;
  const present = raw.filter((tag) => !isMissing(tag.trim()));
  if (present.length === 0 && raw.length > 0) return undefined;
  if (present.length < raw.length) {
    noteDoubt(
      collector.doubts,
      "MISSING_TAGS",
      `${collector.facts.unit} ${line}`,
      raw.find((tag) => isMissing(tag.trim())),
    );
  }
  const tags = [
    ...new Set(
      present.map((tag) => spellTag(tag, collector.spellings, line, collector.fail)).filter((tag) => tag !== ""),
    ),
  ];
  // Rows with missing tags are counted one by one.
  if (present.length === raw.length) collector.lists.set(key, tags);
  return tags;
}

/** Adds a tile. `tags` come from `cleanTags`; undefined leaves the tile out, because it has no label. */
export function addRow(
  collector: Collector,
  spelled: string,
  tags: readonly string[] | undefined,
  line: number,
  part?: Part,
): void {
  const { rows, rowOf, doubts, facts, fail } = collector;
  const path = toPath(spelled);
  if (toTileName(path) === "" || isMissing(path)) return void noteDoubt(doubts, "EMPTY_NAMES", `${facts.unit} ${line}`);
  if (/\p{Cc}/u.test(path))
    throw fail(line, `the tile name ${JSON.stringify(shorten(path))} holds a control character.`);
  if (tags === undefined) return void noteDoubt(doubts, "UNLABELLED", `${path} (${facts.unit} ${line})`);
  const key = withoutExtension(path);
  const earlier = rowOf.get(key);
  if (earlier !== undefined) return void addAgain(collector, earlier, tags, line, part);
  const row: LabelRow = { name: toTileName(path), path, tags, line, ...(part && { part }) };
  rowOf.set(key, row);
  rows.push(row);
}

function addAgain(collector: Collector, row: LabelRow, tags: readonly string[], line: number, part?: Part): void {
  const { doubts, facts, fail, joinRows } = collector;
  if (row.part !== part) {
    throw fail(
      line,
      `tile ${row.path} is for ${part} here, and for ${row.part} in ${facts.unit} ${row.line}. Remove one of the two.`,
    );
  }
  if (joinRows) row.tags = [...new Set([...row.tags, ...tags])];
  else if (sameTags(row.tags, tags))
    noteDoubt(doubts, "REPEATED_ROWS", `${row.path} (${facts.unit}s ${row.line} and ${line})`);
  else throw fail(line, disagreement(collector, row, tags));
}

function disagreement({ facts }: Collector, row: LabelRow, tags: readonly string[]): string {
  const say = (list: readonly string[]) => (list.length === 0 ? "no tags" : shorten(list.join(" "), 80));
  return (
    `tile ${row.path} has ${say(tags)} here, and ${say(row.tags)} in ${facts.unit} ${row.line}. Remove one of the two` +
    (facts.tagColumns.length === 1 && !facts.multiHot
      ? ', or say `labelFormat: "long"` if each row gives one tag of a tile.'
      : ".")
  );
}

export function sameTags(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((tag) => b.includes(tag)));
}

/** @throws InputError if nothing is labelled */
export function finishTable(collector: Collector): LabelTable {
  const { path, rows, facts } = collector;
  if (rows.length === 0) throw new InputError(emptyMessage(collector));
  if (!asksForOneTag(facts))
    for (const row of rows) if (row.tags.length === 0) noteDoubt(collector.doubts, "ROWS_WITHOUT_TAGS", row.path);
  const counts = countTags(rows);
  if (counts.size === 0)
    throw new InputError(`${path} gives no tile a tag: all of its ${rows.length} tiles are without.`);
  const parts = facts.splitColumn === null ? null : countParts(rows);
  const untagged = rows.reduce((count, { tags }) => count + (tags.length === 0 ? 1 : 0), 0);
  const recognised = { ...facts, tags: counts.size, tiles: rows.length, untagged, parts };
  return { path, rows, recognised, doubts: listDoubts(collector.doubts, counts, recognised, collector.spellings) };
}

function emptyMessage({ path, doubts, facts }: Collector): string {
  const unlabelled = doubts.get("UNLABELLED")?.count ?? 0;
  if (unlabelled > 0) return `${path} holds no labels: nobody has labelled any of its ${unlabelled} tiles.`;
  const unnamed = doubts.get("EMPTY_NAMES")?.count ?? 0;
  if (unnamed > 0) return `${path} names no tile: the column ${facts.nameColumn} is empty in all ${unnamed} rows.`;
  return `${path} holds no labels: expected a header line and one row per tile.`;
}

/** Number of tiles by tag. */
export function countTags(rows: readonly LabelRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { tags } of rows) {
    for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  return counts;
}

function countParts(rows: readonly LabelRow[]): Record<Part, number> {
  const counts = { train: 0, val: 0, test: 0 };
  for (const { part } of rows) if (part !== undefined) counts[part]++;
  return counts;
}
