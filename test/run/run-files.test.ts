import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NameSet } from "../../src/predict/name-hash.js";
import { cutTileList, readTileList, writeTileList } from "../../src/predict/tile-list.js";
import { takeLock } from "../../src/run/lock.js";
import { checkParts, commitPart } from "../../src/run/parts.js";
import type { Tile } from "../../src/tiles/tile.js";
import { mountDisk, temporaryFolder } from "../helpers.js";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("the tile list", () => {
  const awkward: Tile[] = [
    { name: "a", path: "in/a.jpg" },
    { name: 'line\nfeed "\u2028', path: 'in/line\nfeed "\u2028.jpg' },
    { name: "b.c", path: "x.tar", offset: 512, byteLength: 99, member: "d/b.c.jpg" },
    { name: "bad", path: "bad", offset: 0, byteLength: 0, failure: { code: "READ", message: "no" } },
  ];
  async function* source(): AsyncGenerator<Tile> {
    yield* awkward;
  }

  it("gives back every tile as it was, whatever its name", async (t) => {
    const file = join(temporaryFolder(t), "tiles.jsonl");
    const { tiles, duplicates } = await writeTileList(file, source(), {});
    assert.deepEqual([tiles, duplicates], [4, 0]);
    assert.deepEqual(await collect(readTileList(file, { from: 0, to: 4 })), awkward);
    assert.deepEqual(await collect(readTileList(file, { from: 1, to: 3 })), awkward.slice(1, 3));
  });

  it("is written whole or not at all where the disk ends in the middle of it", async (t) => {
    const disk = temporaryFolder(t);
    if (!mountDisk(disk, "16k")) return t.skip("a small tmpfs cannot be mounted here");
    async function* many(): AsyncGenerator<Tile> {
      // Less than is written at once: the disk takes the beginning of it.
      for (let i = 0; i < 1000; i++) yield { name: `tile_${i}`, path: `some/where/tile_${i}.jpg` };
    }
    try {
      await assert.rejects(writeTileList(join(disk, "tiles.jsonl"), many(), {}), { code: "DISK_FULL" });
      assert.deepEqual(readdirSync(disk), []);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("is cut into stretches that can be read from their byte on", async (t) => {
    const file = join(temporaryFolder(t), "tiles.jsonl");
    await writeTileList(file, source(), {});
    const ranges = await collect(cutTileList(file, 3));
    assert.deepEqual(
      ranges.map(({ from, to }) => [from, to]),
      [
        [0, 3],
        [3, 4],
      ],
    );
    for (const range of ranges) {
      assert.deepEqual(await collect(readTileList(file, range)), awkward.slice(range.from, range.to));
    }
  });
});

describe("the lock", () => {
  const dead = 2 ** 22 + 1;
  const write = (path: string, host: string, pid: number, age = 0): void => {
    writeFileSync(path, JSON.stringify({ host, pid }));
    const then = Date.now() / 1000 - age;
    utimesSync(path, then, then);
  };

  it("is refused while its holder lives, here or elsewhere, and names it", async (t) => {
    const path = join(temporaryFolder(t), "lock");
    const release = await takeLock(path);
    await assert.rejects(takeLock(path), new RegExp(`process ${process.pid} on ${hostname()}`));
    await release();
    assert.ok(!existsSync(path));
    write(path, "elsewhere", 1);
    await assert.rejects(takeLock(path), /process 1 on elsewhere is working on this output/);
    write(path, hostname(), process.ppid);
    await assert.rejects(takeLock(path), /is working on this output/);
  });

  it("is taken over from a dead process, one of the same number, and a silent machine", async (t) => {
    const path = join(temporaryFolder(t), "lock");
    for (const [host, pid, age] of [
      [hostname(), dead, 0],
      [hostname(), process.pid, 0],
      ["elsewhere", 1, 300],
    ] as const) {
      write(path, host, pid, age);
      const release = await takeLock(path);
      assert.equal(JSON.parse(readFileSync(path, "utf8")).pid, process.pid);
      await release();
    }
  });
});

describe("parts", () => {
  it("count only as far as they follow one another, whole", async (t) => {
    const folder = temporaryFolder(t);
    const reject = { path: "x", name: "x", code: "READ", message: "gone" };
    for (const part of [0, 1, 3]) {
      await commitPart(folder, {
        part,
        first: part * 2,
        predicted: 1,
        rows: `row ${part}\n`,
        rejects: [reject],
        stamps: Uint32Array.of(7, part),
      });
    }
    const damages: string[] = [];
    const onWarning = (message: string) => damages.push(message);
    const committed = await checkParts(folder, { onWarning });
    assert.deepEqual(committed, { parts: 2, tiles: 4, predicted: 2, rejected: 2 });
    assert.equal(damages.length, 0);
    assert.ok(!existsSync(join(folder, "part-000003.json")));
    writeFileSync(join(folder, "part-000001.json"), '{"part": 1, "fir');
    assert.equal((await checkParts(folder, { onWarning })).parts, 1);
  });
});

describe("a set of names", () => {
  it("knows which it has seen, over many", () => {
    const names = new NameSet();
    for (let i = 0; i < 50_000; i++) assert.equal(names.add(`tile_${i}`), false);
    for (let i = 0; i < 50_000; i += 7) assert.equal(names.add(`tile_${i}`), true);
    assert.equal(names.size, 50_000);
  });
});
