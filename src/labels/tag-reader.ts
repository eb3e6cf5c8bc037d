/** Cells of a table to tags: the separator is recognised in a sample, and later rows that do not fit it are refused. */
import { FormatError } from "../errors.js";
import { type Cell, isFilled, readBit, textOfCell, withoutSpare } from "./cells.js";
import { type Collector, cleanTags } from "./collect.js";
import type { Roles } from "./columns.js";
import { parseList } from "./lists.js";
import { refuseRowNumbers, refuseVectors, type SampleCell } from "./misread.js";
import type { LabelOptions } from "./options.js";
import {
  hasMark,
  isListText,
  nameSeparator,
  recogniseSeparator,
  type Separator,
  splitTags,
  strayMark,
} from "./separators.js";
import type { Fail } from "./table.js";
import type { TableSample } from "./table-sample.js";
import { isMissing, shorten } from "./tags.js";
import { isSingular } from "./words.js";

export interface SeparatorFacts {
  separator: Separator;
  /** Marks that may stand inside tags, as they were seen there. */
  marks: ReadonlySet<string>;
  /** Whether it was recognised, not given: then rows that contradict it are refused. */
  recognised: boolean;
  /** Whether the cells are single tags without spaces, so that a space may be part of a tag. */
  words?: boolean;
  /** A cell that is taken for one tag, though something inside it could separate several. */
  whole?: string;
}

/** Tags separated as columns are fill more cells than there are columns: these are one cell. */
function joinSpread(all: readonly Cell[], columns: number): readonly Cell[] {
  const cells = withoutSpare(all, columns);
  if (cells.length <= columns) return cells;
  return [...cells.slice(0, columns - 1), cells.slice(columns - 1).join(",")];
}

export function findSeparator(
  sample: TableSample & { typed: boolean },
  { tags }: Roles,
  { tagSeparator }: LabelOptions,
): SeparatorFacts {
  refuseRowNumbers(sample);
  const cells = sample.records.flatMap(({ cells, line }) => {
    const joined = joinSpread(cells, sample.columns.length);
    return tags
      .map((index) => joined[index])
      .filter(isFilled)
      .map((cell) => ({ cell, text: textOfCell(cell), line }));
  });
  const facts = chooseSeparator(sample, cells, tags, tagSeparator);
  refuseVectors(sample, cells, facts.separator);
  return facts;
}

function chooseSeparator(
  sample: TableSample & { typed: boolean },
  cells: readonly SampleCell[],
  tags: readonly number[],
  told: Separator | undefined,
): SeparatorFacts {
  if (told !== undefined) return { separator: nameSeparator(told), marks: new Set(), recognised: false };
  // Tags that are separated as columns are fill more cells than there are columns.
  const isSpread = sample.records.some(({ cells: { length } }) => length > sample.columns.length);
  const single = tags.length === 1 && isSingular(sample.columns[tags[0]]) && !isSpread;
  // If a file also has lists, each text is one tag. A single text may have spaces in it.
  const isWhole =
    cells.some(({ cell }) => typeof cell === "object") || (single && !cells.some(({ text }) => hasMark(text)));
  if (sample.typed && isWhole) {
    return { separator: "none", marks: new Set(), recognised: false };
  }
  const found = recogniseSeparator(cells, single);
  if ("ambiguous" in found) {
    const { ambiguous, cell } = found;
    throw new FormatError(
      sample.path,
      `${sample.path}, ${sample.unit} ${cell.line}: ${JSON.stringify(shorten(cell.text))} in the column ${JSON.stringify(sample.columns[tags[0]])} ` +
        `${ambiguous}. Say which by \`tagSeparator\`: space, comma, semicolon, pipe, or none for one tag in each cell.`,
    );
  }
  const words = single && found.separator === "space" && !cells.some(({ text }) => /\s/.test(text));
  return { ...found, recognised: true, words };
}

/** The tags of a row as the file spells them; undefined if all cells are empty marks. */
export interface TagReader {
  read(cells: readonly Cell[], line: number): readonly string[] | undefined;
}

/** Reads rows with the names of tags in their cells. */
export function createTagReader(
  collector: Collector,
  { columns, typed }: Pick<TableSample, "columns"> & { typed: boolean },
  roles: Roles,
  facts: SeparatorFacts,
): TagReader {
  const { fail } = collector;
  const known = new Map<string, readonly string[]>();
  return {
    read(cells, line) {
      const joined = joinSpread(cells, columns.length);
      const alone = roles.tags.length === 1 ? joined[roles.tags[0]] : undefined;
      if (typeof alone === "string") return known.get(alone) ?? remember(alone, line);
      // Null is no empty list: it means no label.
      if (typed && roles.tags.every((index) => joined[index] === null)) return undefined;
      const [first, ...others] = roles.tags.map((index) =>
        tagsOfCell(joined[index], columns[index], line, facts, fail),
      );
      return cleanTags(collector, others.length === 0 ? first : [first, ...others].flat(), line);
    },
  };

  /** Most cells repeat those before; only marks of missing values have to be counted one by one. */
  function remember(text: string, line: number): readonly string[] | undefined {
    const raw = tagsOfCell(text, columns[roles.tags[0]], line, facts, fail);
    const tags = cleanTags(collector, raw, line);
    if (tags !== undefined && !raw.some(isMissing)) known.set(text, tags);
    return tags;
  }
}

