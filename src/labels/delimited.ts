/** Tables in text: which character separates columns, whether there is a header, and the records as a stream. */
import { pipeline, Readable } from "node:stream";
import { CsvError, type Options, parse } from "csv-parse";
import { parse as parseSync } from "csv-parse/sync";
import { FormatError, InputError } from "../errors.js";
import { detectEncoding, headText, type LabelFile, textOf } from "./bytes.js";
import type { LabelRecord } from "./cells.js";
import { findHeader } from "./header.js";
import type { LabelOptions } from "./options.js";
import type { Table } from "./read-table.js";

/** Longest line: in a longer one the tags of a row cannot be recognised. */
const MAX_LINE = 16 << 20;

const SAMPLE_RECORDS = 500;

/** Excel's own first line, which says what separates columns. */
const SEPARATOR_LINE = /^\uFEFF?sep=([,;|\t])[ \t]*[\r\n]/i;

const COMMON: Options = {
  bom: true,
  info: true,
  trim: true,
  skip_empty_lines: true,
  relax_column_count: true,
  record_delimiter: ["\r\n", "\n", "\r"],
  max_record_size: MAX_LINE,
};

interface Parsed {
  record: string[];
  info: { lines: number };
}

/** @throws InputError and FormatError if the file is no table */
export async function openDelimited(file: LabelFile, options: LabelOptions): Promise<Table> {
  const encoding = await detectEncoding(file);
  const text = headText(file, encoding);
  const told = SEPARATOR_LINE.exec(text)?.[1];
  const fixed = told ?? (options.labelFormat === "tsv" ? "\t" : undefined);
  const { delimiter, records: all } = fixed === undefined ? chooseDelimiter(file.path, text) : judge(text, fixed);
  const records = all.slice(told === undefined ? 0 : 1);
  if (records.length === 0) throw noRows(file.path);
  const header = findHeader(file.path, records, options);
  const width = header === undefined ? widthOf(records) : header.length;
  const columns = header ?? Array.from({ length: width }, (_, i) => String(i + 1));
  const sample = header === undefined ? records : records.slice(1);
  return {
    path: file.path,
    unit: "line",
    format: delimiter === "\t" ? "tsv" : "csv",
    encoding,
    delimiter,
    header: header !== undefined,
    columns,
    named: header !== undefined,
    records: sample,
    typed: false,
    openEnded: delimiter === "," || header === undefined,
    batches: withoutFirst(
      parseRecords(file.path, textOf(file, encoding), delimiter),
      (header === undefined ? 0 : 1) + (told === undefined ? 0 : 1),
    ),
  };
}

/** Without a header rows may have as many tags as they like: what all rows have are columns, the rest is more tags. */
function widthOf(records: readonly LabelRecord[]): number {
  return Math.max(2, Math.min(...records.map(({ cells }) => cells.length)));
}

function parseSample(text: string, delimiter: string): LabelRecord[] {
  const parsed = parseSync(text, {
    ...COMMON,
    delimiter,
    relax_quotes: true,
    skip_records_with_error: true,
    to: SAMPLE_RECORDS,
  }) as unknown as Parsed[];
  return parsed.map(({ record, info }) => ({ cells: record, line: info.lines }));
}

const DELIMITERS = [",", "\t", ";", "|"] as const;

/**
 * The delimiter that gives nearly every line two cells or more; of several the one that gives all lines the same
 * number, then the one that comes first in the lines: right after the name.
 */
function chooseDelimiter(path: string, text: string): Judgement {
  const candidates = DELIMITERS.filter((delimiter) => text.includes(delimiter))
    .map((delimiter) => judge(text, delimiter))
    .filter(({ cells, share }) => cells > 1 && share > 0.9);
  const [best] = candidates.sort((a, b) => Number(b.even) - Number(a.even) || a.place - b.place);
  if (best !== undefined) return best;
  const [first] = parseSample(text, ",");
  if (first === undefined) throw noRows(path);
  throw new InputError(
    `${path} has the single column ${JSON.stringify(String(first.cells[0]).slice(0, 80))}: expected a header such as image_name,tags, ` +
      "with a comma, semicolon, tab or | between columns.",
  );
}

function noRows(path: string): InputError {
  return new InputError(`${path} holds no labels: expected a header line and one row per tile.`);
}

interface Judgement {
  delimiter: string;
  records: LabelRecord[];
  /** Cells of the first record. */
  cells: number;
  /** Of the records that have two cells or more. */
  share: number;
  /** Whether all records have as many cells. */
  even: boolean;
  /** Characters before the first delimiters. */
  place: number;
}

function judge(text: string, delimiter: string): Judgement {
  const records = parseSample(text, delimiter);
  const cells = records[0]?.cells.length ?? 0;
  const share = records.filter((record) => record.cells.length > 1).length / Math.max(1, records.length);
  const even = records.every((record) => record.cells.length === cells);
  const place = records.reduce((sum, record) => sum + String(record.cells[0]).length, 0);
  return { delimiter, records, cells, share, even, place };
}

async function* withoutFirst(
  batches: AsyncIterable<LabelRecord[]>,
  count: number,
): AsyncGenerator<readonly LabelRecord[]> {
  let left = count;
  for await (const batch of batches) {
    yield left === 0 ? batch : batch.slice(left);
    left = 0;
  }
}

const BATCH = 1024;

/** The records of `text`, many at a time. @throws FormatError, naming the line, if it is no CSV */
export async function* parseRecords(
  path: string,
  text: AsyncIterable<string>,
  delimiter: string,
): AsyncGenerator<LabelRecord[]> {
  const parser = parse({ ...COMMON, delimiter });
  // Whatever ends one ends the other; the error comes out of the parser.
  pipeline(Readable.from(text), parser, () => {});
  let batch: LabelRecord[] = [];
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      batch.push({ cells: record, line: info.lines });
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    throw explainCsv(path, error as Error);
  }
  if (batch.length > 0) yield batch;
}

function explainCsv(path: string, error: Error): Error {
  if (!(error instanceof CsvError)) return error;
  const line = Number(error["lines"] ?? 1);
  if (error.code === "CSV_MAX_RECORD_SIZE") {
    return new FormatError(
      path,
      `${path}, line ${line}: is longer than ${MAX_LINE >> 20} MiB, so this is no table of labels.`,
      { cause: error },
    );
  }
  return new FormatError(path, `${path}, line ${line}: not CSV (${error.message}).`, { cause: error });
}
