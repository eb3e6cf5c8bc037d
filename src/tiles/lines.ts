/** Bytes to lines. readline would also split at U+2028 and lone CRs, which file names may hold. */

import { FormatError } from "../errors.js";

/** Longer than any line that is about one tile. */
export const MAX_LINE = 16 << 20;

/**
 * The lines of UTF-8 `bytes` of the file `path`, without a byte-order mark: LF ends one, and a CR before it is dropped.
 * @throws FormatError for endless ones
 */
export async function* linesOf(path: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let first = true;
  for await (const lines of linesByBlock(path, bytes)) {
    if (first) lines[0] = lines[0].replace(/^\uFEFF/, "");
    first = false;
    yield* lines;
  }
}

/**
 * The same, with all lines that end in one block of bytes together: a step of an async generator costs as much as a
 * short line.
 */
export async function* linesByBlock(path: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const block of bytes) {
    const end = block.lastIndexOf(10);
    if (end < 0) {
      rest.push(block);
      length += block.length;
      if (length > MAX_LINE) {
        throw new FormatError(
          path,
          `${path} has a line of more than ${MAX_LINE >> 20} MiB: expected one line for each tile.`,
        );
      }
      continue;
    }
    yield splitLines(Buffer.concat([...rest, block.subarray(0, end)]));
    rest = [block.subarray(end + 1)];
    length = rest[0].length;
  }
  const last = Buffer.concat(rest);
  if (last.length > 0) yield splitLines(last);
}

function splitLines(bytes: Buffer): string[] {
  const lines = bytes.toString("utf8").split("\n");
  return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}
