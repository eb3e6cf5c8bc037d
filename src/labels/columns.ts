/** The roles of a table's columns: by the options, by their names, by their cells. */
import { InputError } from "../errors.js";
import { isCounting, kindOf, textOfCell } from "./cells.js";
import { ambiguous, notBits, numeric, singleColumn, twins, unnamedBits } from "./column-errors.js";
import { hasImageExtension } from "./names.js";
import type { LabelOptions } from "./options.js";
import type { Column, TableSample } from "./table-sample.js";
import {
  isConfidenceWord,
  isMeasureWord,
  isNameWord,
  isProseWord,
  isSingular,
  isSplitWord,
  isStateWord,
  isTagWord,
  NAME_WORDS,
  toWord,
} from "./words.js";

/** Columns by their place, from 0. */
export interface Roles {
  name: number;
  tags: number[];
  multiHot: boolean;
  split: number | undefined;
  /** A column that `split` could name. */
  unusedSplit: number | undefined;
  /** Of a row for each tag: the column that says whether it applies (Open Images' `Confidence`). */
  applies: number | undefined;
  /** The column that says whether anybody has labelled the tile. */
  labelled: number | undefined;
}

/** @throws InputError for columns that are not there; FormatError, naming column and line, for what is ambiguous */
export function findRoles(sample: TableSample, options: LabelOptions): Roles {
  const columns = sample.columns.map((header, index): Column => {
    const cells = sample.records.map(({ cells }) => cells[index]);
    return { index, header, kind: kindOf(cells) };
  });
  const split = options.split === undefined ? undefined : findColumn(sample, options.split, "split");
  const unusedSplit = split === undefined ? columns.find(isSplitColumn)?.index : undefined;
  const isLong = options.labelFormat === "long";
  const applies = isLong ? columns.find(({ header }) => isConfidenceWord(header))?.index : undefined;
  const labelled = columns.length > 2 && sample.named ? columns.find(isStateColumn)?.index : undefined;
  const roles = { split, unusedSplit, applies, labelled };
  if (options.labelColumns !== undefined) {
    return { ...roles, labelled: undefined, ...toldRoles(sample, columns, options) };
  }
  const name = findNameColumn(sample, columns);
  const others = columns.filter((column) => ![name, split, labelled].includes(column.index) && !isSplitColumn(column));
  return { ...roles, name, ...findTagColumns(sample, others, name, options) };
}

function isSplitColumn({ header, kind }: Column): boolean {
  return kind === "parts" || (isSplitWord(header) && kind !== "text");
}

function isStateColumn({ header, kind }: Column): boolean {
  return kind === "bits" && isStateWord(header);
}

function toldRoles(sample: TableSample, columns: readonly Column[], options: LabelOptions) {
  const [name, ...tags] = (options.labelColumns ?? []).map((column) => findColumn(sample, column, "labelColumns"));
  const bits = tags.length > 1 && tags.every((tag) => columns[tag].kind === "bits" || columns[tag].kind === "empty");
  const multiHot = options.labelFormat === "multi-hot" || bits;
  if (multiHot && !sample.named) throw unnamedBits(sample);
  if (multiHot) refuseTwins(sample, tags);
  return { name, tags, multiHot };
}

/** The place of a column named or numbered (from 1) in an option. */
function findColumn(sample: TableSample, wanted: string | number, option: string): number {
  const { path, columns, named } = sample;
  const text = String(wanted).trim();
  const exact = columns.indexOf(text);
  if (exact !== columns.lastIndexOf(text)) throw twins(sample, text);
  const similar = columns.findIndex((column) => column.trim().toLowerCase() === text.toLowerCase());
  const number = /^\d+$/.test(text) ? Number(text) - 1 : -1;
  const found = [exact, similar, number].find((place) => place >= 0 && place < columns.length);
  if (found !== undefined) return found;
  const there = named
    ? `its columns are: ${columns.map((name) => (/\p{Cc}/u.test(name) ? JSON.stringify(name) : name)).join(", ")}`
    : `it has no header, and columns 1 to ${columns.length}`;
  throw new InputError(`${path} has no column ${JSON.stringify(text)} (\`${option}\`); ${there}.`);
}

function findNameColumn(sample: TableSample, columns: readonly Column[]): number {
  const byWord = NAME_WORDS.flatMap((word) => columns.filter(({ header }) => sample.named && toWord(header) === word));
  // A file may call its classes "name", or hold pictures in "image" that are not there as files.
  const usable = byWord.find(({ kind, header }) => kind !== "empty" && !isIndex(sample, columns, header));
  if (usable !== undefined) return usable.index;
  const files = columns.find(({ index }) => most(sample, index, (text) => hasImageExtension(text)));
  if (files !== undefined) return files.index;
  const first = columns.find((column) => !isIndex(sample, columns, column.header) && column.kind !== "parts");
  return first?.index ?? 0;
}

/** A column that only counts, beside another one that could name tiles. */
function isIndex(
  { records, named, columns: headers }: TableSample,
  columns: readonly Column[],
  header: string,
): boolean {
  const place = headers.indexOf(header);
  if (!isCounting(records.map(({ cells }) => cells[place]))) return false;
  if (named && (header === "" || /^(unnamed: ?\d+|index)$/i.test(header))) return columns.length > 2;
  if (named && isNameWord(header)) return false;
  return (
    columns.some(({ index, kind }) => {
      const texts = records.map(({ cells }) => textOfCell(cells[index]));
      return index !== place && kind === "text" && new Set(texts).size === texts.length && texts.length > 1;
    }) && columns.length > 2
  );
}

