/** Reads rows back from a Parquet file of canopy, one row group in memory at a time. */
import { asyncBufferFromFile, type ColumnData, parquetMetadataAsync, parquetRead } from "hyparquet";
import type { RowBlock } from "./packed-rows.js";
import { probabilityColumn, ROW_GROUP } from "./parquet.js";
import type { RowOptions } from "./rows.js";

/** Yields the row groups of `path`, which `ParquetEncoder` wrote with the same options. */
export async function* readParquet(path: string, options: RowOptions): AsyncGenerator<RowBlock> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    if (num_rows > ROW_GROUP) throw new Error("a row group is larger than canopy writes them");
    const rowEnd = rowStart + Number(num_rows);
    const group = emptyBlock(rowEnd - rowStart, options);
    const take = taker(group, rowStart, options);
    await parquetRead({ file, metadata, rowStart, rowEnd, onChunk: take });
    yield group;
    rowStart = rowEnd;
  }
}

function emptyBlock(rows: number, { tags, probabilities, embeddings }: RowOptions): RowBlock {
  const columns = (probabilities ? tags : []).map(() => new Float32Array(rows));
  const [names, paths] = [new Array<string>(rows), new Array<string>(rows)];
  return embeddings
    ? { names, paths, tags: [], probabilities: [], embeddings: new Array(rows) }
    : { names, paths, tags: new Array(rows), probabilities: columns, embeddings: [] };
}

/** Puts chunks of columns at their place in `group`. The library awaits nothing it does: it must not throw. */
function taker(group: RowBlock, groupStart: number, { tags }: RowOptions): (chunk: ColumnData) => void {
  const columns = new Map<string, unknown[] | Float32Array>([
    ...group.probabilities.map((values, column) => [probabilityColumn(tags[column]), values] as const),
    ["image_name", group.names],
    ["path", group.paths],
    ["tags", group.tags],
    ["embedding", group.embeddings],
  ]);
  return ({ columnName, columnData, rowStart }) => {
    const place = rowStart - groupStart;
    const target = columns.get(columnName) ?? [];
    for (let i = 0; i < columnData.length; i++) {
      const value: unknown = columnData[i];
      target[place + i] = target instanceof Float32Array && typeof value !== "number" ? Number.NaN : value;
    }
  };
}
