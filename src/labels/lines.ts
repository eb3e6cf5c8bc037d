/** Text to lines. */
import { FormatError } from "../errors.js";

/** Longer than any line that is about one tile. */
const MAX_LINE = 16 << 20;

/** The lines of `text`, those that end in one piece of it together: LF, CRLF or CR ends a line. */
export async function* linesOfText(path: string, text: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = "";
  let count = 0;
  for await (const piece of text) {
    rest += piece;
    if (rest.length > MAX_LINE && !/[\r\n]/.test(rest.slice(0, MAX_LINE))) {
      throw new FormatError(
        path,
        `${path}, line ${count + 1}: is longer than ${MAX_LINE >> 20} MiB, so this is no list of labels.`,
      );
    }
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    count += lines.length;
    if (lines.length > 0) yield lines;
  }
  if (rest !== "") yield rest.split("\r");
}
