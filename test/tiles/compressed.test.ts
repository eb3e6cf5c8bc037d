import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { readTileBytes } from "../../src/decode/bytes.js";
import { isFailure, placeOf } from "../../src/decode/decoder.js";
import { createRandom } from "../../src/random.js";
import { CompressedTiles } from "../../src/tiles/compressed-tiles.js";
import { openSource } from "../../src/tiles/open-source.js";
import { collectTiles } from "../../src/tiles/sources.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";
import { END, member } from "../tar.js";
import { SKIPPED, zstd, zstdZeros } from "../zstd.js";

const random = createRandom(7);
/** Cannot be compressed, as pictures. */
const noise = (bytes: number) =>
  Buffer.from(Uint32Array.from({ length: Math.ceil(bytes / 4) }, () => random.uint32()).buffer, 0, bytes);
const PICTURES = Array.from({ length: 40 }, (_, i) => ({ name: `in/${i}.jpg`, data: noise(3000 + 700 * i) }));
const TAR = Buffer.concat([...PICTURES.map((each) => member(each)), member({ name: "in/1.cls", data: "7" }), END]);

async function listed(t: { after(fn: () => void): void }, name: string, bytes: Uint8Array) {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, bytes);
  return collectTiles([path]);
}

/** What a decoder gets of each. */
function bytesOf(tiles: readonly Tile[]): (Uint8Array | string)[] {
  return tiles.map((tile) => {
    const bytes = tile.failure ?? readTileBytes(placeOf(tile));
    return isFailure(bytes) ? bytes.message : bytes;
  });
}

async function load(tiles: readonly Tile[], notices: string[] = []): Promise<(Uint8Array | string)[]> {
  const compressed = new CompressedTiles({ onNotice: (message) => notices.push(message) });
  try {
    return bytesOf(await compressed.load(tiles));
  } finally {
    await compressed.close();
  }
}

const WHOLE = PICTURES.map(({ data }) => data);

