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
      assert.deepEqual(await collect(linesOf("list", cut(text, size))), ["a", "ä\u2028b\rc", "", "\u{1f332}", "last"]);
    }
  });

  it("begin behind a byte-order mark, and have others as they are", async () => {
    for (const size of [1, 100]) {
      assert.deepEqual(await collect(linesOf("list", cut("\uFEFFa\n\uFEFFb", size))), ["a", "\uFEFFb"]);
    }
  });

  it("are none in nothing, and one in one without an end", async () => {
    assert.deepEqual(await collect(linesOf("list", cut("", 4))), []);
    assert.deepEqual(await collect(linesOf("list", cut("x", 4))), ["x"]);
  });

  it("may be long, but not endless", async () => {
    const long = "x".repeat(16 << 20);
    assert.deepEqual(
      (await collect(linesOf("list", cut(`a\n${long}\nb`, 1 << 20)))).map((line) => line.length),
      [1, 16 << 20, 1],
    );
    await assert.rejects(collect(linesOf("a/list", cut(`a\n${long}xx`, 1 << 20))), {
      name: "FormatError",
      message: "a/list has a line of more than 16 MiB: expected one line for each tile.",
    });
  });
});
