import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { mapAhead } from "../../src/tagger/map-ahead.js";
import { stream } from "../images.js";

const never = new AbortController().signal;
const double = async (n: number): Promise<number> => 2 * n;

/** A source that counts what is read of it, and says whether it was ended. */
function counted(length: number) {
  const state = { read: 0, ended: false };
  async function* source(): AsyncGenerator<number> {
    try {
      while (state.read < length) yield state.read++;
    } finally {
      state.ended = true;
    }
  }
  return { state, source: source() };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test("results come in the source's order, however long each takes, from lists and streams", async () => {
  const slow = async (n: number): Promise<number> => {
    for (let i = 0; i < 10 - n; i++) await turn();
    return n;
  };
  const all = Array.from({ length: 10 }, (_, i) => i);
  assert.deepEqual(await collect(mapAhead(all, 4, slow, never)), all);
  assert.deepEqual(await collect(mapAhead(stream(all), 4, slow, never)), all);
  assert.deepEqual(await collect(mapAhead([], 4, slow, never)), []);
});

test("a consumer that stops stops the reading of the source", async () => {
  const { state, source } = counted(1000);
  const results = mapAhead(source, 5, double, never);
  assert.equal((await results.next()).value, 0);
  for (let i = 0; i < 20; i++) await turn();
  assert.ok(state.read <= 6, `${state.read} were read`);
  await results.return();
  assert.equal(state.ended, true);
});

test("while a result takes long, no more is begun than the limit", async () => {
  const { state, source } = counted(1000);
  const results = mapAhead(source, 5, (n) => (n === 0 ? new Promise<number>(() => {}) : double(n)), never);
  void results.next();
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(state.read, 5);
});

test("a result is there although the source is silent", async () => {
  async function* source(): AsyncGenerator<number> {
    yield 1;
    await new Promise(() => {});
  }
  const results = mapAhead(source(), 5, double, never);
  assert.equal((await results.next()).value, 2);
  await results.return();
});

test("an error of the source comes behind the results before it", async () => {
  async function* source(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    throw new Error("dry");
  }
  const results = mapAhead(source(), 5, double, never);
  assert.equal((await results.next()).value, 2);
  assert.equal((await results.next()).value, 4);
  await assert.rejects(results.next(), /dry/);
});

test("an item that fails ends the results in its place, and the source with them", async () => {
  const { state, source } = counted(1000);
  const results = mapAhead(source, 5, async (n) => (n === 2 ? Promise.reject(new Error("two")) : n), never);
  assert.equal((await results.next()).value, 0);
  assert.equal((await results.next()).value, 1);
  await assert.rejects(results.next(), /two/);
  assert.equal(state.ended, true);
});

test("an abort ends the wait for a silent source, with its reason", async () => {
  const controller = new AbortController();
  const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<number>>(() => {}) }) };
  const next = mapAhead(silent, 5, double, controller.signal).next();
  await turn();
  controller.abort(new Error("enough"));
  await assert.rejects(next, /enough/);
});
