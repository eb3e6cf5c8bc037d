/** Parquet tables: names and tags in two of the columns, read one row group at a time. */
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { FormatError } from "../errors.js";
import type { LabelFile } from "./bytes.js";
import type { LabelRecord } from "./cells.js";
import type { LabelOptions } from "./options.js";
import type { Table } from "./read-table.js";

interface ParquetFile {
  path: string;
  file: AsyncBuffer;
  metadata: FileMetaData;
  columns: readonly string[];
}

const SAMPLE_ROWS = 500;
/** Rows that are in memory at once. */
const WINDOW = 16_384;

/** @throws FormatError if the file is damaged */
export async function openParquet({ path }: LabelFile, options: LabelOptions): Promise<Table> {
  const parquet = await open(path, options);
  const records = await readRows(parquet, 0, SAMPLE_ROWS);
  const facts = {
    format: "parquet",
    encoding: null,
    delimiter: null,
    header: null,
    named: true,
    typed: true,
    openEnded: false,
  };
  return { path, unit: "row", ...facts, columns: parquet.columns, records, batches: readAll(parquet) };
}

async function open(path: string, options: LabelOptions): Promise<ParquetFile> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const wanted = new Set([...(options.labelColumns ?? []).map(String), options.split]);
    const columns = parquetSchema(metadata)
      .children.filter((child) => wanted.has(child.element.name) || !isBinary(child))
      .map(({ element }) => element.name);
    return { path, file, metadata, columns };
  } catch (cause) {
    throw damaged(path, cause);
  }
}

/** Pictures in a table would be read for nothing. */
function isBinary({ element, children }: SchemaTree): boolean {
  if (children.length > 0)
    return children.some(isBinary) && !children.some(({ element: child }) => child.name === "path");
  const isText = element.converted_type === "UTF8" || element.logical_type?.type === "STRING";
  return element.type === "BYTE_ARRAY" && !isText && element.converted_type === undefined;
}

async function* readAll(parquet: ParquetFile): AsyncGenerator<LabelRecord[]> {
  let groupStart = 0;
  for (const group of parquet.metadata.row_groups) {
    const groupEnd = groupStart + Number(group.num_rows);
    for (let start = groupStart; start < groupEnd; start += WINDOW) {
      yield await readRows(parquet, start, Math.min(start + WINDOW, groupEnd));
    }
    groupStart = groupEnd;
  }
}

async function readRows(
  { path, file, metadata, columns }: ParquetFile,
  rowStart: number,
  rowEnd: number,
): Promise<LabelRecord[]> {
  try {
    const rows = await parquetReadObjects({ file, metadata, compressors, columns: [...columns], rowStart, rowEnd });
    return rows.map((row, i) => ({ cells: columns.map((column) => row[column] ?? null), line: rowStart + i + 1 }));
  } catch (cause) {
    throw damaged(path, cause);
  }
}

function damaged(path: string, cause: unknown): FormatError {
  const reason = (cause as Error).message.replace(/\s+/g, " ").slice(0, 120);
  return new FormatError(path, `${path} cannot be read as Parquet (${reason}). Is the whole file there?`, { cause });
}
