/** The tiles that a table names, whatever else it holds: label-errors.csv, what `suggest` wrote. */
import { InputError } from "../errors.js";
import { detectEncoding, openLabelFile, textOf } from "./bytes.js";
import { parseRecords } from "./delimited.js";
import type { NamedRows } from "./match.js";
import { toPath, toTileName } from "./names.js";
import type { LabelRow } from "./table.js";

/** A tag that label-errors.csv doubts. */
export interface TagDoubt {
  tag: string;
  /** Whether the tile is labelled with it. */
  given: boolean;
  /** Of the tag. */
  probability: number;
}

export interface NameList extends NamedRows {
  /** By row; empty unless the file is a label-errors.csv. */
  doubts: ReadonlyMap<LabelRow, readonly TagDoubt[]>;
}

/** The tiles in the first column of a CSV with a header, each once, in the file's order. Errors are those of readLabels. */
export async function readNames(path: string): Promise<NameList> {
  const rows = new Map<string, LabelRow>();
  const doubts = new Map<LabelRow, TagDoubt[]>();
  const file = await openLabelFile(path);
  let header: string[] | undefined;
  for await (const batch of parseRecords(path, textOf(file, await detectEncoding(file)), ",")) {
    for (const { cells, line } of batch) {
      const words = cells.map(String);
      const named = toPath(words[0] ?? "");
      if (header !== undefined && named !== "") {
        const row = rows.get(named) ?? namedRow(named, line);
        rows.set(named, row);
        const doubt = doubtOf(header, words);
        if (doubt !== undefined) doubts.set(row, [...(doubts.get(row) ?? []), doubt]);
      }
      header ??= words;
    }
  }
  if (rows.size === 0) throw new InputError(`${path} ${describeEmpty(header)}`);
  return { path, rows: [...rows.values()], recognised: { unit: "line" }, doubts };
}

/** A label-errors.csv may well be empty. */
function describeEmpty(header: readonly string[] = []): string {
  return DOUBT_COLUMNS.every((name) => header.includes(name))
    ? "lists no label that may be wrong: there is nothing to look at."
    : "names no tiles: expected a header line and one row per tile.";
}

const DOUBT_COLUMNS = ["tag", "given", "probability"];

/** Undefined in other tables. */
function doubtOf(header: readonly string[], words: readonly string[]): TagDoubt | undefined {
  const cell = (name: string) => words[header.indexOf(name)];
  const [tag, given, probability] = [cell("tag"), cell("given"), Number(cell("probability"))];
  if (tag === undefined || given === undefined || !(probability >= 0 && probability <= 1)) return undefined;
  return { tag, given: given === "1", probability };
}

/** A row that only names a tile. */
export function namedRow(path: string, line: number): LabelRow {
  return { name: toTileName(path), path, tags: [], line };
}
