/**
 * Label files: a CSV with a header, one row per tile. In: the file's bytes. Out: names and tags by row, or an error that names file
 * and line.
 */
import { createReadStream } from "node:fs";
import { CsvError, parse } from "csv-parse";
import { FormatError, InputError } from "../errors.js";

export interface LabelRow {
  /** The tile's name without folder and image extension, as in `Tile.name`. */
  name: string;
  tags: string[];
  /** Line of the file the row ends on, from 1. */
  line: number;
}

export interface Labels {
  path: string;
  /** In the file's order; names are distinct. */
  rows: LabelRow[];
}

export interface ReadLabelsOptions {
  /** Header of the column with the tiles' names. @default the first column */
  nameColumn?: string;
  /** Header of the column with the tags, separated by spaces. @default the second column */
  tagsColumn?: string;
  /** Take a row without tags as a tile that has none, instead of an error. @default false */
  allowUntagged?: boolean;
}

interface ParsedRow {
  record: string[];
  info: { lines: number };
}

const IMAGE_EXTENSION = /\.(jpe?g|png|tiff?|webp)$/i;

/**
 * Reads a label CSV as a stream. Quoted fields, CRLF and a UTF-8 byte-order mark are fine.
 *
 * @throws InputError where the file cannot be read, lacks a column, or holds no row
 * @throws FormatError for malformed CSV, a row without name or tags, and a name that occurs twice; the message names the line
 */
export async function readLabels(path: string, options: ReadLabelsOptions = {}): Promise<Labels> {
  const rows: LabelRow[] = [];
  const lineOf = new Map<string, number>();
  let columns: { name: number; tags: number } | undefined;
  try {
    for await (const parsed of parseRows(path)) {
      if (columns === undefined) {
        columns = findColumns(path, parsed.record, options);
      } else {
        rows.push(toLabelRow(path, parsed, columns, lineOf, options.allowUntagged ?? false));
      }
    }
  } catch (error) {
    throw explain(path, error as Error);
  }
  if (rows.length === 0) {
    throw new InputError(`${path} holds no labels: expected a header line and one row per tile.`);
  }
  return { path, rows };
}

/** The tiles' names in the first column of a CSV with a header, each once, in the file's order. Errors are those of readLabels. */
export async function readNames(path: string): Promise<string[]> {
  const names = new Set<string>();
  let header = true;
  try {
    for await (const { record } of parseRows(path)) {
      if (!header) names.add(toTileName(record[0] ?? ""));
      header = false;
    }
  } catch (error) {
    throw explain(path, error as Error);
  }
  names.delete("");
  if (names.size === 0) throw new InputError(`${path} names no tiles: expected a header line and one row per tile.`);
  return [...names];
}

/** A tile's name as labels may spell it, without folder and image extension: "a/train_7.jpg" is "train_7". */
export function toTileName(spelled: string): string {
  return spelled.slice(spelled.lastIndexOf("/") + 1).replace(IMAGE_EXTENSION, "");
}

function parseRows(path: string): AsyncIterable<ParsedRow> {
  const parser = parse({ bom: true, info: true, skip_empty_lines: true, trim: true, relax_column_count: true });
  return createReadStream(path)
    .on("error", (error) => parser.destroy(error))
    .pipe(parser) as AsyncIterable<ParsedRow>;
}

function findColumns(path: string, header: string[], options: ReadLabelsOptions): { name: number; tags: number } {
  if (header.length < 2) {
    throw new InputError(
      `${path} has the single column ${JSON.stringify(header[0] ?? "")}: expected a header such as image_name,tags, separated by a comma.`,
    );
  }
  const find = (name: string | undefined, fallback: number) => {
    const column = name === undefined ? fallback : header.indexOf(name);
    if (column === -1) {
      throw new InputError(`${path} has no column ${JSON.stringify(name)}; its columns are: ${header.join(", ")}.`);
    }
    return column;
  };
  return { name: find(options.nameColumn, 0), tags: find(options.tagsColumn, 1) };
}

function toLabelRow(
  path: string,
  { record, info }: ParsedRow,
  columns: { name: number; tags: number },
  lineOf: Map<string, number>,
  allowUntagged: boolean,
): LabelRow {
  const line = info.lines;
  const name = toTileName(record[columns.name] ?? "");
  const tags = [...new Set((record[columns.tags] ?? "").split(/\s+/).filter((tag) => tag !== ""))];
  if (name === "") {
    throw new FormatError(path, `${path}, line ${line}: no tile name.`);
  }
  if (tags.length === 0 && !allowUntagged) {
    throw new FormatError(path, `${path}, line ${line}: tile ${name} has no tags.`);
  }
  const earlier = lineOf.get(name);
  if (earlier !== undefined) {
    throw new FormatError(path, `${path}, line ${line}: tile ${name} is already labelled on line ${earlier}.`);
  }
  lineOf.set(name, line);
  return { name, tags, line };
}

function explain(path: string, error: Error & { code?: string }): Error {
  if (error.code === "ENOENT") {
    return new InputError(`There is no label file ${path}.`, { cause: error });
  }
  if (error instanceof CsvError) {
    const line = error["lines"];
    return new FormatError(path, `${path}, line ${line}: not CSV (${error.message}).`, { cause: error });
  }
  if (error.code?.startsWith("E")) {
    return new InputError(`Cannot read the label file ${path}: ${error.message}.`, { cause: error });
  }
  return error;
}
