/** Whether the first line of a table names its columns: taking a tile for a header would lose it. */
import { FormatError } from "../errors.js";
import { kindOf, type LabelRecord, textOfCell } from "./cells.js";
import { hasImageExtension } from "./names.js";
import type { LabelOptions } from "./options.js";
import { isNameWord, isSplitWord, isTagWord } from "./words.js";

/** The names of the columns, or undefined if the first line is a tile. FormatError if it could be either. */
export function findHeader(
  path: string,
  records: readonly LabelRecord[],
  { labelColumns = [], split }: LabelOptions,
): string[] | undefined {
  const [first, ...others] = records;
  const names = first.cells.map(textOfCell);
  const wanted = [...labelColumns.map(String), ...(split === undefined ? [] : [split])].filter(
    (column) => !/^\d+$/.test(column),
  );
  if (wanted.length > 0) return names;
  if (isTile(names, others)) return undefined;
  if (names.some((name) => isNameWord(name) || isTagWord(name) || isSplitWord(name))) return names;
  refuseTitle(path, first, others);
  if (!looksAlike(names, others)) return names;
  // If columns are given by number, the first line is a tile.
  if (labelColumns.length > 0) return undefined;
  throw new FormatError(
    path,
    `${path}, line ${first.line}: ${JSON.stringify(names.slice(0, 4).join(","))} may be a header or a tile. If it is a header, name its columns by ` +
      "`labelColumns`; if it is a tile, put a line such as image_name,tags before it.",
  );
}

/** A title above the header would be taken for it, and the header for a tile. */
function refuseTitle(path: string, first: LabelRecord, others: readonly LabelRecord[]): void {
  const header = others.slice(0, 5).find(({ cells }) => {
    const words = cells.map(textOfCell);
    return words.some(isNameWord) && words.some(isTagWord);
  });
  if (header === undefined) return;
  throw new FormatError(
    path,
    `${path}, line ${header.line}: looks like the header. Remove what is above it (line ${first.line}).`,
  );
}

/** A line with a file name, with 0 and 1, with a name like the others', or with tags that occur again. */
function isTile(names: readonly string[], others: readonly LabelRecord[]): boolean {
  if (names.some(hasImageExtension)) return true;
  if (names.some((name) => kindOf([name]) === "bits" || kindOf([name]) === "parts")) {
    return !names.some((name) => isNameWord(name) || isTagWord(name));
  }
  const known = names.some((name) => isNameWord(name) || isTagWord(name));
  return !known && (hasShapeOfOthers(names, others) || hasTagsOfOthers(names, others));
}

function hasShapeOfOthers(names: readonly string[], others: readonly LabelRecord[]): boolean {
  const shape = shapeOf(names[0]);
  const alike = others.filter(({ cells }) => shapeOf(textOfCell(cells[0])) === shape).length;
  return /\d/.test(names[0]) && others.length > 0 && alike > others.length / 2;
}

/** Letters as one, digits as one: t0 and t17 look alike. */
function shapeOf(text: string): string {
  return text.replace(/\p{L}+/gu, "a").replace(/\d+/g, "0");
}

function hasTagsOfOthers(names: readonly string[], others: readonly LabelRecord[]): boolean {
  const words = new Set(others.flatMap(({ cells }) => cells.slice(1).flatMap((cell) => wordsOf(textOfCell(cell)))));
  const own = names.slice(1).flatMap(wordsOf);
  return own.length > 0 && own.every((word) => words.has(word));
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,;|[\]'"]+/).filter((word) => word !== "");
}

/** Whether the names of tiles look as the first cell does, so that nothing tells a header from a tile. */
function looksAlike(names: readonly string[], others: readonly LabelRecord[]): boolean {
  const shape = shapeOf(names[0]);
  return others.every(({ cells }) => shapeOf(textOfCell(cells[0])) === shape);
}
