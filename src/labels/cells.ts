/** Cells of tables: texts in CSV, values of any type in JSON and Parquet. */
import { isListText } from "./separators.js";
import { isMissing } from "./tags.js";

export type Cell = unknown;

export interface LabelRecord {
  cells: readonly Cell[];
  line: number;
  /** A key of a JSON object that none of the first objects had. */
  lateKey?: string;
}

/** Without the empty cells that separators at the end of a line make. */
export function withoutSpare(cells: readonly Cell[], columns: number): readonly Cell[] {
  let count = cells.length;
  while (count > columns && cells[count - 1] === "") count--;
  return count === cells.length ? cells : cells.slice(0, count);
}

/** The cell as text; "" if it is empty or holds more than a plain value. */
export function textOfCell(cell: Cell): string {
  if (typeof cell === "string") return cell.trim();
  if (typeof cell === "number" || typeof cell === "bigint" || typeof cell === "boolean") return String(cell);
  return "";
}

/** Whether the cell has a value: not empty, not null, and no mark for missing values. */
export function isFilled(cell: Cell): boolean {
  if (cell === null || cell === undefined) return false;
  const text = textOfCell(cell);
  return typeof cell === "object" || (text !== "" && !isMissing(text));
}

const BITS: ReadonlyMap<string, boolean> = new Map([
  ...(["1", "true", "yes"] as const).map((text): [string, boolean] => [text, true]),
  ...(["0", "false", "no", ""] as const).map((text): [string, boolean] => [text, false]),
]);

/** What a cell of a multi-hot table says; undefined if it is neither yes nor no. */
export function readBit(cell: Cell): boolean | undefined {
  if (cell === null || cell === undefined) return false;
  if (typeof cell === "object") return undefined;
  const text = textOfCell(cell);
  return BITS.get(text) ?? BITS.get(text.toLowerCase().replace(/^([01])[.,]0+$/, "$1"));
}

export type ColumnKind = "empty" | "bits" | "numbers" | "dates" | "parts" | "text";

const PARTS = /^(train|training|val|valid|validation|dev|test|testing|unassigned)$/i;

/** What the filled cells of a column have in common. */
export function kindOf(cells: readonly Cell[]): ColumnKind {
  const filled = cells.filter(isFilled);
  if (filled.length === 0) return "empty";
  if (filled.some((cell) => typeof cell === "object" || isListText(textOfCell(cell)))) return "text";
  if (filled.every((cell) => readBit(cell) !== undefined)) return "bits";
  const texts = filled.map(textOfCell);
  if (texts.every((text) => /^[-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?$/i.test(text))) return "numbers";
  if (texts.every((text) => /^\d{4}-\d\d-\d\d([T ][\d:.+Z-]*)?$/.test(text))) return "dates";
  return texts.every((text) => PARTS.test(text)) ? "parts" : "text";
}

/** Whether the cells count 0, 1, 2 or 1, 2, 3: the index that a data frame was saved with. */
export function isCounting(cells: readonly Cell[]): boolean {
  const first = Number(textOfCell(cells[0]) || Number.NaN);
  return (first === 0 || first === 1) && cells.every((cell, i) => textOfCell(cell) === String(first + i));
}
