import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { createRandom } from "../../src/random.js";
import { collectTiles } from "../../src/tiles/sources.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";
import { BLOCK, END, member, pax } from "../tar.js";

/** The tiles of an archive of `parts`, and how many members were ignored. */
async function read(t: { after(fn: () => void): void }, parts: Buffer[]) {
  const file = join(temporaryFolder(t), "set.tar");
  writeFileSync(file, Buffer.concat(parts));
  const { tiles, ignored } = await collectTiles([file]);
  return { tiles, ignored, good: tiles.filter(({ failure }) => failure === undefined) };
}

function textOf({ path, offset = 0, byteLength = 0 }: Tile): string {
  return readFileSync(path).toString("utf8", offset, offset + byteLength);
}

const reasons = (tiles: Tile[]): string[] => tiles.flatMap(({ failure }) => failure?.message ?? []);

describe("an archive of which tiles are lost", () => {
  const whole = Buffer.concat([member({ name: "a.jpg", data: "a" }), member({ name: "b.jpg", data: "b" }), END]);
  const warningsOf = async (t: { after(fn: () => void): void }, name: string, bytes: Buffer): Promise<string[]> => {
    const folder = temporaryFolder(t);
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    writeFileSync(join(folder, name), bytes);
    await collectTiles([join(folder, name), `${folder}/*.tar*`], { onWarning });
    return warnings;
  };

  it("is warned of, once and by its first place, since its rejects are fewer than its lost tiles", async (t) => {
    const inMember = whole.subarray(0, 3 * BLOCK);
    for (const [name, bytes, reason] of [
      ["set.tar", inMember, /the archive ends inside the member b\.jpg/],
      ["set.tar", whole.subarray(0, 4 * BLOCK), /the archive has no end mark/],
      ["set.tar.gz", gzipSync(whole, { level: 0 }).subarray(0, 3 * BLOCK), /its gzip data are damaged or cut off/],
    ] as const) {
      const warnings = await warningsOf(t, name, bytes);
      assert.match(warnings.join("\n"), /^An archive is damaged, cut off .* counted nowhere; the first, .*set\.tar/);
      assert.match(warnings.join("\n"), reason);
    }
    assert.deepEqual(await warningsOf(t, "set.tar", whole), []);
  });
});

