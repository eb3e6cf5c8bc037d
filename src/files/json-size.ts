/** Limits of JSON: in memory its values take many times their bytes. */
import { FormatError } from "../errors.js";

/** The largest file of JSON that canopy writes, a report of 20,000 tags, has a third of it. */
export const MOST_JSON_BYTES = 2 ** 28;

/** So many take less than a gigabyte. */
const MOST_VALUES = 2 ** 24;

/** @throws FormatError if JSON `text` of the file `path` may hold more values than memory should. */
export function refuseHugeJson(path: string, text: string): void {
  if (text.length <= MOST_VALUES) return;
  if (countValues(text) <= MOST_VALUES) return;
  throw new FormatError(
    path,
    `${path} is one JSON value of more than ${MOST_VALUES / 2 ** 20} million parts, which is more than canopy reads.`,
  );
}

/** At most so many: one may stand behind each of these, and within strings they mean nothing. */
function countValues(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2c || code === 0x3a || code === 0x5b || code === 0x7b) count++;
  }
  return count;
}
