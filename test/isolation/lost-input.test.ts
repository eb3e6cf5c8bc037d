import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TaggedBatch } from "../../src/engine/engine.js";
import { watchInput } from "../../src/isolation/lost-input.js";
import type { Tile, TileFailure } from "../../src/tiles/tile.js";
import { writeTileList } from "../../src/tiles/write-list.js";
import { temporaryFolder } from "../helpers.js";

const READ = { code: "READ", message: "no" } as const;
const CRASH: TileFailure = { code: "CRASH", message: "known" };

/** `.` was read, `x` could not be, `c` was not tried; each batch is a word. */
async function* batchesOf(words: string[]): AsyncGenerator<TaggedBatch> {
  let number = 0;
  for (const word of words) {
    const tiles: Tile[] = [...word].map((sign) => {
      const name = String(number++);
      return { name, path: name, ...(sign === "c" ? { failure: CRASH } : {}) };
    });
    const outcomes = [...word].map((sign) => (sign === "x" ? READ : undefined));
    yield { tiles, outcomes, rows: [] };
  }
}

/** What is passed on of `words`, and the error at the end, if any. */
async function watch(list: string, words: string[], maxUnreadable: number | null) {
  const passed: string[] = [];
  const range = { from: 0, to: words.join("").length };
  try {
    for await (const { outcomes } of watchInput(batchesOf(words), { list, range, batchesAhead: 2, maxUnreadable })) {
      passed.push(outcomes.map((outcome) => (outcome ? "x" : ".")).join(""));
    }
  } catch (error) {
    return { passed, error: (error as Error).message };
  }
  return { passed };
}

describe("watching for a lost input", () => {
  it("keeps what was read while the input went, and passes on what came before", async (t) => {
    const list = join(temporaryFolder(t), "tiles.jsonl");
    writeFileSync(list, "");
    const near = await watch(list, ["..", ".x", "..", "xx", "xx"], 4);
    assert.deepEqual(near.passed, [".."]);
    assert.match(near.error!, /^4 tiles in a row cannot be read, the first is 6 \(no\)/);
    const far = await watch(list, ["..", ".x", "..", "..", "xx", "xx"], 4);
    assert.deepEqual(far.passed, ["..", ".x", "..", ".."]);
  });

  it("does not count tiles known to be bad, and begins anew at one that was read", async (t) => {
    const list = join(temporaryFolder(t), "tiles.jsonl");
    writeFileSync(list, "");
    const words = ["xxx", "x.x", "xx.", "x.."];
    assert.deepEqual(await watch(list, words, 5), { passed: words });
    assert.match((await watch(list, ["xx.xcxxc", "cxx"], 5)).error!, /the first is 3 /);
    assert.deepEqual((await watch(list, ["xxxx", "xxxx"], null)).passed, ["xxxx", "xxxx"]);
  });

  it("looks at neighbours of a stretch that ends in unreadable tiles", async (t) => {
    const folder = temporaryFolder(t);
    const list = join(folder, "tiles.jsonl");
    writeFileSync(join(folder, "there.jpg"), "bytes");
    async function* source(names: string[]): AsyncGenerator<Tile> {
      for (const name of names) yield { name, path: join(folder, name) };
    }
    const stretch = { from: 2, to: 4 };
    const end = async (names: string[]) => {
      await writeTileList(list, source(names), {});
      const watched = watchInput(batchesOf(["xx"]), { list, range: stretch, batchesAhead: 2, maxUnreadable: 4 });
      for await (const { tiles } of watched) return tiles.length;
      return undefined;
    };
    const [there, gone] = ["there.jpg", "gone.jpg"];
    assert.equal(await end([there, there, gone, gone, there, gone]), 2);
    assert.equal(await end([gone, there, gone, gone, gone, there]), 2);
    await assert.rejects(end([there, there, gone, gone, gone, gone]), /^LostInputError: 4 tiles in a row/);
    await assert.rejects(end([there, gone, gone, gone, gone, there]), /^LostInputError: 4 tiles in a row/);
    await assert.rejects(end([gone, gone, gone, gone]), /^LostInputError: 4 tiles in a row/);
  });
});
