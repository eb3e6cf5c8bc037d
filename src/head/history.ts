/** A row of the history for each epoch (or for L-BFGS up to an iteration), and the table of rows. */
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { FormatError } from "../errors.js";

export interface HistoryRow {
  /** From 1; for L-BFGS the number of iterations so far. */
  epoch: number;
  /** Mean loss over the epoch's tiles, each with the weights its step began with (Keras' running mean); for L-BFGS with the weights of the row. */
  loss: number;
  /** Share of right labels at 0.5, running like `loss`; null if the training does not tell (a fine-tuning). */
  binaryAccuracy: number | null;
  /** Samples-averaged F2 at 0.5, running like `loss`; null like `binaryAccuracy`. */
  f2: number | null;
  /** The same three on the held-out tiles with the weights after the epoch; null without held-out tiles. */
  valLoss: number | null;
  valBinaryAccuracy: number | null;
  valF2: number | null;
}

const COLUMNS = {
  epoch: "epoch",
  loss: "loss",
  binaryAccuracy: "binary_accuracy",
  f2: "f2",
  valLoss: "val_loss",
  valBinaryAccuracy: "val_binary_accuracy",
  valF2: "val_f2",
} as const satisfies Record<keyof HistoryRow, string>;

/** Columns whose cells may be empty. */
const MAY_LACK: ReadonlySet<keyof HistoryRow> = new Set([
  "binaryAccuracy",
  "f2",
  "valLoss",
  "valBinaryAccuracy",
  "valF2",
]);
const KEYS = Object.keys(COLUMNS) as (keyof HistoryRow)[];

/** One line per row under a header; empty cells for null. */
export function historyToCsv(history: readonly HistoryRow[]): string {
  const columns = KEYS.map((key) => ({ key, header: COLUMNS[key] }));
  return stringify([...history], { header: true, columns });
}

/** The rows of such a table; `path` is for messages. */
export function historyFromCsv(csv: string, path: string): HistoryRow[] {
  return parseRecords(csv, path).map(
    (record) => Object.fromEntries(KEYS.map((key) => [key, toCell(record, key, path)])) as never,
  );
}

function parseRecords(csv: string, path: string): Record<string, string>[] {
  try {
    return parse(csv, { columns: true });
  } catch (cause) {
    throw new FormatError(path, `${path} is damaged: it is not CSV. Restore it from a copy, or train again.`, {
      cause,
    });
  }
}

function toCell(record: Record<string, string>, key: keyof HistoryRow, path: string): number | null {
  const text = record[COLUMNS[key]];
  if (text === "" && MAY_LACK.has(key)) return null;
  const value = Number(text);
  if (text === undefined || text === "" || !Number.isFinite(value)) {
    throw new FormatError(
      path,
      `${path} has no number in column ${COLUMNS[key]}: restore it from a copy, or train again.`,
    );
  }
  return value;
}