describe("a compressed tar", () => {
  const forms: [string, string, Buffer][] = [
    ["of gzip", "set.tar.gz", gzipSync(TAR)],
    ["of gzip, .TGZ", "set.TGZ", gzipSync(TAR, { level: 1 })],
    [
      "of gzip in two members",
      "set.tgz",
      Buffer.concat([gzipSync(TAR.subarray(0, 5000)), gzipSync(TAR.subarray(5000))]),
    ],
    ["of gzip, filled up with zeros", "set.tgz", Buffer.concat([gzipSync(TAR), Buffer.alloc(40_000)])],
    ["of zstd", "set.tar.zst", zstd(TAR)],
    [
      "of zstd in frames",
      "set.tzst",
      Buffer.concat([zstd(TAR.subarray(0, 777)), SKIPPED, zstd(TAR.subarray(777), { blockBytes: 128 << 10 }), SKIPPED]),
    ],
  ];
  for (const [what, name, bytes] of forms) {
    it(`${what} gives the tiles of the tar, by any way through it`, async (t) => {
      const { tiles, ignored } = await listed(t, name, bytes);
      assert.equal(ignored, 1);
      const notices: string[] = [];
      assert.deepEqual(await load(tiles, notices), WHOLE);
      // Steps within what is in memory go back freely.
      assert.deepEqual(await load(tiles.toReversed(), notices), WHOLE.toReversed());
      assert.deepEqual(notices, []);
    });
  }

  it("that is cut off or damaged keeps the tiles before, the same in both passes", async (t) => {
    for (const [name, bytes] of [
      ["set.tar.gz", gzipSync(TAR)],
      ["set.tar.zst", zstd(TAR)],
    ] as const) {
      const damaged = Buffer.from(bytes);
      const half = bytes.length >> 1;
      damaged.fill(0xff, half, half + 2000);
      // With gzip, only the checksum at its end shows the damage.
      for (const bad of [bytes.subarray(0, half), ...(name === "set.tar.zst" ? [damaged] : [])]) {
        const { tiles } = await listed(t, name, bad);
        const good = tiles.filter(({ failure }) => failure === undefined);
        assert.ok(good.length > 15 && good.length < 35, `${good.length} tiles`);
        assert.deepEqual(await load(good), WHOLE.slice(0, good.length));
        const failures = tiles.slice(good.length).map(({ failure }) => `${failure?.code} ${failure?.message}`);
        assert.equal(failures.length, 1);
        assert.match(failures[0], /FORMAT its (gzip|zstd) data are damaged or cut off \(.*\), and nothing behind/);
      }
    }
  });

  it("whose data end too early says so, and so does what is not compressed at all", async (t) => {
    const expected: [string, Buffer, RegExp][] = [
      ["a.tar.gz", gzipSync(TAR).subarray(0, -1), /they end too early/],
      ["a.tar.zst", zstd(TAR).subarray(0, -1), /they end too early/],
      ["b.tar.gz", TAR, /neither with gzip nor with zstd: call it \.tar/],
      ["c.tar.gz", Buffer.from("BZh91AY&SY packed"), /it is compressed with bzip2: unpack it/],
      ["d.tar.gz", Buffer.alloc(5000), /begins with zeros/],
    ];
    for (const [name, bytes, message] of expected) {
      const path = join(temporaryFolder(t), name);
      writeFileSync(path, bytes);
      const tiles = (await collectTiles([path]).catch((error) => error)) as { tiles?: Tile[]; message?: string };
      assert.match(tiles.message ?? tiles.tiles?.at(-1)?.failure?.message ?? "", message);
    }
  });

  it("is unpacked once where its tiles are wanted in another order, and then removed", async (t) => {
    const large = [...PICTURES, { name: "far.jpg", data: noise(6 << 20) }];
    const path = join(temporaryFolder(t), "set.tar.gz");
    writeFileSync(path, gzipSync(Buffer.concat([...large.map((each) => member(each)), END]), { level: 1 }));
    const { tiles } = await collectTiles([path]);
    const notices: string[] = [];
    const order = [40, 3, 1, 39, 40, 0];
    const bytes = await load(
      order.map((i) => tiles[i]),
      notices,
    );
    assert.deepEqual(
      bytes,
      order.map((i) => large[i].data),
    );
    const [, folder] = /is unpacked to (.*) for now/.exec(notices.join()) ?? [];
    assert.equal(notices.length, 1);
    assert.ok(folder !== undefined && !existsSync(folder));
  });

  it("gives tiles in their order whoever asks at the same time", async (t) => {
    const { tiles } = await listed(t, "set.tar.gz", gzipSync(TAR));
    const compressed = new CompressedTiles();
    const parts = await Promise.all([0, 10, 20, 30].map((from) => compressed.load(tiles.slice(from, from + 10))));
    await compressed.close();
    assert.deepEqual(bytesOf(parts.flat()), WHOLE);
  });

  it("may hold a tile that is too large: it is rejected unread", async (t) => {
    const { tiles } = await listed(t, "set.tar.gz", gzipSync(TAR));
    const compressed = new CompressedTiles();
    const pieces: Tile[] = [];
    for await (const piece of compressed.pieces(tiles, 10_000)) pieces.push(...piece);
    await compressed.close();
    for (const [i, { failure }] of pieces.entries()) {
      assert.equal(failure?.code, PICTURES[i].data.length > 10_000 ? "LIMIT" : undefined);
    }
  });
});