describe("members of a tar", () => {
  it("of every kind are tiles, ignored or rejected", async (t) => {
    const { tiles, ignored, good } = await read(t, [
      pax("g", { comment: "of an export" }),
      member({ name: "in/", type: "5" }),
      member({ name: "in/a.jpg", data: "a" }),
      member({ name: "in/old.jpg", type: "\0", data: "old" }),
      member({ name: "in/contiguous.jpg", type: "7", data: "seven" }),
      member({ name: "in/unknown.jpg", type: "Z", data: "as a file" }),
      member({ name: "in/notes.txt", data: "notes" }),
      member({ name: "in/hard.jpg", type: "1", link: "in/a.jpg" }),
      member({ name: "in/sized.jpg", type: "1", link: "in/a.jpg", size: 1 }),
      member({ name: "in/full.jpg", type: "1", link: "in/a.jpg", data: "its own" }),
      member({ name: "in/soft.jpg", type: "2", link: "later.jpg" }),
      member({ name: "in/latest", type: "2", link: "../far" }),
      member({ name: "in/through.jpg", type: "2", link: "latest/b.jpg" }),
      member({ name: "in/out.jpg", type: "2", link: "../../etc/x.jpg" }),
      member({ name: "in/round.jpg", type: "2", link: "round.jpg" }),
      member({ name: "in/device.jpg", type: "3" }),
      member({ name: "in/pipe.jpg", type: "6" }),
      member({ name: "in/volume.jpg", type: "M", data: "rest" }),
      pax("x", { path: "in/nëw\nline.jpg", size: "4" }),
      member({ name: "in/new.jpg", size: 0, data: "line" }),
      pax("x", { "GNU.sparse.name": "in/sparse.jpg", "GNU.sparse.major": "1" }),
      member({ name: "GNUSparseFile.1/sparse.jpg", data: "1\n" }),
      member({ name: "./in/later.jpg", data: "later" }),
      member({ name: "far/b.jpg", data: "b" }),
      member({ name: "in/a.jpg", data: "again" }),
      END,
    ]);
    const texts = Object.fromEntries(good.map((tile) => [tile.member, textOf(tile)]));
    assert.deepEqual(texts, {
      "in/a.jpg": "again",
      "in/old.jpg": "old",
      "in/contiguous.jpg": "seven",
      "in/unknown.jpg": "as a file",
      "in/hard.jpg": "again",
      "in/sized.jpg": "again",
      "in/full.jpg": "its own",
      "in/soft.jpg": "later",
      "in/through.jpg": "b",
      "in/nëw\nline.jpg": "line",
      "./in/later.jpg": "later",
      "far/b.jpg": "b",
    });
    // Both of the members called in/a.jpg; the folder is no member, the text and the link to a folder are ignored.
    assert.deepEqual([good.length, tiles.length - good.length, ignored], [13, 6, 2]);
    const failed = tiles.filter(({ failure }) => failure !== undefined);
    assert.deepEqual(
      failed.map(({ name, failure }) => `${name}: ${failure?.message.split(" ").slice(0, 5).join(" ")}`),
      [
        "device: it is a device, not",
        "pipe: it is a pipe, not",
        "volume: it is the rest of",
        "sparse: it is stored sparse, without",
        "out: it is a link to",
        "round: it is a link to",
      ],
    );
  });

  it("that GNU tar stores as links or sparse are read or rejected in each of its formats", async (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, "in"));
    writeFileSync(join(folder, "in/a.jpg"), "bytes of a");
    linkSync(join(folder, "in/a.jpg"), join(folder, "in/b.jpg"));
    symlinkSync("a.jpg", join(folder, "in/c.jpg"));
    writeFileSync(join(folder, "in/hole.jpg"), "x");
    truncateSync(join(folder, "in/hole.jpg"), 1 << 20);
    const sparse = ["0.0", "0.1", "1.0"].map((version) => ["--format=pax", "--sparse", `--sparse-version=${version}`]);
    for (const options of [["--format=gnu", "--sparse"], ...sparse]) {
      execFileSync("tar", [...options, "--sort=name", "-cf", "set.tar", "in"], { cwd: folder });
      const { tiles } = await collectTiles([join(folder, "set.tar")]);
      assert.equal(tiles.length, 4, options.join(" "));
      const good = tiles.filter(({ failure }) => failure === undefined);
      assert.deepEqual(good.map(textOf), Array(3).fill("bytes of a"), options.join(" "));
      assert.match(reasons(tiles).join(), /^it is stored sparse/);
    }
  });

  it("with numbers in base 256 are read", async (t) => {
    const part = member({ name: "a.jpg", data: "bytes" });
    part.fill(0, 124, 136);
    part[124] = 0x80;
    part[135] = 5;
    part.write("        ", 148);
    const sum = part.subarray(0, BLOCK).reduce((total, byte) => total + byte, 0);
    part.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const { good } = await read(t, [part, END]);
    assert.deepEqual(good.map(textOf), ["bytes"]);
  });
});

/** What a tile is, for comparisons. */
const key = ({ member: name, offset, byteLength }: Tile): string => `${name}@${offset}+${byteLength}`;

/** Tiles of an archive of each format, its bytes, and where its headers are. */
function smallArchive(folder: string, format: string): Buffer {
  mkdirSync(join(folder, "in"), { recursive: true });
  const long = `in/${"long".repeat(30)}`;
  for (const name of ["in/a", "in/b", long, "in/c"]) writeFileSync(join(folder, `${name}.jpg`), name.repeat(90));
  const names = ["in/a.jpg", "in/b.jpg", `${long}.jpg`, "in/c.jpg"];
  execFileSync("tar", [`--format=${format}`, "-b1", "-cf", "whole.tar", ...names], { cwd: folder });
  return readFileSync(join(folder, "whole.tar"));
}

