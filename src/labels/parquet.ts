/** Parquet tables: names and tags in two of the columns, read one row group at a time, in a thread with a time limit. */
import type { Piscina } from "piscina";
import { FormatError } from "../errors.js";
import { createWorkerPool, endWorkerPool } from "../worker-pool.js";
import type { LabelFile } from "./bytes.js";
import type { Cell, LabelRecord } from "./cells.js";
import type { LabelOptions } from "./options.js";
import type { ParquetColumns, ParquetTask } from "./parquet-rows.js";
import type { Table } from "./read-table.js";

const SAMPLE_ROWS = 500;
/** Rows that are in memory at once. */
const WINDOW = 16_384;
/** Milliseconds a window may take: those of good files take a hundredth of it. */
const TIME_LIMIT = 20_000;

interface Thread {
  pool: Piscina<ParquetTask, ParquetColumns | Cell[][]>;
  timeLimit: number;
}

/** @throws FormatError if the file is damaged */
export async function openParquet(
  { path }: LabelFile,
  options: LabelOptions,
  timeLimit: number = TIME_LIMIT,
): Promise<Table> {
  const wanted = [...(options.labelColumns ?? []).map(String), ...(options.split === undefined ? [] : [options.split])];
  const { columns, groups, records } = await inThread(timeLimit, async (thread) => {
    const found = (await run(thread, { path, wanted })) as ParquetColumns;
    return { ...found, records: await readRows(thread, path, found.columns, 0, SAMPLE_ROWS) };
  });
  const facts = {
    format: "parquet",
    encoding: null,
    delimiter: null,
    header: null,
    named: true,
    typed: true,
    openEnded: false,
  };
  return { path, unit: "row", ...facts, columns, records, batches: readAll(path, columns, groups, timeLimit) };
}

async function* readAll(
  path: string,
  columns: readonly string[],
  groups: readonly number[],
  timeLimit: number,
): AsyncGenerator<LabelRecord[]> {
  const thread = startThread(timeLimit);
  try {
    let groupStart = 0;
    for (const rows of groups) {
      const groupEnd = groupStart + rows;
      for (let start = groupStart; start < groupEnd; start += WINDOW) {
        yield await readRows(thread, path, columns, start, Math.min(start + WINDOW, groupEnd));
      }
      groupStart = groupEnd;
    }
  } finally {
    await endWorkerPool(thread.pool);
  }
}

function startThread(timeLimit: number): Thread {
  return { pool: createWorkerPool(new URL("./parquet-rows.js", import.meta.url), "readParquetFile", 1), timeLimit };
}

async function inThread<T>(timeLimit: number, work: (thread: Thread) => Promise<T>): Promise<T> {
  const thread = startThread(timeLimit);
  try {
    return await work(thread);
  } finally {
    await endWorkerPool(thread.pool);
  }
}

async function readRows(
  thread: Thread,
  path: string,
  columns: readonly string[],
  rowStart: number,
  rowEnd: number,
): Promise<LabelRecord[]> {
  const rows = (await run(thread, { path, columns, rowStart, rowEnd })) as Cell[][];
  return rows.map((cells, i) => ({ cells, line: rowStart + i + 1 }));
}

async function run({ pool, timeLimit }: Thread, task: ParquetTask): Promise<ParquetColumns | Cell[][]> {
  const signal = AbortSignal.timeout(timeLimit);
  try {
    return await pool.run(task, { signal });
  } catch (cause) {
    const reason = signal.aborted ? `it takes more than ${timeLimit / 1000} s` : (cause as Error).message;
    throw new FormatError(
      task.path,
      `${task.path} cannot be read as Parquet (${reason.replace(/\s+/g, " ").slice(0, 120)}). Is the whole file there?`,
      { cause },
    );
  }
}
