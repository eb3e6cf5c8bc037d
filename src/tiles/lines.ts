/** Bytes to lines. readline would also split at U+2028 and lone CRs, which file names may hold. */

/** The lines of UTF-8 `bytes`: LF ends one, and a CR before it is dropped. */
export async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  for await (const lines of linesByBlock(bytes)) yield* lines;
}

/** The same, all that end in one block of bytes together: each step of an async generator costs as much as a short line. */
export async function* linesByBlock(bytes: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  let rest: Buffer[] = [];
  for await (const block of bytes) {
    const end = block.lastIndexOf(10);
    if (end < 0) {
      rest.push(block);
      continue;
    }
    yield splitLines(Buffer.concat([...rest, block.subarray(0, end)]));
    rest = [block.subarray(end + 1)];
  }
  const last = Buffer.concat(rest);
  if (last.length > 0) yield splitLines(last);
}

function splitLines(bytes: Buffer): string[] {
  const lines = bytes.toString("utf8").split("\n");
  return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}