describe("a damaged tar", () => {
  for (const format of ["gnu", "pax"]) {
    it(`(${format}) loses no member but those in the block that is lost, and says so`, async (t) => {
      const folder = temporaryFolder(t);
      const whole = smallArchive(folder, format);
      const file = join(folder, "set.tar");
      writeFileSync(file, whole);
      const known = (await collectTiles([file])).tiles;
      assert.equal(known.length, 4);
      const data = known.map(({ offset = 0, byteLength = 0 }) => ({ offset, end: offset + byteLength }));
      for (let at = 0; at < whole.length - 2 * BLOCK; at += BLOCK) {
        for (const fill of [0, 0x55, 0xff]) {
          writeFileSync(file, Buffer.from(whole).fill(fill, at, at + BLOCK));
          const { tiles }: { tiles: Tile[] } = await collectTiles([file]);
          const good = tiles.filter(({ failure }) => failure === undefined);
          const place = `block ${at / BLOCK} filled with ${fill}`;
          const harmless = data.some(({ offset, end }) => at >= offset && at < end);
          const gone: number = known.length - good.length;
          assert.equal(gone, harmless ? 0 : 1, `${place}: ${reasons(tiles)}`);
          const missing = good.filter((tile) => !known.map(key).includes(key(tile)));
          assert.deepEqual(missing, [], place);
          assert.ok(harmless || tiles.length > good.length, place);
        }
      }
    });
  }

  it("keeps the members before and behind a number that is none", async (t) => {
    const broken = member({ name: "b.jpg", data: "b" });
    broken[124] = 0xfe;
    const parts = [member({ name: "a.jpg", data: "a" }), broken, member({ name: "c.jpg", data: "c" }), END];
    const { tiles, good } = await read(t, parts);
    assert.deepEqual(good.map(textOf), ["a", "c"]);
    assert.deepEqual(reasons(tiles), [
      "the archive is damaged at byte 1024, and what lies before byte 2048 cannot be read",
    ]);
  });

  it("whose sizes are no numbers of bytes is read to its end, and each place is said", async (t) => {
    const [a, b] = ["a", "b"].map((name) => member({ name: `${name}.jpg`, data: name }));
    for (const size of ["-512", "-1536", "1e3", "0x200", "9".repeat(20)]) {
      const { good, tiles } = await read(t, [pax("x", { size }), a, b, END]);
      assert.deepEqual(good.map(textOf), ["b"], size);
      assert.match(reasons(tiles).join(), /^the archive is damaged at byte 1024, and what lies before byte 2048/);
      const all = await read(t, [b, pax("g", { size }), a, b, END]);
      assert.deepEqual(all.good.map(textOf), ["b"], size);
      assert.equal(reasons(all.tiles).length, 2, size);
    }
  });

  it("with one block of zeros has lost a header, and with more is several archives", async (t) => {
    const [a, b] = ["a", "b"].map((name) => member({ name: `${name}.jpg`, data: name }));
    const one = await read(t, [a, Buffer.alloc(BLOCK), b, END]);
    assert.deepEqual(one.good.map(textOf), ["a", "b"]);
    assert.match(reasons(one.tiles).join(), /^the archive is damaged at byte 1024/);
    assert.deepEqual(reasons((await read(t, [a, END, b, END])).tiles), []);
  });

  it("at random never ends the listing, and its tiles lie inside it", async (t) => {
    const folder = temporaryFolder(t);
    const random = createRandom(11);
    const file = join(folder, "set.tar");
    for (const format of ["gnu", "pax", "ustar"]) {
      const whole = smallArchive(folder, format === "ustar" ? "gnu" : format);
      for (let round = 0; round < 60; round++) {
        const bytes = Buffer.from(whole.subarray(0, whole.length - (round % 3 === 0 ? random.below(whole.length) : 0)));
        for (let i = random.below(20); i >= 0 && bytes.length > 0; i--) {
          bytes[random.below(bytes.length)] = random.below(256);
        }
        writeFileSync(file, bytes);
        const { tiles } = await collectTiles([file]).catch((error) => {
          assert.match(error.message, /^No(t one)? tiles? |is compressed with/);
          return { tiles: [] };
        });
        const inside = ({ offset = 0, byteLength = 0 }: Tile) => offset + byteLength <= bytes.length;
        assert.ok(tiles.every(inside));
      }
    }
  });
});
