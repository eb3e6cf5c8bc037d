/** JSON lines: one object for each tile, as Hugging Face, Vertex AI and Azure ML write them. */
import { FormatError } from "../errors.js";
import { detectEncoding, headText, type LabelFile, textOf } from "./bytes.js";
import type { LabelRecord } from "./cells.js";
import { linesOfText } from "./lines.js";
import type { Table } from "./read-table.js";

export const UNKNOWN_JSON =
  "is JSON of a kind that is not known: expected objects with a name and tags, COCO, Label Studio's tasks, or FiftyOne's samples.";

/** Stands before each text of a sequence (RFC 8142). */
export const RECORD_SEPARATOR = "\u001e";

type JsonObject = Record<string, unknown>;

interface LineObject {
  object: JsonObject;
  line: number;
}

/** @throws FormatError, naming the line, if one is no JSON object */
export async function openJsonLines(file: LabelFile): Promise<Table> {
  const encoding = await detectEncoding(file);
  const sample: LineObject[] = [];
  const text = headText(file, encoding);
  if (file.head.length < file.size && !/[\r\n]/.test(text)) {
    throw new FormatError(file.path, `${file.path}, line 1: is longer than 4 MiB, so this is no list of labels.`);
  }
  text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .forEach((text, i) => {
      if (text.trim() !== "") sample.push({ object: parseLine(file.path, text, i + 1), line: i + 1 });
    });
  return tableOfObjects(file.path, "line", "jsonl", encoding, sample, readLines(file, encoding));
}

/** A table of objects: their keys are the columns. */
export function tableOfObjects(
  path: string,
  unit: "line" | "record",
  format: string,
  encoding: string,
  sample: readonly LineObject[],
  objects: AsyncIterable<readonly LineObject[]>,
): Table {
  const columns = [...new Set(sample.flatMap(({ object }) => Object.keys(object)))];
  if (columns.length < 2) throw new FormatError(path, `${path} ${UNKNOWN_JSON}`);
  const known = new Set(columns);
  const toRecord = ({ object, line }: LineObject): LabelRecord => {
    const lateKey = Object.keys(object).find((key) => !known.has(key));
    const cells = columns.map((column) => object[column] ?? null);
    return { cells, line, ...(lateKey !== undefined && { lateKey }) };
  };
  const facts = { path, unit, format, encoding, delimiter: null, header: null, named: true, typed: true };
  return { ...facts, openEnded: false, columns, records: sample.map(toRecord), batches: toRecords(objects, toRecord) };
}

async function* toRecords(
  objects: AsyncIterable<readonly LineObject[]>,
  toRecord: (each: LineObject) => LabelRecord,
): AsyncGenerator<LabelRecord[]> {
  for await (const batch of objects) yield batch.map(toRecord);
}

async function* readLines(file: LabelFile, encoding: Parameters<typeof textOf>[1]) {
  let line = 0;
  for await (const texts of linesOfText(file.path, textOf(file, encoding))) {
    const batch: LineObject[] = [];
    for (const text of texts) {
      line++;
      if (text.trim() !== "") batch.push({ object: parseLine(file.path, text, line), line });
    }
    yield batch;
  }
}

/** Of a feature of GeoJSON, what it says of its place; any other object as it is. */
export function withoutGeometry(object: JsonObject): JsonObject {
  const { type, properties, id } = object;
  if (type !== "Feature" || typeof properties !== "object" || properties === null) return object;
  return { ...(id !== undefined && { id }), ...properties };
}

function parseLine(path: string, text: string, line: number): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(RECORD_SEPARATOR, ""));
  } catch (cause) {
    throw new FormatError(
      path,
      `${path}, line ${line}: not JSON (${(cause as Error).message.replace(/\s+/g, " ").slice(0, 120)}).`,
      { cause },
    );
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return withoutGeometry(json as JsonObject);
  throw new FormatError(path, `${path}, line ${line}: not a JSON object, as each line of a .jsonl file should be.`);
}