function most({ records }: TableSample, index: number, test: (text: string) => boolean): boolean {
  const texts = records.map(({ cells }) => textOfCell(cells[index])).filter((text) => text !== "");
  return texts.length > 0 && texts.filter(test).length > texts.length / 2;
}

function findTagColumns(sample: TableSample, others: readonly Column[], name: number, { labelFormat }: LabelOptions) {
  if (labelFormat === "multi-hot") return asMultiHot(sample, others, name);
  const called = others.filter(({ header }) => sample.named && isTagWord(header));
  const spoken = called.filter(({ kind }) => kind === "text" || kind === "dates");
  if (spoken.length > 0) {
    refuseTwoTables(sample, spoken, others, name);
    return { tags: chooseCalled(sample, spoken, name), multiHot: false };
  }
  if (called.length === 1 && called[0].kind !== "empty") throw numeric(sample, called[0], name);
  if (called.length > 0 && called.every(({ kind }) => kind === "empty")) {
    return { tags: called.map(({ index }) => index), multiHot: false };
  }
  const bits = others.filter((column) => column.kind === "bits" && !isAside(sample, column));
  if (bits.length > 1) return asMultiHot(sample, others, name);
  return { tags: [chooseByKind(sample, others, name)].flat(), multiHot: false };
}

/** A column of one class each may stand beside a column for each tag, if these are the same tags. */
function refuseTwoTables(
  sample: TableSample,
  called: readonly Column[],
  others: readonly Column[],
  name: number,
): void {
  const bits = others.filter(({ kind }) => kind === "bits");
  if (bits.length < 2 || !called.every(({ header }) => isSingular(header))) return;
  const texts = sample.records.flatMap(({ cells }) => called.map(({ index }) => textOfCell(cells[index])));
  if (!bits.some(({ header }) => texts.some((text) => text.includes(header))))
    throw ambiguous(sample, [...called, ...bits], name);
}

/** One column with such a name, or several of a series: tag1, tag2. */
function chooseCalled(sample: TableSample, called: readonly Column[], name: number): number[] {
  const stems = new Set(called.map(({ header }) => toWord(header).replace(/\d+$/, "")));
  const series = stems.size === 1 && called.every(({ header }) => /\d$/.test(header));
  if (called.length === 1 || series) return called.map(({ index }) => index);
  throw ambiguous(sample, called, name);
}

/** If names do not decide: the column of text, or all of them without a header. */
function chooseByKind(sample: TableSample, others: readonly Column[], name: number): number | number[] {
  const texts = others.filter(({ kind }) => kind === "text");
  if (texts.length === 1 && sample.named && isProseWord(texts[0].header)) throw ambiguous(sample, texts, name);
  const flags = others.filter((column) => !isAside(sample, column) && isFlag(sample, column));
  if (texts.length === 1 && flags.length > 0 && sample.named) throw ambiguous(sample, [...texts, ...flags], name);
  if (texts.length === 1) return texts[0].index;
  if (texts.length > 1 && !sample.named) return texts.map(({ index }) => index);
  if (texts.length > 1) throw ambiguous(sample, texts, name);
  const numbers = others.filter((column) => column.kind !== "empty" && !isAside(sample, column));
  if (numbers.length > 1) throw notBits(sample, numbers);
  if (numbers.length === 1) throw numeric(sample, numbers[0], name);
  if (others.length === 0) throw singleColumn(sample);
  return others[0].index;
}

/** Columns of 0 and 1; others may stand beside them only if they cannot be meant as tags. */
function asMultiHot(sample: TableSample, others: readonly Column[], name: number) {
  if (!sample.named) throw unnamedBits(sample);
  const tags = others.filter((column) => column.kind !== "text" && column.kind !== "dates" && !isAside(sample, column));
  const wrong = tags.filter(({ kind }) => kind === "numbers" || kind === "parts");
  if (wrong.length > 0) throw notBits(sample, tags);
  if (tags.length === 0)
    throw notBits(sample, others.length > 0 ? others : [{ index: name, header: sample.columns[name], kind: "text" }]);
  const places = tags.map(({ index }) => index);
  refuseTwins(sample, places);
  return { tags: places, multiHot: true };
}

/** Two columns of one tag may say different things of a tile. */
function refuseTwins(sample: TableSample, places: readonly number[]): void {
  const headers = places.map((place) => sample.columns[place]);
  const twin = headers.find((header, i) => headers.indexOf(header) < i);
  if (twin !== undefined) throw twins(sample, twin);
}

function isAside(sample: TableSample, { index, header, kind }: Column): boolean {
  if ((kind === "numbers" || (kind === "bits" && header.length > 1)) && isMeasureWord(header)) return true;
  return (
    (header === "" || /^(unnamed: ?\d+|index|id)$/i.test(header)) &&
    isCounting(sample.records.map(({ cells }) => cells[index]))
  );
}

/** 0 and 1, and -1 for what nobody knows: probably a tag's own column. */
function isFlag({ records }: TableSample, { index, kind }: Column): boolean {
  if (kind !== "numbers" && kind !== "bits") return false;
  return records.every(({ cells }) => /^(-?[01]([.,]0*)?)?$/.test(textOfCell(cells[index])));
}
