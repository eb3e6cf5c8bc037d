/** Reads predictions back, in any format they are written in, a block of rows in memory at a time. */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { parse } from "csv-parse";
import { FormatError } from "../errors.js";
import { linesByBlock, MAX_LINE } from "../tiles/lines.js";
import type { RowBlock } from "./packed-rows.js";
import type { RowOptions } from "./rows.js";

/** Rows of a block of CSV. */
const BLOCK_ROWS = 8192;

/** The rows of a CSV that `csvRows` wrote with the same options. CSV has no paths: they are empty. */
export async function* readCsvRows(path: string, options: RowOptions): AsyncGenerator<RowBlock> {
  const split = tagSplitter(path, options.tags);
  const cell = options.escapeFormulas ? unescaped : (text: string) => text;
  let block: Row[] = [];
  const cells = parse({ from: 2, max_record_size: MAX_LINE });
  // Failures of either end both; the loop throws them.
  pipeline(createReadStream(path), cells, () => {});
  for await (const [name, tags, ...numbers] of cells as AsyncIterable<string[]>) {
    block.push({ name: cell(name), path: "", tags: split(cell(tags)), numbers: numbers.map(Number) });
    if (block.length < BLOCK_ROWS) continue;
    yield toColumns(block, options);
    block = [];
  }
  if (block.length > 0) yield toColumns(block, options);
}

/** The rows of JSON lines that `jsonRows` or `jsonEmbeddings` wrote with the same options. */
export async function* readJsonRows(path: string, options: RowOptions): AsyncGenerator<RowBlock> {
  for await (const lines of linesByBlock(path, createReadStream(path))) {
    const rows = JSON.parse(`[${lines.join(",")}]`) as JsonRow[];
    if (options.embeddings !== undefined) {
      yield ofEmbeddings(rows);
      continue;
    }
    const block = rows.map(({ image_name, path: place, tags, probabilities = {} }) => ({
      name: image_name,
      path: place,
      tags,
      numbers: options.probabilities ? options.tags.map((tag) => probabilities[tag]) : [],
    }));
    yield toColumns(block, options);
  }
}

interface JsonRow {
  image_name: string;
  path: string;
  tags: string[];
  probabilities?: Record<string, number>;
  embedding?: number[];
}

function ofEmbeddings(rows: readonly JsonRow[]): RowBlock {
  return {
    names: rows.map(({ image_name }) => image_name),
    paths: rows.map(({ path }) => path),
    tags: [],
    probabilities: [],
    embeddings: rows.map(({ embedding = [] }) => Float32Array.from(embedding)),
  };
}

interface Row {
  name: string;
  path: string;
  tags: string[];
  numbers: number[];
}

function toColumns(rows: readonly Row[], { tags, probabilities }: RowOptions): RowBlock {
  const columns = (probabilities ? tags : []).map((_, i) => Float32Array.from(rows, ({ numbers }) => numbers[i]));
  return {
    names: rows.map(({ name }) => name),
    paths: rows.map((row) => row.path),
    tags: rows.map((row) => row.tags),
    probabilities: columns,
    embeddings: [],
  };
}

/** Splits a cell of tags, which are separated by spaces. @throws FormatError if tags hold spaces themselves */
function tagSplitter(path: string, tags: readonly string[]): (cell: string) => string[] {
  const spaced = tags.find((tag) => tag.includes(" "));
  if (spaced !== undefined) {
    throw new FormatError(
      path,
      `The tags in ${path} cannot be told apart, because ${JSON.stringify(spaced)} holds a space, and CSV separates tags by spaces: merge to .csv.`,
    );
  }
  return (cell) => (cell === "" ? [] : cell.split(" "));
}

/** See `CsvOptions`. */
function unescaped(text: string): string {
  return /^'[=+\-@\t\r]/.test(text) ? text.slice(1) : text;
}
