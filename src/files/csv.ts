/** CSV as text: for programs and, if that is asked for, for spreadsheets. */
import { stringify } from "csv-stringify/sync";

export interface CsvOptions {
  /**
   * Puts a ' before each cell that a spreadsheet would take for a formula (it begins with =, +, -, @, or a tab). Programs
   * then read other names than those of the tiles. @default false
   */
  escapeFormulas?: boolean | undefined;
}

/** Lines of comma-separated cells, quoted where CSV asks for it. */
export function toCsv(
  rows: readonly (readonly (string | number)[])[],
  { escapeFormulas = false }: CsvOptions = {},
): string {
  return stringify(rows as (string | number)[][], { escape_formulas: escapeFormulas });
}
