import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { predict } from "../../src/operations/predict.js";
import type { Picture } from "../../src/tagger/pictures.js";
import type { TagResult } from "../../src/tagger/results.js";
import { Tagger, type TaggerOptions } from "../../src/tagger/tagger.js";
import { openTiles } from "../../src/tiles/sources.js";
import { saveToyModel, TOY_TAGS, writeToyTiles } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";
import { encode, gradient } from "../images.js";

const COUNT = 60;
const folder = suiteFolder();
const tiles = join(folder, "tiles");
let model: string;
let tagger: Tagger;
let truth: Map<string, string[]>;

before(async () => {
  ({ model } = await saveToyModel(folder));
  truth = await writeToyTiles(tiles, COUNT);
  tagger = await Tagger.open(model, { device: "cpu", sessions: 2 });
});
after(() => tagger.close());

const paths = () => readdirSync(tiles, { encoding: "utf8" }).map((name) => join(tiles, name));

/** Tags with a tagger of its own. */
async function tagWith(options: TaggerOptions, pictures: Picture[]): Promise<TagResult[]> {
  const own = await Tagger.open(model, { device: "cpu", sessions: 1, workers: 1, ...options });
  try {
    return await own.tag(pictures);
  } finally {
    await own.close();
  }
}

test("files, their bytes and their pixels get what predict gives them, to the last digit", async () => {
  const out = join(folder, "tags.jsonl");
  await predict({ inputs: [tiles], out, model, probabilities: true, device: "cpu" });
  const lines = readFileSync(out, "utf8").trim().split("\n");
  const predicted = lines.map((line) => JSON.parse(line)).sort((a, b) => a.image_name.localeCompare(b.image_name));
  const expected = predicted.map(({ image_name: name, tags, probabilities }) => ({ name, tags, probabilities }));
  assert.equal(expected.length, COUNT);
  assert.deepEqual(await tagger.tag(paths().sort()), expected);

  const bytes = paths()
    .sort()
    .map((path) => readFileSync(path));
  const named = bytes.map((data, i) => ({ data, name: expected[i].name }));
  assert.deepEqual(await tagger.tag(named), expected);
  const raw = await Promise.all(
    named.map(async ({ data, name }) => {
      const { data: pixels, info } = await sharp(data).raw().toBuffer({ resolveWithObject: true });
      return { data: pixels, width: info.width, height: info.height, channels: 3 as const, name };
    }),
  );
  assert.deepEqual(await tagger.tag(raw), expected);
});

test("results come in the order given, named by file or place, and a bad picture has its reason", async () => {
  const [path] = paths();
  const jpeg = readFileSync(path);
  const large = await sharp({ create: { width: 10, height: 10, channels: 3, background: "#f00" } })
    .png()
    .toBuffer();
  const results = await tagger.tag([
    jpeg,
    path,
    Buffer.from("no picture"),
    join(folder, "missing.jpg"),
    { data: new Uint8Array(large).buffer, name: "red" },
    { data: Buffer.alloc(12, 255), width: 2, height: 2, channels: 3 },
    { data: Uint8ClampedArray.of(0, 255, 0, 9), width: 1, height: 1, channels: 4 },
    { data: Buffer.alloc(6), width: 2, height: 3, channels: 1 },
  ]);
  const name = "tile_000000";
  const expected = [
    ["0", truth.get(name)],
    [name, truth.get(name)],
    ["2", "FORMAT"],
    ["missing", "READ"],
    ["red", ["red"]],
    ["5", TOY_TAGS],
    ["6", ["green"]],
    ["7", []],
  ];
  assert.deepEqual(
    results.map((result) => [result.name, result.error?.code ?? result.tags]),
    expected,
  );
  assert.deepEqual(Object.keys(results[0].probabilities ?? {}), TOY_TAGS);
  assert.match(results[2].error?.message ?? "", /Not an image/);
  assert.deepEqual(await tagger.tag([]), []);
});

