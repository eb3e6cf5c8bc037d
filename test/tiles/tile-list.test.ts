import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { InputError } from "../../src/errors.js";
import type { Tile } from "../../src/tiles/tile.js";
import { cutTileList, hashNext, readListedTiles, readTileList } from "../../src/tiles/tile-list.js";
import { type DoneTiles, digestTileList, rewriteTileList, writeTileList } from "../../src/tiles/write-list.js";
import { mountDisk, temporaryFolder } from "../helpers.js";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function* sourceOf(tiles: readonly Tile[]): AsyncGenerator<Tile> {
  yield* tiles;
}

const AWKWARD: Tile[] = [
  { name: "a", path: "in/a.jpg" },
  { name: 'line\nfeed "\u2028', path: 'in/line\nfeed "\u2028.jpg' },
  { name: "b.c", path: "x.tar", offset: 512, byteLength: 99, member: "d/b.c.jpg" },
  { name: "bad", path: "bad", offset: 0, byteLength: 0, failure: { code: "READ", message: "no" } },
];

describe("the tile list", () => {
  it("gives back every tile as it was, whatever its name", async (t) => {
    const file = join(temporaryFolder(t), "tiles.jsonl");
    const { tiles, duplicates } = await writeTileList(file, sourceOf(AWKWARD), {});
    assert.deepEqual([tiles, duplicates], [4, 0]);
    assert.deepEqual(await collect(readTileList(file, { from: 0, to: 4 })), AWKWARD);
    assert.deepEqual(await collect(readTileList(file, { from: 1, to: 3 })), AWKWARD.slice(1, 3));
  });

  it("is refused with its name where a line of it is damaged", async (t) => {
    const file = join(temporaryFolder(t), "tiles.jsonl");
    const lines = [
      "[",
      "{}",
      "[1,2]",
      "[1,2,3]",
      '["x",2,"a.jpg"]',
      '[1,2,"a.tar",-1,9,"b.jpg"]',
      '[1,2,"a.jpg",0,0,null,"no"]',
    ];
    for (const line of lines) {
      writeFileSync(file, `[1,2,"good.jpg"]\n${line}\n`);
      const message = (error: Error) => error.message.startsWith(`The tile list ${file} is damaged (`);
      await assert.rejects(collect(readTileList(file, { from: 0, to: 2 })), message, line);
    }
  });

  it("is written whole or not at all where the disk ends in the middle of it", async (t) => {
    const disk = temporaryFolder(t);
    if (!mountDisk(disk, "16k")) return t.skip("a small tmpfs cannot be mounted here");
    // Less than is written at once: the disk takes the beginning of it.
    const many = Array.from({ length: 1000 }, (_, i) => ({ name: `tile_${i}`, path: `some/where/tile_${i}.jpg` }));
    try {
      await assert.rejects(writeTileList(join(disk, "tiles.jsonl"), sourceOf(many), {}), { code: "DISK_FULL" });
      assert.deepEqual(readdirSync(disk), []);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("is cut into stretches that can be read from their byte on", async (t) => {
    const file = join(temporaryFolder(t), "tiles.jsonl");
    await writeTileList(file, sourceOf(AWKWARD), {});
    const ranges = await collect(cutTileList(file, 3));
    assert.deepEqual(
      ranges.map(({ from, to }) => [from, to]),
      [
        [0, 3],
        [3, 4],
      ],
    );
    for (const range of ranges) {
      assert.deepEqual(await collect(readTileList(file, range)), AWKWARD.slice(range.from, range.to));
    }
  });

  it("counts names that another tile has already, in what is listed of the input", async (t) => {
    const file = join(temporaryFolder(t), "tiles.jsonl");
    const tiles = ["a/x.jpg", "b/x.jpg", "b/y.jpg", "c/x.png"].map((path) => ({ name: path[2], path }));
    const { duplicates, compared } = await writeTileList(file, sourceOf(tiles), {});
    assert.deepEqual([duplicates, compared], [2, 4]);
  });

  it("tells stretches of other tiles apart by their hash, whatever became of the tiles", async (t) => {
    const file = join(temporaryFolder(t), "tiles.jsonl");
    await writeTileList(file, sourceOf(AWKWARD), {});
    const listed = readTileList(file, { from: 0, to: 4 });
    const hashes = [await hashNext(listed, 2), await hashNext(listed, 2)];
    assert.notEqual(hashes[0], hashes[1]);
    const crashed = { ...AWKWARD[2], failure: { code: "CRASH", message: "it kills" } } as const;
    const { failure: _, ...well } = AWKWARD[3];
    assert.equal(await hashNext(sourceOf([crashed, well]), 2), hashes[1]);
    assert.equal(await hashNext(sourceOf(AWKWARD.slice(0, 2)), 3), hashes[0], "as many as there are");
  });
});

describe("a tile list of a run that goes on", () => {
  /** Files a, b, c and a missing one, listed while a run begins. */
  async function begun(root: string) {
    const file = join(root, "tiles.jsonl");
    const tiles = ["a", "b", "c", "missing"].map((name) => ({ name, path: join(root, `${name}.jpg`) }));
    for (const { path } of tiles.slice(0, 3)) writeFileSync(path, "bytes");
    const first = await writeTileList(file, sourceOf(tiles), {});
    const appeared: string[] = [];
    /** As a run does that goes on with the first `count` tiles done. */
    const goOn = (count: number, now: readonly Tile[] = tiles) => {
      const onAppeared = ({ name }: Tile) => appeared.push(name);
      const done: DoneTiles = { isDone: (index) => index < count, onAppeared };
      return rewriteTileList(file, sourceOf(now), done, {});
    };
    return { file, tiles, first, appeared, goOn };
  }

  it("is the same where nothing has changed", async (t) => {
    const { file, tiles, first, appeared, goOn } = await begun(temporaryFolder(t));
    const before = readFileSync(file);
    assert.deepEqual(await goOn(4), first);
    assert.deepEqual(readFileSync(file), before);
    assert.deepEqual(await digestTileList(sourceOf(tiles), {}), first);
    assert.deepEqual(appeared, []);
  });

  it("refuses a file that has changed since it was listed, by size or by time, and names it", async (t) => {
    const { file, tiles, goOn } = await begun(temporaryFolder(t));
    const before = readFileSync(file);
    const [, b] = tiles;
    const { atime, mtime } = statSync(b.path);
    utimesSync(b.path, atime, new Date(mtime.getTime() + 1));
    const refused = (error: Error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /input has changed.*\/b\.jpg has another size or time.*`overwrite`/);
      return true;
    };
    await assert.rejects(goOn(2), refused);
    writeFileSync(b.path, "other bytes");
    utimesSync(b.path, atime, mtime);
    await assert.rejects(goOn(2), refused);
    assert.deepEqual(readFileSync(file), before);
    writeFileSync(b.path, "bytes");
    utimesSync(b.path, atime, mtime);
    await goOn(2);
  });

  it("has the new state of a tile that is not done, so that it is known from then on", async (t) => {
    const { tiles, first, goOn } = await begun(temporaryFolder(t));
    utimesSync(tiles[2].path, 1, 1);
    const second = await goOn(2);
    assert.equal(second.sha256, first.sha256);
    assert.notEqual(second.fileSha256, first.fileSha256);
    await goOn(3);
    utimesSync(tiles[2].path, 2, 2);
    await assert.rejects(goOn(3), /c\.jpg has another size or time/);
  });

  it("names done tiles that were not there and are now, each time, and misses none that has gone", async (t) => {
    const { file, tiles, appeared, goOn } = await begun(temporaryFolder(t));
    writeFileSync(tiles[3].path, "bytes");
    rmSync(tiles[0].path);
    for (const expected of [["missing"], ["missing", "missing"]]) {
      await goOn(4);
      assert.deepEqual(appeared, expected);
    }
    const states = (await collect(readListedTiles(file))).map(({ state }) => state?.size);
    assert.deepEqual(states, [5, 5, 5, undefined]);
  });

  it("refuses other tiles, more of them and fewer", async (t) => {
    const { tiles, goOn } = await begun(temporaryFolder(t));
    const other = { name: "z", path: "z.jpg" };
    await assert.rejects(goOn(0, [tiles[0], other]), /tile 2 was .*b\.jpg when the run began and is z\.jpg now/);
    await assert.rejects(goOn(0, [...tiles, other]), /the run began with 4 tiles, and now there is also z\.jpg/);
    await assert.rejects(goOn(0, tiles.slice(0, 3)), /missing\.jpg is not there any more/);
    const member = { ...tiles[0], offset: 0, byteLength: 3, member: "m.jpg" };
    await assert.rejects(goOn(0, [member]), /is .*a\.jpg#m\.jpg now/);
  });

  it("does not look at copies that every process makes anew, nor at what is known to be bad", async (t) => {
    const root = temporaryFolder(t);
    const [file, copy] = [join(root, "tiles.jsonl"), join(root, "copy.tar")];
    const member = { name: "m", path: copy, offset: 512, byteLength: 5, member: "m.jpg" };
    const bad = {
      name: "copy",
      path: copy,
      offset: 0,
      byteLength: 0,
      failure: { code: "READ", message: "no" },
    } as const;
    writeFileSync(copy, "first");
    const options = { isCopy: (path: string) => path === copy };
    await writeTileList(file, sourceOf([member]), options);
    await writeTileList(join(root, "bad.jsonl"), sourceOf([bad]), {});
    writeFileSync(copy, "second");
    const done = { isDone: () => true, onAppeared: () => assert.fail("it was not looked at") };
    await rewriteTileList(file, sourceOf([member]), done, options);
    await rewriteTileList(join(root, "bad.jsonl"), sourceOf([bad]), done, {});
  });
});
