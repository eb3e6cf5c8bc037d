/**
 * Predictions before they become a Parquet file: short lines that are fast to write and to read, and the columns made
 * of them.
 */
import { linesByBlock } from "../tiles/lines.js";
import type { Embedding } from "./embeddings.js";
import type { RowFormat, RowOptions } from "./rows.js";

/** Rows by column. */
export interface RowBlock {
  names: string[];
  paths: string[];
  /** None if rows hold embeddings. */
  tags: string[][];
  /** One array for each tag of the model; none if there are no probabilities. */
  probabilities: Float32Array[];
  /** One array for each row; none if rows hold tags. */
  embeddings: Float32Array[];
}

/** Whether each row is whole: a name, a path, and tags of the model or a whole embedding, all numbers finite. */
export function isSound(block: RowBlock, { tags, embeddings }: RowOptions): boolean {
  const count = block.names.length;
  const known = new Set(tags);
  const isText = (each: unknown) => typeof each === "string";
  const isTags = (each: unknown) => Array.isArray(each) && each.every((tag) => known.has(tag));
  const isEmbedding = (each: ArrayLike<number>) => each?.length === embeddings && areFinite(each);
  // Unlike `every`, a loop sees what is missing.
  const holds = <T>(values: readonly T[], isGood: (each: T) => boolean): boolean => {
    for (let row = 0; row < count; row++) if (!isGood(values[row])) return false;
    return values.length === count;
  };
  return (
    holds(block.names, isText) &&
    holds(block.paths, isText) &&
    (embeddings === undefined ? holds(block.tags, isTags) : holds(block.embeddings, isEmbedding)) &&
    block.probabilities.every((column) => column.length === count && areFinite(column))
  );
}

function areFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** `[name, path, [columns of its tags], float32 of all tags in base64]` a line, the last only with probabilities. */
export function packedRows({ tags, probabilities }: RowOptions): RowFormat {
  const columns = new Map(tags.map((tag, column) => [tag, column]));
  return {
    header: "",
    rows: (predictions) =>
      predictions
        .map(({ name, path, tags: given, probabilities: values }) => {
          const row: unknown[] = [name, path, given.map((tag) => columns.get(tag)!)];
          if (probabilities) row.push(packed(values));
          return `${JSON.stringify(row)}\n`;
        })
        .join(""),
  };
}

/** `[name, path, float32 of all features in base64]` a line. */
export const packedEmbeddings: RowFormat<Embedding> = {
  header: "",
  rows: (rows) =>
    rows.map(({ name, path, embedding }) => `${JSON.stringify([name, path, packed(embedding)])}\n`).join(""),
};

function packed({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

type PackedEmbedding = [name: string, path: string, embedding: string];
type PackedRow = [name: string, path: string, tags: number[], probabilities: string];

/** Reads what `packedRows` or `packedEmbeddings` wrote into the file `path`: a block of columns for each block of bytes. */
export async function* unpackRows(
  path: string,
  bytes: AsyncIterable<Buffer>,
  options: RowOptions,
): AsyncGenerator<RowBlock> {
  const unpack = options.embeddings ? unpackEmbeddings : unpackTags;
  for await (const lines of linesByBlock(path, bytes)) yield unpack(JSON.parse(`[${lines.join(",")}]`), options);
}

function unpackEmbeddings(rows: readonly PackedEmbedding[]): RowBlock {
  return {
    names: rows.map(([name]) => name),
    paths: rows.map(([, path]) => path),
    tags: [],
    probabilities: [],
    embeddings: rows.map(([, , values]) => new Float32Array(Uint8Array.from(Buffer.from(values, "base64")).buffer)),
  };
}

function unpackTags(rows: readonly PackedRow[], { tags, probabilities }: RowOptions): RowBlock {
  const columns = (probabilities ? tags : []).map(() => new Float32Array(rows.length));
  const values = new Float32Array(columns.length);
  const bytes = Buffer.from(values.buffer);
  if (probabilities) {
    for (const [row, [, , , packed]] of rows.entries()) {
      bytes.write(packed, "base64");
      for (let column = 0; column < columns.length; column++) columns[column][row] = values[column];
    }
  }
  return {
    names: rows.map(([name]) => name),
    paths: rows.map(([, path]) => path),
    tags: rows.map(([, , given]) => given.map((column) => tags[column])),
    probabilities: columns,
    embeddings: [],
  };
}