test("many callers at once each get their own results", async () => {
  const bytes = new Map(paths().map((path) => [path, readFileSync(path)]));
  const calls = [...bytes].flatMap(([path, data]) => [tagger.tag([data]), tagger.tag([path, data])]);
  const results = await Promise.all(calls);
  for (const [i, path] of [...bytes.keys()].entries()) {
    const tags = truth.get(path.slice(-15, -4));
    const [alone] = results[2 * i];
    assert.deepEqual(alone.tags, tags);
    assert.deepEqual(
      results[2 * i + 1].map((result) => result.tags),
      [tags, tags],
    );
  }
});

test("a stream gives a row for each picture, in order, from lists, generators and opened tiles", async () => {
  const sorted = paths().sort();
  const expected = await tagger.tag(sorted);
  async function* files(): AsyncGenerator<Picture> {
    for (const path of sorted) yield path;
  }
  const opened = await openTiles([tiles]);
  for (const source of [sorted, files(), opened.tiles]) {
    const rows: TagResult[] = [];
    for await (const row of tagger.stream(source)) rows.push(row);
    assert.deepEqual(rows, expected);
  }
  await opened.close();
});

test("a stream that is left early ends its source, and leaves the tagger usable", async () => {
  let ended = false;
  function* endless(): Generator<Picture> {
    try {
      for (;;) yield { data: Buffer.alloc(3, 200), width: 1, height: 1, channels: 3 };
    } finally {
      ended = true;
    }
  }
  for await (const { tags } of tagger.stream(endless())) {
    assert.deepEqual(tags, TOY_TAGS);
    break;
  }
  assert.equal(ended, true);
  assert.equal((await tagger.tag(paths().slice(0, 3))).length, 3);
});

