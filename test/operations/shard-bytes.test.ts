/** What shards read of archives, by the system's count. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import sharp from "sharp";
import { indexArchives } from "../../src/operations/index-archives.js";
import { merge } from "../../src/operations/merge.js";
import { predictWith } from "../../src/operations/predict.js";
import { createRandom } from "../../src/random.js";
import { indexPath } from "../../src/tiles/archive-index.js";
import { collectTiles } from "../../src/tiles/sources.js";
import type { Tile } from "../../src/tiles/tile.js";
import { toyModel } from "../engine/toy.js";
import { suiteFolder, temporaryFolder } from "../helpers.js";
import { END, member } from "../tar.js";
import { zip } from "../zip.js";

const SHARDS = 4;
const SIDE = 200;
const linux = existsSync("/proc/self/io") ? {} : { skip: "the system does not count what a process reads" };

function bytesRead(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}

/** Pictures of noise, 120 kB each. */
async function pictures(count: number): Promise<{ name: string; data: Buffer }[]> {
  const { uint32 } = createRandom(3);
  const picture = () => Buffer.from(Uint32Array.from({ length: (SIDE * SIDE * 3) / 4 }, uint32).buffer);
  const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
  return Promise.all(
    Array.from({ length: count }, async (_, i) => ({
      name: `in/${i}.jpg`,
      data: await sharp(picture(), { raw }).jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer(),
    })),
  );
}

const tar = (members: { name: string; data: Buffer }[]) => Buffer.concat([...members.map((each) => member(each)), END]);

/** The bytes that all shards together have read for `inputs`, code and all; and the names of all rows. */
async function readBy(inputs: string[], folder: string): Promise<{ read: number; names: string[] }> {
  const outs: string[] = [];
  const before = bytesRead();
  for (let index = 1; index <= SHARDS; index++) {
    const out = join(folder, `${index}.csv`);
    const shard = { index, count: SHARDS };
    await predictWith(toyModel(), { inputs, out, shard, workers: 1, overwrite: true });
    outs.push(out);
  }
  const read = bytesRead() - before;
  const all = join(folder, "all.csv");
  await merge({ outputs: outs, out: all, overwrite: true });
  const [, ...rows] = readFileSync(all, "utf8").trimEnd().split("\n");
  return { read, names: rows.map((row) => row.split(",")[0]).sort() };
}

describe("all shards together", linux, async () => {
  const root = suiteFolder();
  const all = await pictures(64);
  const names = all.map((_, i) => String(i)).sort();
  const put = (name: string, bytes: Buffer): string => {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), bytes);
    return join(root, name);
  };
  const bytes = all.reduce((sum, { data }) => sum + data.length, 0);
  /** Without what a run reads of its own code, and how often that is all of the pictures. */
  let code = 0;
  const timesBy = async (inputs: string[], folder: string) => {
    const { read, names: found } = await readBy(inputs, folder);
    assert.deepEqual(found, names);
    return (read - code) / bytes;
  };

  before(async () => {
    const tiny = await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
      .jpeg()
      .toBuffer();
    for (let i = 0; i < SHARDS; i++) put(`tiny/${i}.tar`, tar([{ name: `${i}.jpg`, data: tiny }]));
    const folder = join(root, "code");
    mkdirSync(folder);
    for (let i = 0; i < 2; i++) code = (await readBy([join(root, "tiny")], folder)).read;
  });

  it("read archives that are as many once to list them and once to decode them", async (t) => {
    for (let i = 0; i < SHARDS; i++) put(`many/${i}.tar`, tar(all.slice(16 * i, 16 * i + 16)));
    const times = await timesBy([join(root, "many")], temporaryFolder(t));
    assert.ok(times > 0.9 && times < 2.2, `${times} times`);
  });

  it("read archives that have an index once, also if they are fewer", async (t) => {
    const one = put("one.tar", tar(all));
    const folder = temporaryFolder(t);
    const without = await timesBy([one], folder);
    assert.ok(without > 2.5, `${without} times without an index`);
    await indexArchives({ inputs: one });
    const times = await timesBy([one], folder);
    assert.ok(times > 0.9 && times < 1.25, `${times} times`);
  });

  it("read a zip once, whose directory is an index", async (t) => {
    const one = put("one.zip", zip(all.map(({ name, data }) => ({ name, data: data as never, method: 0 }))));
    const times = await timesBy([one], temporaryFolder(t));
    assert.ok(times > 0.9 && times < 1.25, `${times} times`);
  });
});

