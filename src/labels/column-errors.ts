/** What is said of columns whose roles cannot be found. */
import { FormatError, InputError } from "../errors.js";
import { isFilled, readBit, textOfCell } from "./cells.js";
import type { Column, TableSample } from "./table-sample.js";

export function notBits({ path, unit, records }: TableSample, columns: readonly Column[]): FormatError {
  for (const { cells, line } of records) {
    const wrong = columns.find(({ index }) => readBit(cells[index]) === undefined);
    if (wrong === undefined) continue;
    return new FormatError(
      path,
      `${path}, ${unit} ${line}: the column ${JSON.stringify(wrong.header)} holds ${JSON.stringify(textOfCell(cells[wrong.index]))}, ` +
        "where a table with a column for each tag has 0 or 1 (true, false, yes, no). Name the columns of tags by `labelColumns`.",
    );
  }
  return new FormatError(path, `${path} has no columns of 0 and 1.`);
}

export function numeric(
  { path, unit, records, columns }: TableSample,
  { index, header, kind }: Column,
  name: number,
): FormatError {
  const first = records.find(({ cells }) => isFilled(cells[index]));
  const as = `\`labelColumns: [${JSON.stringify(columns[name])}, ${JSON.stringify(header)}]\``;
  const advice =
    kind === "bits"
      ? `, which names no tag. \`labelFormat: "multi-hot"\` reads a tag called ${header} there, yes or no; ${as} takes what is there for tags.`
      : `: numbers do not say which tags are meant. Put tags there; ${as} takes the numbers for tags.`;
  return new FormatError(
    path,
    `${path}, ${unit} ${first?.line ?? 1}: the column ${JSON.stringify(header)} holds ${JSON.stringify(textOfCell(first?.cells[index]))}${advice}`,
  );
}

export function ambiguous(
  { path, records, unit, columns }: TableSample,
  candidates: readonly Column[],
  name: number,
): FormatError {
  const names = candidates.map(({ header }) => JSON.stringify(header)).join(" or ");
  return new FormatError(
    path,
    `${path}, ${unit} ${records[0]?.line ?? 1}: the tags may be in ${names}. Say which: ` +
      `\`labelColumns: [${JSON.stringify(columns[name])}, ${JSON.stringify(candidates[0].header)}]\`.`,
  );
}

export function unnamedBits({ path, unit, records }: TableSample): FormatError {
  return new FormatError(
    path,
    `${path}, ${unit} ${records[0]?.line ?? 1}: a table of 0 and 1 without a header does not say which tag each column is. ` +
      "Put a line with the columns' names before it.",
  );
}

export function singleColumn({ path, columns, named }: TableSample): InputError {
  const what = named ? `the single column ${JSON.stringify(columns[0] ?? "")}` : "a single column";
  return new InputError(
    `${path} has ${what}: expected a header such as image_name,tags, with a comma, semicolon, tab or | between columns.`,
  );
}

export function twins({ path }: TableSample, header: string): FormatError {
  return new FormatError(
    path,
    `${path}: two columns are called ${JSON.stringify(header)}, and may differ. Remove one, or say by \`labelColumns\` which columns to take, by their numbers.`,
  );
}