test("an abort rejects calls and streams with its reason", async () => {
  const signal = AbortSignal.abort(new Error("no time"));
  await assert.rejects(tagger.tag(paths(), { signal }), /no time/);
  await assert.rejects(tagger.stream(paths(), { signal }).next(), /no time/);
  const controller = new AbortController();
  const call = tagger.tag(paths(), { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
});

/** Memory that a worker thread has by now. */
function transferred(): ArrayBuffer {
  const bytes = new ArrayBuffer(8);
  structuredClone(bytes, { transfer: [bytes] });
  return bytes;
}

test("what is no picture is refused by its place, and nothing is tagged", async () => {
  const picture = { data: Buffer.alloc(12), width: 2, height: 2, channels: 3 };
  const cases: [unknown, RegExp][] = [
    [7, /`pictures\[1\]`.*got 7 \(number\)/],
    [null, /got null/],
    [{ bytes: picture.data }, /neither `data` nor `path`/],
    [{ data: "text" }, /its `data` is text \(string\)/],
    [new Float32Array(3), /neither `data` nor `path`/],
    [{ ...picture, width: 3 }, /3x2 pixels of 3 channels are 18 bytes, not 12/],
    [{ ...picture, channels: 2 }, /not 1, 3 or 4/],
    [{ ...picture, height: -1 }, /`pictures\[1\]\.height`/],
    [{ data: picture.data, width: 2 }, /`pictures\[1\]\.height`/],
    [{ path: "x.jpg", offset: -1 }, /`pictures\[1\]\.offset`/],
    [{ path: "x.jpg", data: picture.data }, /both `data` and `path`/],
    [{ data: picture.data, name: 5 }, /its `name` is 5 \(number\)/],
    [{ data: "A".repeat(1000) }, /its `data` is A{40} \(string\)/],
    [transferred(), /its memory was transferred/],
  ];
  for (const [wrong, message] of cases) {
    await assert.rejects(tagger.tag([picture, wrong] as Picture[]), { name: "OptionError", message });
  }
  // biome-ignore lint/suspicious/noSparseArray: what is missing is the case
  const gap = [picture, , picture] as Picture[];
  await assert.rejects(tagger.tag(gap), /`pictures\[1\]` .* got undefined/);
  await assert.rejects(tagger.tag(picture.data as unknown as Picture[]), /an array of pictures/);
  const signal = {} as AbortSignal;
  await assert.rejects(tagger.tag([picture], { signal }), { name: "OptionError", message: /`signal`/ });
  await assert.rejects(tagger.stream([picture], { signal }).next(), { name: "OptionError", message: /`signal`/ });
  assert.throws(() => (tagger.tags as string[]).push("mine"), TypeError);
  for (const source of ["path.jpg", picture.data, 7]) {
    await assert.rejects(tagger.stream(source as unknown as Picture[]).next(), /an iterable or async iterable/);
  }
});

test("bytes transferred during a call are an empty picture, and the others of the call are tagged", async () => {
  const [path] = paths();
  const bytes = new Uint8Array(readFileSync(path));
  const call = tagger.tag([path, bytes, path]);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  const codes = (await call).map((result) => ("error" in result ? result.error?.code : "tagged"));
  assert.deepEqual(codes, ["tagged", "EMPTY", "tagged"]);
});

test("each option does what it says", async () => {
  const [path] = paths();
  const jpeg = readFileSync(path);
  const [all] = await tagWith({ threshold: 0 }, [jpeg]);
  assert.deepEqual(all.tags, TOY_TAGS);
  const code = async (options: TaggerOptions, picture: Picture) => (await tagWith(options, [picture]))[0].error?.code;
  assert.equal(await code({ maxPixels: 24 * 24 - 1 }, jpeg), "LIMIT");
  assert.equal(await code({ maxPixels: 24 * 24 }, jpeg), undefined);
  const picture = await encode(gradient(64, 3), 64, 3, "jpeg");
  const cut = picture.subarray(0, picture.length - 200);
  assert.equal(await code({}, cut), "TRUNCATED");
  assert.equal(await code({ onTruncated: "accept" }, cut), undefined);
  assert.equal(await code({ colorspace: "cmyk" }, jpeg), "COLORSPACE");
  const huge = { data: Buffer.alloc(6000 * 6000), width: 6000, height: 6000, channels: 1 as const };
  assert.equal(await code({ memory: 256 << 20 }, huge), "LIMIT");
  assert.equal(await code({}, huge), undefined);
  for (const wrong of [{ threshold: 2 }, { sessions: 0 }, { workers: 0 }, { memory: -1 }, { batchSize: 0 }]) {
    await assert.rejects(Tagger.open(model, wrong), { name: "OptionError" });
  }
  await assert.rejects(Tagger.open(join(folder, "nowhere")), { name: "InputError" });
  await assert.rejects(
    Tagger.open(new URL("file:///model") as unknown as string),
    /path of a model's folder, got a URL/,
  );
});

test("closing finishes what is under way, and what comes later is told so", async () => {
  const own = await Tagger.open(model, { device: "cpu" });
  const call = own.tag(paths());
  const rows: TagResult[] = [];
  let goOn: () => void = () => {};
  async function* source(): AsyncGenerator<Picture> {
    yield* paths();
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    yield* paths();
  }
  const streamed = (async () => {
    for await (const row of own.stream(source())) rows.push(row);
  })();
  while (rows.length < COUNT) await new Promise((resolve) => setImmediate(resolve));
  const closing = own.close();
  assert.equal((await call).length, COUNT);
  goOn();
  await assert.rejects(streamed, { code: "CLOSED" });
  await closing;
  await assert.rejects(own.tag(paths()), { code: "CLOSED", message: /open another/ });
  await own[Symbol.asyncDispose]();
});

test("two taggers in one process do not disturb each other", async () => {
  const other = await Tagger.open(model, { device: "cpu", threshold: 0 });
  const [a, b] = await Promise.all([tagger.tag(paths()), other.tag(paths())]);
  await other.close();
  assert.ok(b.every(({ tags }) => tags?.length === 3));
  assert.deepEqual(a, await tagger.tag(paths()));
});
