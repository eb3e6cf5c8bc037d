/** Predictions as lines of text: CSV as Kaggle takes it, or one JSON object a line. */
import { type CsvOptions, toCsv } from "../files/csv.js";
import type { Placed, Prediction } from "./prediction.js";

export type { Placed };

/** How rows are written, line by line. */
export interface RowFormat<Row = Prediction> {
  /** First line with its line feed, or "". */
  header: string;
  /** One line for each row, each with its line feed. */
  rows(rows: readonly Row[]): string;
}

export interface RowOptions extends CsvOptions {
  /** The model's tags, by column. */
  tags: readonly string[];
  /** Adds each tag's probability. */
  probabilities: boolean;
  /** Features of an embedding, if rows hold embeddings and no tags. */
  embeddings?: number | undefined;
}

/**
 * `image_name,tags`, tags separated by spaces; with probabilities one more column for each tag. Quoted if CSV asks for
 * it.
 */
export function csvRows({ tags, probabilities, escapeFormulas }: RowOptions): RowFormat {
  const header = ["image_name", "tags", ...(probabilities ? tags : [])];
  return {
    header: toCsv([header], { escapeFormulas }),
    rows: (predictions) =>
      toCsv(
        predictions.map((prediction) => [
          prediction.name,
          prediction.tags.join(" "),
          ...(probabilities ? Array.from(prediction.probabilities, formatFloat32) : []),
        ]),
        { escapeFormulas },
      ),
  };
}

/** `{"image_name", "path", "tags": [...], "probabilities": {tag: p}}` a line. */
export function jsonRows({ tags, probabilities }: RowOptions): RowFormat {
  const keys = tags.map((tag) => `${JSON.stringify(tag)}:`);
  const object = (values: Float32Array): string => keys.map((key, i) => key + formatFloat32(values[i])).join(",");
  const row = (prediction: Prediction): string => {
    const { name, path, tags: given } = prediction;
    const json = JSON.stringify({ image_name: name, path, tags: given });
    return probabilities
      ? `${json.slice(0, -1)},"probabilities":{${object(prediction.probabilities)}}}\n`
      : `${json}\n`;
  };
  return { header: "", rows: (predictions) => predictions.map(row).join("") };
}

/** The shortest decimal that reads back as the same float32. */
export function formatFloat32(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}
