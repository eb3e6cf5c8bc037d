/** Tables that look like names and tags, and are something else. */
import { FormatError } from "../errors.js";
import { type Cell, textOfCell, withoutSpare } from "./cells.js";
import { parseList } from "./lists.js";
import { isListText, type Separator, splitTags } from "./separators.js";
import type { TableSample } from "./table-sample.js";
import { shorten } from "./tags.js";

/** R writes row numbers in a column that its header does not count. */
export function refuseRowNumbers({ path, unit, named, columns, records }: TableSample): void {
  const isNumbered = records.every(
    ({ cells }) =>
      withoutSpare(cells, columns.length).length === columns.length + 1 && /^\d+$/.test(textOfCell(cells[0])),
  );
  const second = new Set(records.map(({ cells }) => textOfCell(cells[1])));
  if (!named || records.length < 2 || !isNumbered || second.size < records.length) return;
  throw new FormatError(
    path,
    `${path}, ${unit} ${records[0].line}: all rows have one cell more than the header, the first a number. ` +
      "Put a name for the column of row numbers into the header.",
  );
}

/** Numbers in a fixed order, one for each tag of a list that is not there. */
export function refuseVectors(sample: TableSample, cells: readonly SampleCell[], separator: Separator): void {
  const vectors = cells.map(({ cell, text }) =>
    Array.isArray(cell) ? cell.map(textOfCell) : itemsOf(text, separator),
  );
  const [first] = vectors;
  if (first === undefined || first.length < 2 || vectors.some(({ length }) => length !== first.length)) return;
  const areBits = vectors.flat().every((item) => /^[01]([.,]0*)?$/.test(item));
  const areShares = vectors.flat().every((item) => /^[01]?\.\d*(e-\d+)?$/i.test(item));
  if (!areBits && !areShares) return;
  throw new FormatError(
    sample.path,
    `${sample.path}, ${sample.unit} ${cells[0].line}: the cells hold ${first.length} numbers each (${shorten(first.join(" "))}), ` +
      "which do not say which tags they are for. Give each tag a column, with its name in the header.",
  );
}

function itemsOf(text: string, separator: Separator): readonly string[] {
  return isListText(text) ? (parseList(text) ?? []) : splitTags(text, separator);
}

export interface SampleCell {
  cell: Cell;
  text: string;
  line: number;
}
