/** The tiles that a table names, whatever else it holds: label-errors.csv, what `suggest` wrote. */
import { InputError } from "../errors.js";
import { detectEncoding, openLabelFile, textOf } from "./bytes.js";
import { parseRecords } from "./delimited.js";
import type { NamedRows } from "./match.js";
import { toPath, toTileName } from "./names.js";
import type { LabelRow } from "./table.js";

/** The tiles in the first column of a CSV with a header, each once, in the file's order. Errors are those of readLabels. */
export async function readNames(path: string): Promise<NamedRows> {
  const rows = new Map<string, LabelRow>();
  const file = await openLabelFile(path);
  let header = true;
  for await (const batch of parseRecords(path, textOf(file, await detectEncoding(file)), ",")) {
    for (const { cells, line } of batch) {
      const named = toPath(String(cells[0] ?? ""));
      if (!header && named !== "" && !rows.has(named)) rows.set(named, namedRow(named, line));
      header = false;
    }
  }
  if (rows.size === 0) throw new InputError(`${path} names no tiles: expected a header line and one row per tile.`);
  return { path, rows: [...rows.values()], recognised: { unit: "line" } };
}

/** A row that only names a tile. */
export function namedRow(path: string, line: number): LabelRow {
  return { name: toTileName(path), path, tags: [], line };
}