/** Reads rows with a column of 0 and 1 for each tag. */
export function createBitReader(collector: Collector, columns: readonly string[], { tags }: Roles): TagReader {
  const { fail } = collector;
  return {
    read(cells, line) {
      const raw: string[] = [];
      for (const index of tags) {
        const bit = readBit(cells[index]);
        if (bit) raw.push(columns[index]);
        else if (bit === undefined) {
          throw fail(
            line,
            `the column ${JSON.stringify(columns[index])} holds ${JSON.stringify(shorten(textOfCell(cells[index]) || JSON.stringify(cells[index])))}, ` +
              "where a table with a column for each tag has 0 or 1 (true, false, yes, no).",
          );
        }
      }
      return cleanTags(collector, raw, line);
    },
  };
}

function tagsOfCell(cell: Cell, column: string, line: number, facts: SeparatorFacts, fail: Fail): readonly string[] {
  if (cell === null || cell === undefined) return [];
  if (typeof cell === "object") return tagsOfValue(cell, column, line, fail);
  const text = textOfCell(cell);
  if (text === "") return [];
  if (isMissing(text)) return [text];
  if (facts.separator === "list" || (facts.recognised && isListText(text)))
    return listOf(text, column, line, facts, fail);
  if (facts.words && /\s/.test(text)) {
    throw fail(
      line,
      `${JSON.stringify(shorten(text))} in the column ${JSON.stringify(column)} is one tag with spaces in it, or several tags. ` +
        "Say which by `tagSeparator`: none for one tag in each cell, or space.",
    );
  }
  const stray = facts.recognised ? strayMark(text, facts.separator, facts.marks) : undefined;
  if (stray !== undefined) {
    throw fail(
      line,
      `${JSON.stringify(shorten(text))} in the column ${JSON.stringify(column)} holds ${JSON.stringify(stray)}, ` +
        `where tags are separated by ${facts.separator}. Mend the row, or say by \`tagSeparator\` what separates tags.`,
    );
  }
  return splitTags(text, facts.separator);
}

function listOf(
  text: string,
  column: string,
  line: number,
  { separator }: SeparatorFacts,
  fail: Fail,
): readonly string[] {
  // Label Studio writes one choice as it is, and several as an object.
  const choices = /^\{\s*"choices"\s*:\s*(\[[\s\S]*\])\s*\}$/.exec(text)?.[1];
  const items = parseList(choices ?? text);
  const place = `${JSON.stringify(shorten(text))} in the column ${JSON.stringify(column)}`;
  if (items === undefined || (separator !== "list" && separator !== "none" && separator !== "space")) {
    throw fail(
      line,
      `${place} is not a list such as ["a", "b"]${separator === "list" ? ", as the other cells are" : ""}. Mend the row.`,
    );
  }
  if (items.length > 1 && items.every((item) => /^[-+]?[\d.]+$/.test(item)) && new Set(items).size < items.length) {
    throw fail(line, `${place} repeats numbers: it says of each tag whether it applies, but not which tags these are.`);
  }
  return items;
}

/** Names of tags in what JSON and Parquet have: lists, of texts or of objects with a name in them, and such an object alone. */
function tagsOfValue(value: object, column: string, line: number, fail: Fail): readonly string[] {
  const items: unknown[] = Array.isArray(value) ? value : ArrayBuffer.isView(value) ? [undefined] : choicesOf(value);
  const tags = items.map((item) => (typeof item === "object" && item !== null ? nameIn(item) : textOfItem(item)));
  const wrong = tags.indexOf(undefined);
  if (wrong >= 0) {
    const shown = shorten(
      JSON.stringify(items[wrong], (_, each) => (typeof each === "bigint" ? Number(each) : each)) ?? "bytes",
      60,
    );
    throw fail(
      line,
      `${shown} in the column ${JSON.stringify(column)} is not a tag: expected a text, or an object with its name and without a score.`,
    );
  }
  const named = tags as string[];
  if (named.length > 1 && items.every((item) => typeof item !== "string") && new Set(named).size < named.length) {
    throw fail(
      line,
      `the list in the column ${JSON.stringify(column)} repeats values: it says of each tag whether it applies, but not which tags these are.`,
    );
  }
  return named;
}

function choicesOf(value: object): unknown[] {
  const { choices } = value as { choices?: unknown };
  return Array.isArray(choices) ? choices : [value];
}

function textOfItem(item: unknown): string | undefined {
  if (item === null) return "null";
  if (typeof item === "boolean") return undefined;
  return typeof item === "string" || typeof item === "number" || typeof item === "bigint" ? String(item) : undefined;
}

const NAME_KEYS = ["displayName", "label", "name", "class", "category", "tag", "value"] as const;

/** What says of an object with a name whether, or how probably, the tag applies: then the name alone is no tag. */
const SCORE_KEYS = ["score", "probability", "confidence", "applies", "present", "selected", "checked"] as const;

function nameIn(item: object): string | undefined {
  const scored = SCORE_KEYS.map((key) => (item as Record<string, unknown>)[key]).find((each) => each !== undefined);
  if (scored !== undefined && readBit(scored) !== true) return undefined;
  const { value: flag } = item as { value?: unknown };
  if (flag !== undefined && typeof flag !== "string" && readBit(flag) !== true) return undefined;
  const value = NAME_KEYS.map((key) => (item as Record<string, unknown>)[key]).find((each) => typeof each === "string");
  return typeof value === "string" ? value : undefined;
}
