/** The tiles that a table names, whatever else it holds: label-errors.csv, what `suggest` wrote. */
import { InputError } from "../errors.js";
import { detectEncoding, openLabelFile, textOf } from "./bytes.js";
import { parseRecords } from "./delimited.js";
import { toPath, toTileName } from "./names.js";

/** The names in the first column of a CSV with a header, each once, in the file's order. Errors are those of readLabels. */
export async function readNames(path: string): Promise<string[]> {
  const names = new Set<string>();
  const file = await openLabelFile(path);
  let header = true;
  for await (const batch of parseRecords(path, textOf(file, await detectEncoding(file)), ",")) {
    for (const { cells } of batch) {
      if (!header) names.add(toTileName(toPath(String(cells[0] ?? ""))));
      header = false;
    }
  }
  names.delete("");
  if (names.size === 0) throw new InputError(`${path} names no tiles: expected a header line and one row per tile.`);
  return [...names];
}