describe("an index", () => {
  const set = tar([
    { name: "a.jpg", data: Buffer.from("of a") },
    { name: "b.txt", data: Buffer.from("no tile") },
    { name: "d/c.jpg", data: Buffer.from("of c") },
  ]).subarray(0, -1024);
  const write = (t: Parameters<typeof temporaryFolder>[0]): string => {
    const archive = join(temporaryFolder(t), "set.tar");
    writeFileSync(archive, set);
    return archive;
  };
  const list = async (archive: string) => {
    const warnings: string[] = [];
    const { tiles, ignored } = await collectTiles(archive, { onWarning: (message) => warnings.push(message) });
    return { tiles, ignored, warnings };
  };

  it("gives what the archive's headers give: tiles, what is bad, what is ignored", async (t) => {
    const archive = write(t);
    const before = await list(archive);
    assert.equal(before.tiles.length, 3);
    const { archives } = await indexArchives({ inputs: archive });
    const index = indexPath(archive);
    assert.deepEqual(archives, [{ archive, index, tiles: 3, rejected: 1, ignored: 1, kept: false }]);
    assert.deepEqual(await list(archive), before);
    // It is the index that was read: a member that is only in it is listed.
    writeFileSync(index, readFileSync(index, "utf8").replace("d/c.jpg", "d/e.jpg"));
    assert.deepEqual(
      (await list(archive)).tiles.map(({ name }: Tile) => name),
      ["a", "e", "set"],
    );
    const again = await indexArchives({ inputs: archive });
    assert.equal(again.archives[0].kept, true);
  });

  it("of another state of the archive is not used, which is said, and is made again", async (t) => {
    const archive = write(t);
    await indexArchives({ inputs: archive });
    writeFileSync(archive, tar([{ name: "new.jpg", data: Buffer.from("of new") }]));
    const { tiles, warnings } = await list(archive);
    assert.deepEqual(
      tiles.map(({ name }) => name),
      ["new"],
    );
    assert.match(warnings.join(), /set\.tar\.index\.jsonl is of another state of its archive.*was not used/);
    await indexArchives({ inputs: archive });
    assert.deepEqual((await list(archive)).warnings, []);
    utimesSync(archive, new Date(), new Date(0));
    assert.equal((await list(archive)).warnings.length, 1);
  });

  it("that is damaged or cut off is named", async (t) => {
    const archive = write(t);
    const index = indexPath(archive);
    await indexArchives({ inputs: archive });
    const whole = readFileSync(index, "utf8").trimEnd().split("\n");
    const damaged = [
      whole.slice(0, -1),
      [...whole.slice(0, 2), ...whole.slice(3)],
      whole.with(1, '["a.jpg",-1,3]'),
      whole.with(1, "["),
    ];
    for (const lines of damaged) {
      writeFileSync(index, `${lines.join("\n")}\n`);
      await assert.rejects(list(archive), { name: "FormatError", message: /The index .* is damaged: make it again/ });
    }
  });

  it("goes to another folder if asked, and of what is no archive there is none", async (t) => {
    const archive = write(t);
    const out = join(temporaryFolder(t), "indexes");
    const { archives } = await indexArchives({ inputs: archive, out });
    assert.equal(archives[0].index, join(out, "set.tar.index.jsonl"));
    assert.ok(existsSync(archives[0].index) && !existsSync(indexPath(archive)));
    // Of the same name in another folder.
    const inputs = [archive, write(t)];
    const message = /would both have the index .*set\.tar\.index\.jsonl/;
    await assert.rejects(indexArchives({ inputs, out }), { name: "InputError", message });
    assert.equal((await indexArchives({ inputs })).archives.length, 2);
    await assert.rejects(indexArchives({ inputs: out }), { name: "InputError", message: /is no archive/ });
  });
});
