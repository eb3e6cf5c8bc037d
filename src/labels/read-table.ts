/** Tables of any kind to labels: the roles of columns, then row by row. */
import { type LabelRecord, textOfCell } from "./cells.js";
import { addRow, type Collector, createCollector, finishTable } from "./collect.js";
import { findRoles, type Roles, type TableSample } from "./columns.js";
import { noteDoubt } from "./doubts.js";
import type { LabelOptions } from "./options.js";
import { readPart } from "./parts.js";
import type { LabelTable } from "./table.js";
import { createBitReader, createTagReader, findSeparator, type SeparatorFacts, type TagReader } from "./tag-reader.js";

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
  const separator = roles.multiHot ? undefined : findSeparator(table, roles, options);
  const collector = createCollector(table.path, describe(table, roles, separator), options.labelFormat === "long");
  if (table.encoding === "windows-1252") noteDoubt(collector.doubts, "LATIN1", table.path);
  const reader =
    separator === undefined
      ? createBitReader(collector, table.columns, roles)
      : createTagReader(collector, table, roles, separator);
  for await (const batch of table.batches) {
    for (const record of batch) readRecord(record, table, roles, collector, reader);
  }
  return finishTable(collector);
}

function readRecord(
  { cells, line, lateKey }: LabelRecord,
  table: Table,
  roles: Roles,
  collector: Collector,
  reader: TagReader,
): void {
  const { columns, typed, openEnded } = table;
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
  addRow(collector, nameOfCell(cells[roles.name]), reader.read(cells, line), line, part);
}

/** Pictures in tables of Hugging Face are objects, with the file's path beside the bytes. */
function nameOfCell(cell: unknown): string {
  if (typeof cell !== "object" || cell === null) return textOfCell(cell);
  const { path } = cell as { path?: unknown };
  return textOfCell(path);
}

function describe(table: Table, roles: Roles, separator: SeparatorFacts | undefined) {
  const { columns } = table;
  const used = new Set([roles.name, ...roles.tags, roles.split, roles.unusedSplit]);
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
    ignoredColumns: unused,
  };
}
