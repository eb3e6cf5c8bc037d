import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { TaggedBatch } from "../../src/engine/engine.js";
import { MicroBatcher } from "../../src/tagger/batcher.js";
import type { Tile } from "../../src/tiles/tile.js";

/** An engine whose batches end when they are told to; a tile gets its own name as its tag. */
class FakeEngine {
  readonly batchSize = 4;
  readonly threads = { sessions: 2 };
  readonly mostBatches = 3;
  readonly batches: { names: string; end(): void; fail(error: Error): void }[] = [];

  tagBatch(tiles: Tile[]): Promise<TaggedBatch> {
    return new Promise((resolve, reject) => {
      const rows = tiles.map(({ name }) => ({ tags: [name], probabilities: new Float32Array(1) }));
      const outcomes = tiles.map(({ name }) =>
        name === "?" ? ({ code: "FORMAT", message: "no" } as const) : undefined,
      );
      const batch = { tiles, outcomes, rows };
      const names = tiles.map(({ name }) => name).join("");
      this.batches.push({ names, end: () => resolve(batch), fail: reject });
    });
  }

  get names(): string[] {
    return this.batches.map(({ names }) => names);
  }
}

function tiles(names: string): Tile[] {
  return [...names].map((name) => ({ name, path: name }));
}

async function tagsOf(call: ReturnType<MicroBatcher["tag"]>): Promise<string> {
  return (await call).map((result) => ("row" in result ? result.row.tags.join() : result.failure.code)).join(" ");
}

test("a lone tile goes at once, and what comes while all sessions are busy goes together when one is free", async () => {
  const engine = new FakeEngine();
  const batcher = new MicroBatcher(engine);
  const first = batcher.tag(tiles("a"));
  await turn();
  assert.deepEqual(engine.names, ["a"]);
  const second = batcher.tag(tiles("b"));
  await turn();
  const others = ["c", "d", "e"].map((name) => batcher.tag(tiles(name)));
  await turn();
  assert.deepEqual(engine.names, ["a", "b"]);
  engine.batches[0].end();
  assert.equal(await tagsOf(first), "a");
  await turn();
  assert.deepEqual(engine.names, ["a", "b", "cde"]);
  for (const { end } of engine.batches) end();
  assert.equal(await tagsOf(second), "b");
  assert.deepEqual(await Promise.all(others.map(tagsOf)), ["c", "d", "e"]);
});

test("callers of one turn share batches, and free sessions share what waits", async () => {
  const engine = new FakeEngine();
  const batcher = new MicroBatcher(engine);
  const calls = ["a?", "b", "c"].map((names) => batcher.tag(tiles(names)));
  await turn();
  assert.deepEqual(engine.names, ["a?", "bc"]);
  for (const { end } of engine.batches) end();
  assert.deepEqual(await Promise.all(calls.map(tagsOf)), ["a FORMAT", "b", "c"]);
});

test("a full batch goes ahead of free sessions, as far as there is room", async () => {
  const engine = new FakeEngine();
  const batcher = new MicroBatcher(engine);
  const call = batcher.tag(tiles("abcdefghijklmnopq"));
  await turn();
  assert.deepEqual(engine.names, ["abcd", "efgh", "ijkl"]);
  for (let i = 0; i < 5; i++) {
    for (const { end } of engine.batches) end();
    await turn();
  }
  assert.equal(await tagsOf(call), "a b c d e f g h i j k l m n o p q");
});

test("an aborted call rejects with the reason at once, and drops what waits of it and of nobody else", async () => {
  const engine = new FakeEngine();
  const batcher = new MicroBatcher(engine);
  const busy = batcher.tag(tiles("abcdefgh"));
  await turn();
  const controller = new AbortController();
  const aborted = batcher.tag(tiles("xy"), controller.signal);
  const other = batcher.tag(tiles("i"));
  await turn();
  const reason = new Error("gone");
  controller.abort(reason);
  await assert.rejects(aborted, (error) => error === reason);
  await assert.rejects(batcher.tag(tiles("w"), controller.signal), (error) => error === reason);
  for (let i = 0; i < 3; i++) {
    for (const { end } of engine.batches) end();
    await turn();
  }
  assert.equal(await tagsOf(busy), "a b c d e f g h");
  assert.equal(await tagsOf(other), "i");
  assert.deepEqual(engine.names, ["abcd", "efgh", "i"]);
});

test("a batch that fails rejects its own callers, and the others go on", async () => {
  const engine = new FakeEngine();
  const batcher = new MicroBatcher(engine);
  const [first, second] = [batcher.tag(tiles("ab")), batcher.tag(tiles("cd"))];
  await turn();
  engine.batches[0].fail(new Error("session"));
  engine.batches[1].end();
  await assert.rejects(first, /session/);
  assert.equal(await tagsOf(second), "c d");
});

test("it is idle when nothing waits and nothing is under way", async () => {
  const engine = new FakeEngine();
  const batcher = new MicroBatcher(engine);
  await batcher.idle();
  assert.deepEqual(await batcher.tag([]), []);
  let idle = false;
  void batcher.tag(tiles("abcdefghijklm"));
  const end = batcher.idle().then(() => {
    idle = true;
  });
  for (let i = 0; i < 2; i++) {
    await turn();
    assert.equal(idle, false);
    for (const { end } of engine.batches) end();
  }
  await turn();
  for (const { end } of engine.batches) end();
  await end;
  assert.equal(engine.names.join(""), "abcdefghijklm");
});

test("many calls may share one signal without a warning", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on("warning", note);
  const engine = new FakeEngine();
  const batcher = new MicroBatcher(engine);
  const { signal } = new AbortController();
  const calls = Array.from({ length: 12 }, () => batcher.tag(tiles("a"), signal));
  for (let i = 0; i < 6; i++) {
    await turn();
    for (const { end } of engine.batches) end();
  }
  await Promise.all(calls);
  process.off("warning", note);
  assert.deepEqual(warnings, []);
});