describe("a bomb", () => {
  it("of zeros is left where it has become far too large, in little memory", { timeout: 600_000 }, async (t) => {
    const first = Buffer.concat(PICTURES.slice(0, 3).map((each) => member(each)));
    // A member of 64 GiB that would be as many zeros.
    const huge = member({ name: "huge.jpg", size: 2 ** 33 - 512, data: "" });
    const path = join(temporaryFolder(t), "bomb.tar.zst");
    writeFileSync(path, Buffer.concat([zstd(Buffer.concat([first, huge])), zstdZeros(65_536)]));
    const before = process.memoryUsage().arrayBuffers;
    const { tiles } = await collectTiles([path]);
    assert.ok(process.memoryUsage().arrayBuffers - before < 256 << 20);
    assert.deepEqual(
      tiles.map(({ name }) => name),
      ["0", "1", "2", "bomb.tar"],
    );
    assert.match(tiles[3].failure?.message ?? "", /unpack to more than 200 times as many/);
  });

  it("that asks for a window of gibibytes does not get it", async (t) => {
    const { tiles } = await listed(
      t,
      "set.tar.zst",
      Buffer.concat([zstd(TAR.subarray(0, 9000)), zstd(TAR, { log: 31 })]),
    );
    assert.match(tiles.at(-1)?.failure?.message ?? "", /a window of 2048 MiB; canopy takes 128 MiB/);
  });
});

describe("a folder of archives", () => {
  it("stands for them, in order, whatever their kind; other files are counted", async (t) => {
    const root = temporaryFolder(t);
    mkdirSync(join(root, "b"));
    writeFileSync(join(root, "c.tar"), TAR);
    writeFileSync(join(root, "b/2.tar.gz"), gzipSync(TAR));
    writeFileSync(join(root, "a.tar.zst"), zstd(TAR));
    writeFileSync(join(root, "notes.txt"), "");
    const { tiles, ignored } = await collectTiles(root);
    assert.deepEqual(
      [...new Set(tiles.map(({ path }) => path))],
      ["a.tar.zst", "b/2.tar.gz", "c.tar"].map((name) => join(root, name)),
    );
    assert.equal(tiles.length, 120);
    assert.equal(ignored, 3 + 1);
  });

  it("with tiles among them is a folder of tiles, and that is said", async (t) => {
    const root = temporaryFolder(t);
    writeFileSync(join(root, "a.tar"), TAR);
    writeFileSync(join(root, "b.jpg"), "b");
    const warnings: string[] = [];
    const { tiles } = await collectTiles(root, { onWarning: (message) => warnings.push(message) });
    assert.deepEqual(
      tiles.map(({ name }) => name),
      ["b"],
    );
    assert.match(warnings.join(), /Archives among tiles are ignored, which are inputs of their own \(.*a\.tar\)/);
  });
});

describe("a pattern", () => {
  it("stands for what it matches, sorted, and what is called as a pattern comes first", async (t) => {
    const root = temporaryFolder(t);
    for (const name of ["10.tar", "9.tar"]) writeFileSync(join(root, name), TAR);
    mkdirSync(join(root, "more"));
    writeFileSync(join(root, "more/x.jpg"), "x");
    writeFileSync(join(root, "[1].jpg"), "brackets");
    writeFileSync(join(root, "1.jpg"), "one");
    const paths = async (pattern: string) => {
      const { tiles } = await collectTiles(join(root, pattern));
      return [...new Set(tiles.map(({ path }) => path.slice(root.length + 1)))];
    };
    assert.deepEqual(await paths("*.tar"), ["10.tar", "9.tar"]);
    assert.deepEqual(await paths("{9,7}.tar"), ["9.tar"]);
    assert.deepEqual(await paths("mo*"), ["more/x.jpg"]);
    assert.deepEqual(await paths("**/*.jpg"), ["1.jpg", "[1].jpg", "more/x.jpg"]);
    assert.deepEqual(await paths("[1].jpg"), ["[1].jpg"]);
    await assert.rejects(paths("*.zip"), { name: "InputError", message: /Nothing matches the input .*\*\.zip/ });
  });
});

it("a source keeps no more than a few mebibytes of what it has passed", async (t) => {
  const path = join(temporaryFolder(t), "zeros.tar.zst");
  writeFileSync(path, zstdZeros(4096));
  const source = await openSource(path);
  const before = process.memoryUsage().arrayBuffers;
  assert.equal(await source.extent(500 << 20), 500 << 20);
  assert.equal(await source.extent(Number.POSITIVE_INFINITY), 512 << 20);
  assert.ok(process.memoryUsage().arrayBuffers - before < 200 << 20);
  await source.close();
});
