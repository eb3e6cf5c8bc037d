import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { linesOf } from "../../src/tiles/lines.js";

async function* cut(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

describe("lines", () => {
  it("end at LF or CRLF and nowhere else, however the bytes are cut", async () => {
    const text = "a\r\nä\u2028b\rc\n\n\u{1f332}\nlast";
    for (const size of [1, 2, 3, 5, 100]) {
      assert.deepEqual(await collect(linesOf(cut(text, size))), ["a", "ä\u2028b\rc", "", "\u{1f332}", "last"]);
    }
  });

  it("are none in nothing, and one in one without an end", async () => {
    assert.deepEqual(await collect(linesOf(cut("", 4))), []);
    assert.deepEqual(await collect(linesOf(cut("x", 4))), ["x"]);
  });
});
