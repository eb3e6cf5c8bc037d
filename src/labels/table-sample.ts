/** The beginning of a table, by which the roles of its columns are found. */
import type { ColumnKind, LabelRecord } from "./cells.js";

/** A table of which the first records are known. */
export interface TableSample {
  path: string;
  unit: "line" | "row" | "record";
  /** Names of the columns, or their numbers without a header. */
  columns: readonly string[];
  named: boolean;
  records: readonly LabelRecord[];
}

/** One of its columns. */
export interface Column {
  index: number;
  header: string;
  kind: ColumnKind;
}
