/** Entry of the thread that reads Parquet: a damaged file may keep the library busy for ever, or fill the memory. */
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

/** What is wanted of a file: its columns, or rows of some of them. */
export type ParquetTask =
  | { path: string; wanted: readonly string[] }
  | { path: string; columns: readonly string[]; rowStart: number; rowEnd: number };

export interface ParquetColumns {
  columns: string[];
  /** Rows of each row group. */
  groups: number[];
}

let opened: { path: string; file: AsyncBuffer; metadata: FileMetaData } | undefined;

async function open(path: string) {
  if (opened?.path === path) return opened;
  const file = await asyncBufferFromFile(path);
  opened = { path, file, metadata: await parquetMetadataAsync(file) };
  return opened;
}

/** The columns that may hold labels, and those that are `wanted`; or cells, row by row. */
export async function readParquetFile(task: ParquetTask): Promise<ParquetColumns | unknown[][]> {
  const { file, metadata } = await open(task.path);
  if ("wanted" in task) {
    const columns = parquetSchema(metadata)
      .children.filter((child) => task.wanted.includes(child.element.name) || !isBinary(child))
      .map(({ element }) => element.name);
    return { columns, groups: metadata.row_groups.map(({ num_rows }) => Number(num_rows)) };
  }
  const { columns, rowStart, rowEnd } = task;
  const rows = await parquetReadObjects({ file, metadata, compressors, columns: [...columns], rowStart, rowEnd });
  return rows.map((row) => columns.map((column) => row[column] ?? null));
}

/** Pictures in a table would be read for nothing. */
function isBinary({ element, children }: SchemaTree): boolean {
  if (children.length > 0)
    return children.some(isBinary) && !children.some(({ element: child }) => child.name === "path");
  const isText = element.converted_type === "UTF8" || element.logical_type?.type === "STRING";
  return element.type === "BYTE_ARRAY" && !isText && element.converted_type === undefined;
}
