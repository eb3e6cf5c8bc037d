/** The content of a label file: which tile has which tags, what the file was recognised as, and doubts. */
import type { FormatError } from "../errors.js";
import type { Separator } from "./separators.js";

/** The part of a data set that a row of a label file belongs to. */
export type Part = "train" | "val" | "test";

export interface LabelRow {
  /** The tile's name without folder and image extension, as in `Tile.name`. */
  name: string;
  /** The same with folders and extension, as in the file. */
  path: string;
  /** Distinct. Rows with the same tags may share the list. */
  tags: readonly string[];
  /** Place of the row in its file, from 1, in units of `Recognised.unit`. */
  line: number;
  /** Only if `split` names a column. */
  part?: Part;
}

/** What a file was recognised as. Keys are those of `--json`, in camelCase. */
export interface Recognised {
  format: string;
  /** What `LabelRow.line` counts. */
  unit: "line" | "row" | "record" | "task" | "sample" | "image" | "file";
  /** Null for files that are not text. */
  encoding: string | null;
  /** What separates columns; null for files without such columns. */
  delimiter: string | null;
  /** Whether the first line names the columns; null for files without such a line. */
  header: boolean | null;
  /** The column of tiles' names, by its name or number. */
  nameColumn: string | null;
  /** The columns of tags. */
  tagColumns: string[];
  /** Whether each tag has a column of its own. */
  multiHot: boolean;
  /** What separates tags within a cell; null if nothing does. */
  separator: Separator | null;
  /** The column that says which part a row belongs to, if it was asked for. */
  splitColumn: string | null;
  /** A column that could be used so, but was not asked for. */
  unusedSplit: string | null;
  /** The column that says whether a tile is labelled at all; those that are not are left out. */
  labelledColumn: string | null;
  ignoredColumns: string[];
  /** Distinct tags, tiles, and tiles among them that have no tag. */
  tags: number;
  tiles: number;
  untagged: number;
  /** Tiles of each part; null without `split`. */
  parts: Record<Part, number> | null;
}

/** A probable mistake in a label file. */
export interface Doubt {
  /** Stable and machine-readable. */
  code: string;
  count: number;
  /** What it is, and what canopy did or the user should do. */
  message: string;
  /** Some of the lines, names or tags. */
  examples: string[];
}

export interface LabelTable {
  path: string;
  /** In the file's order; no two have the same `path`. */
  rows: LabelRow[];
  recognised: Recognised;
  doubts: Doubt[];
}

/** A file that is being read: what its readers say errors about. */
export type Fail = (line: number, problem: string) => FormatError;
