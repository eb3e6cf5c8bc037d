/** Predictions read back from what `predict` wrote as CSV or JSON lines. */
import { extname } from "node:path";
import { pipeline } from "node:stream";
import { CsvError, parse } from "csv-parse";
import * as v from "valibot";
import { FormatError, InputError } from "../errors.js";
import { isMissing } from "../files/facts.js";
import { NOT_REGULAR, openRegular, readRegular } from "../files/open-regular.js";
import { parseJson } from "../files/read-json.js";
import { share, text } from "../files/schemas.js";
import type { NamedRows } from "../labels/match.js";
import { namedRow } from "../labels/name-list.js";
import { toPath, withFolders } from "../labels/names.js";
import type { LabelRow } from "../labels/table.js";
import { linesOf, MAX_LINE } from "../tiles/lines.js";
import type { TilePrediction } from "./curated-tile.js";

/** Predictions by the rows that name their tiles. */
export interface PredictionTable extends NamedRows {
  of: ReadonlyMap<LabelRow, TilePrediction>;
}

/** The keys that are used of a line of JSON lines. */
const predictionLine = v.object({
  image_name: text,
  path: v.exactOptional(v.unknown()),
  tags: v.array(text),
  probabilities: v.exactOptional(v.record(text, share)),
});

/**
 * Predictions, with the folders of their tiles if the file has them (`path` of JSON lines).
 * @throws InputError if the file cannot be read or is of another kind; FormatError, naming the line, if it is damaged
 */
export async function readPredictions(path: string): Promise<PredictionTable> {
  const readers: Record<string, typeof readCsv> = { ".csv": readCsv, ".jsonl": readJsonLines };
  const reader = readers[extname(path).toLowerCase()];
  if (reader === undefined) {
    throw new InputError(`Predictions are read from .csv and .jsonl files: predict into such a file.`);
  }
  try {
    const predictions = await reader(path);
    return { path, rows: [...predictions.keys()], recognised: { unit: "line" }, of: predictions };
  } catch (error) {
    const { code, message, syscall } = error as NodeJS.ErrnoException;
    if (isMissing(error)) throw new InputError(`There is no file ${path}.`, { cause: error });
    if (syscall !== undefined) throw new InputError(`${path} cannot be read (${code}).`, { cause: error });
    if (code === NOT_REGULAR) throw new InputError(`${path} is no regular file.`, { cause: error });
    if (error instanceof CsvError) throw new FormatError(path, `${path} is not CSV: ${message}.`, { cause: error });
    throw error;
  }
}

async function readCsv(path: string): Promise<Map<LabelRow, TilePrediction>> {
  const predictions = new Map<LabelRow, TilePrediction>();
  const parser = parse({ bom: true, info: true, skip_empty_lines: true, max_record_size: MAX_LINE });
  // Failures of either end both; the loop below throws them.
  pipeline((await openRegular(path)).createReadStream(), parser, () => {});
  let columns: string[] | undefined;
  for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
    if (columns === undefined) {
      columns = checkHeader(path, record);
      continue;
    }
    const probabilities = new Map(columns.slice(2).map((tag, i) => [tag, Number(record[i + 2].trim() || Number.NaN)]));
    if ([...probabilities.values()].some((value) => !(value >= 0 && value <= 1))) {
      throw new FormatError(
        path,
        `${path}, line ${info.lines}: expected a probability in every column but the first two.`,
      );
    }
    const tags = record[1].split(/\s+/).filter((tag) => tag !== "");
    predictions.set(namedRow(toPath(record[0]), info.lines), {
      tags,
      ...(probabilities.size > 0 && { probabilities }),
    });
  }
  return predictions;
}

function checkHeader(path: string, header: string[]): string[] {
  if (header[0] === "image_name" && header[1] === "tags") return header;
  throw new FormatError(path, `${path} does not begin with image_name,tags: it is not what canopy predict writes.`);
}

async function readJsonLines(path: string): Promise<Map<LabelRow, TilePrediction>> {
  const predictions = new Map<LabelRow, TilePrediction>();
  let number = 0;
  for await (const line of linesOf(path, readRegular(path))) {
    number++;
    if (line.trim() === "") continue;
    const found = parseJson(line, predictionLine, { path, place: `line ${number}` });
    const { image_name, tags, probabilities } = found;
    predictions.set(namedRow(toPath(withFolders(image_name, found.path)), number), {
      tags,
      ...(probabilities && { probabilities: toMap(probabilities) }),
    });
  }
  return predictions;
}

const toMap = (probabilities: Record<string, number>) => new Map(Object.entries(probabilities));
