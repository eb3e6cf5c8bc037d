/** Tables of any kind to labels: the roles of columns, then row by row. */
import { InputError } from "../errors.js";
import { type Cell, type LabelRecord, readBit, textOfCell, withoutSpare } from "./cells.js";
import { addRow, type Collector, createCollector, finishTable } from "./collect.js";
import { findRoles, type Roles } from "./columns.js";
import { noteDoubt } from "./doubts.js";
import type { LabelOptions } from "./options.js";
import { readPart } from "./parts.js";
import type { Fail, LabelTable } from "./table.js";
import type { TableSample } from "./table-sample.js";
import { createBitReader, createTagReader, findSeparator, type SeparatorFacts, type TagReader } from "./tag-reader.js";
import { shorten } from "./tags.js";

/** A table whose first records are known and whose others come as a stream. */
export interface Table extends TableSample {
  format: string;
  encoding: string | null;
  delimiter: string | null;
  header: boolean | null;
  /** Whether cells are more than text: lists, numbers, nothing. */
  typed: boolean;
  /** Whether cells beyond the last column belong to it: tags that are separated as columns are. */
  openEnded: boolean;
  /** All records, those of the sample too, many at a time. */
  batches: AsyncIterable<readonly LabelRecord[]>;
}

export async function readTable(table: Table, options: LabelOptions): Promise<LabelTable> {
  const roles = findRoles(table, options);
  refuseSeparator(table.path, roles, options);
  const separator = roles.multiHot ? undefined : findSeparator(table, roles, options);
  const collector = createCollector(table.path, describe(table, roles, separator), options.labelFormat === "long");
  if (table.encoding === "windows-1252") noteDoubt(collector.doubts, "LATIN1", table.path);
  if (separator?.whole) noteDoubt(collector.doubts, "ONE_TAG_EACH", JSON.stringify(shorten(separator.whole)));
  const reader =
    separator === undefined
      ? createBitReader(collector, table.columns, roles)
      : createTagReader(collector, table, roles, separator);
  for await (const batch of table.batches) {
    for (const record of batch) readRecord(record, table, roles, collector, reader);
  }
  return finishTable(collector);
}

/** @throws InputError for an option that would be ignored */
function refuseSeparator(path: string, { multiHot }: Roles, { tagSeparator }: LabelOptions): void {
  if (!multiHot || tagSeparator === undefined) return;
  throw new InputError(
    `${path} has a column for each tag, so that nothing separates tags: leave out \`tagSeparator\`.`,
  );
}

function readRecord(record: LabelRecord, table: Table, roles: Roles, collector: Collector, reader: TagReader): void {
  const { columns, typed, openEnded } = table;
  const { line, lateKey } = record;
  const cells = withoutSpare(record.cells, columns.length);
  const { fail } = collector;
  const takesMore = openEnded && !roles.multiHot && roles.tags.at(-1) === columns.length - 1;
  if (cells.length > columns.length && !takesMore) {
    throw fail(
      line,
      `there are ${cells.length} cells in ${columns.length} columns. Put cells with separators inside into quotes.`,
    );
  }
  if (roles.multiHot && !typed && cells.length < columns.length) {
    throw fail(
      line,
      `there are ${cells.length} cells in ${columns.length} columns: the row, or the file, is not whole.`,
    );
  }
  if (roles.multiHot && lateKey !== undefined) {
    throw fail(line, `the key ${JSON.stringify(lateKey)} is in none of the first records. Give all records all tags.`);
  }
  const part = roles.split === undefined ? undefined : readPart(cells[roles.split], columns[roles.split], line, fail);
  const name = nameOfCell(cells[roles.name]);
  if (table.named && !typed && name === columns[roles.name] && isHeader(cells, columns)) {
    throw fail(line, "the header comes again. Remove the line.");
  }
  const isLabelled = roles.labelled === undefined || readBit(cells[roles.labelled]) === true;
  const tags = isLabelled ? reader.read(cells, line) : undefined;
  addRow(collector, name, applies(cells, roles, line, fail) ? tags : [], line, part);
}

function isHeader(cells: readonly Cell[], columns: readonly string[]): boolean {
  return cells.every((cell, i) => textOfCell(cell) === columns[i]);
}

/** Whether the row says that the tile has its tag. */
function applies(cells: readonly Cell[], { applies: column }: Roles, line: number, fail: Fail): boolean {
  if (column === undefined) return true;
  const bit = readBit(cells[column]);
  if (bit !== undefined) return bit;
  throw fail(
    line,
    `the confidence ${textOfCell(cells[column])} is neither 0 nor 1. Keep the rows that apply, without the column.`,
  );
}

/** Pictures in tables of Hugging Face are objects, with the file's path beside the bytes. */
function nameOfCell(cell: unknown): string {
  if (typeof cell !== "object" || cell === null) return textOfCell(cell);
  const { path } = cell as { path?: unknown };
  return textOfCell(path);
}

function describe(table: Table, roles: Roles, separator: SeparatorFacts | undefined) {
  const { columns } = table;
  const used = new Set([roles.name, ...roles.tags, roles.split, roles.unusedSplit, roles.labelled]);
  const unused = columns.filter((_, index) => !used.has(index));
  const inside = separator?.separator === "none" && table.typed ? "list" : separator?.separator;
  return {
    format: table.format,
    unit: table.unit,
    encoding: table.encoding,
    delimiter: table.delimiter,
    header: table.header,
    nameColumn: columns[roles.name],
    tagColumns: roles.tags.map((index) => columns[index]),
    multiHot: roles.multiHot,
    separator: inside ?? null,
    splitColumn: roles.split === undefined ? null : columns[roles.split],
    unusedSplit: roles.unusedSplit === undefined ? null : columns[roles.unusedSplit],
    labelledColumn: roles.labelled === undefined ? null : columns[roles.labelled],
    ignoredColumns: unused,
  };
}
