/** JSON lines: one object for each tile, as Hugging Face, Vertex AI and Azure ML write them. */
import { FormatError } from "../errors.js";
import { detectEncoding, headText, type LabelFile, textOf } from "./bytes.js";
import type { LabelRecord } from "./cells.js";
import { linesOfText } from "./lines.js";
import type { Table } from "./read-table.js";

export const UNKNOWN_JSON =
  "is JSON of a kind that is not known: expected objects with a name and tags, COCO, Label Studio's tasks, or FiftyOne's samples.";

type JsonObject = Record<string, unknown>;

/** @throws FormatError, naming the line, where one is no JSON object */
export async function openJsonLines(file: LabelFile): Promise<Table> {
  const encoding = await detectEncoding(file);
  const sample: { object: JsonObject; line: number }[] = [];
  headText(file, encoding)
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
  sample: readonly { object: JsonObject; line: number }[],
  objects: AsyncIterable<readonly { object: JsonObject; line: number }[]>,
): Table {
  const columns = [...new Set(sample.flatMap(({ object }) => Object.keys(object)))];
  if (columns.length < 2) throw new FormatError(path, `${path} ${UNKNOWN_JSON}`);
  const toRecord = ({ object, line }: { object: JsonObject; line: number }): LabelRecord => {
    return { cells: columns.map((column) => object[column] ?? null), line };
  };
  const facts = {
    path,
    unit,
    format,
    encoding,
    delimiter: null,
    header: null,
    named: true,
    typed: true,
    openEnded: false,
  };
  return {
    ...facts,
    columns,
    records: sample.map(toRecord),
    batches: toBatches(path, unit, columns, objects, toRecord),
  };
}

/** A key that comes late is no column: where each tag is a key, a tag would be lost. */
async function* toBatches(
  path: string,
  unit: string,
  columns: readonly string[],
  objects: AsyncIterable<readonly { object: JsonObject; line: number }[]>,
  toRecord: (each: { object: JsonObject; line: number }) => LabelRecord,
): AsyncGenerator<LabelRecord[]> {
  const known = new Set(columns);
  for await (const batch of objects) {
    for (const { object, line } of batch) {
      const late = Object.keys(object).find((key) => !known.has(key));
      if (late !== undefined) {
        throw new FormatError(
          path,
          `${path}, ${unit} ${line}: the key ${JSON.stringify(late)} is in none of the first records. Give it to all of them, or to none.`,
        );
      }
    }
    yield batch.map(toRecord);
  }
}

async function* readLines(file: LabelFile, encoding: Parameters<typeof textOf>[1]) {
  let line = 0;
  for await (const texts of linesOfText(file.path, textOf(file, encoding))) {
    const batch: { object: JsonObject; line: number }[] = [];
    for (const text of texts) {
      line++;
      if (text.trim() !== "") batch.push({ object: parseLine(file.path, text, line), line });
    }
    yield batch;
  }
}

function parseLine(path: string, text: string, line: number): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(
      path,
      `${path}, line ${line}: not JSON (${(cause as Error).message.replace(/\s+/g, " ").slice(0, 120)}).`,
      { cause },
    );
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as JsonObject;
  throw new FormatError(path, `${path}, line ${line}: not a JSON object, as each line of a .jsonl file should be.`);
}
