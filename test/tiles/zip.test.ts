import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readTileBytes } from "../../src/decode/bytes.js";
import { isFailure, placeOf } from "../../src/decode/decoder.js";
import { inspect } from "../../src/operations/inspect.js";
import { synthesize } from "../../src/operations/synth.js";
import { createRandom } from "../../src/random.js";
import { collectTiles } from "../../src/tiles/sources.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";
import { type ZipMember, zip } from "../zip.js";

function textOf(tile: Tile): string {
  const bytes = readTileBytes(placeOf(tile));
  return isFailure(bytes) ? `${bytes.code}: ${bytes.message}` : String(Buffer.from(bytes));
}

/** The tiles of an archive of `bytes`, and how many members were ignored. */
async function read(t: { after(fn: () => void): void }, bytes: Buffer, name = "set.zip") {
  const file = join(temporaryFolder(t), name);
  writeFileSync(file, bytes);
  return { file, ...(await collectTiles([file])) };
}

describe("members of a zip", () => {
  it("of every kind are tiles, ignored or rejected", async (t) => {
    const members: ZipMember[] = [
      { name: "in/" },
      { name: "in/deflated.jpg", data: "text ".repeat(100) },
      { name: "in/stored.jpg", data: "stored", method: 0 },
      { name: "in/sixty-four.jpg", data: "of 64 bits", zip64: true },
      { name: "in/described.jpg", data: "sizes behind", flags: 0x808 },
      { name: "in/木.jpg", data: "utf-8" },
      { name: Buffer.from("in/\x81.jpg", "latin1"), data: "cp437", flags: 0 },
      { name: "in\\windows.jpg", data: "backslash" },
      { name: "in/empty.jpg", data: "" },
      { name: "in/notes.txt", data: "notes" },
      { name: "__MACOSX/in/._stored.jpg", data: "of macOS" },
      { name: "in/secret.jpg", data: "secret", flags: 0x801 },
      { name: "in/bzip2.jpg", data: "other", method: 12 },
      { name: "in/link.jpg", data: "stored.jpg", method: 0, attributes: (0o120777 << 16) >>> 0 },
      { name: "in/sizes.jpg", data: "stored", method: 0, size: 7 },
      { name: "in/long.jpg", data: "longer than it says", size: 5 },
      { name: "in/short.jpg", data: "short", size: 9 },
      { name: "in/bomb.jpg", data: "shorter", size: 4_000_000_000 },
    ];
    const { tiles, ignored } = await read(t, zip(members));
    // The folder is no member.
    assert.deepEqual([tiles.length, ignored], [members.length - 3, 2]);
    const texts = tiles.map(
      (tile) => `${tile.member} ${tile.failure?.message.slice(0, 12) ?? textOf(tile).slice(0, 12)}`,
    );
    assert.deepEqual(texts, [
      "in/deflated.jpg text text te",
      "in/stored.jpg stored",
      "in/sixty-four.jpg of 64 bits",
      "in/described.jpg sizes behind",
      "in/木.jpg utf-8",
      "in/ü.jpg cp437",
      "in/windows.jpg backslash",
      "in/empty.jpg ",
      "in/secret.jpg it is encryp",
      "in/bzip2.jpg it is compre",
      "in/link.jpg it is a link",
      "in/sizes.jpg the archive ",
      "in/long.jpg CORRUPT: The",
      "in/short.jpg CORRUPT: The",
      "in/bomb.jpg LIMIT: File ",
    ]);
  });

  it("are pictures as files are, in every way of reading them, and in lists", async (t) => {
    const folder = temporaryFolder(t);
    await synthesize({ count: 3, out: join(folder, "set"), seed: 5, size: 32, workers: 1 });
    const names = ["synth_0.jpg", "synth_1.jpg", "synth_2.jpg"];
    const files = names.map((name) => ({ name, data: readFileSync(join(folder, "set", name)) }));
    const file = join(folder, "set.ZIP");
    writeFileSync(file, zip(files.map((member, i) => ({ ...member, method: i === 0 ? 0 : 8 }))));
    writeFileSync(join(folder, "list.txt"), file);
    const paths = names.map((name) => JSON.stringify({ path: `${file}#${name}` }));
    writeFileSync(join(folder, "rejects.jsonl"), paths.join("\n"));
    const whole = await inspect({ inputs: join(folder, "set"), workers: 1 });
    for (const input of [file, `@${join(folder, "list.txt")}`, `@${join(folder, "rejects.jsonl")}`]) {
      const report = await inspect({ inputs: input, workers: 1 });
      const facts = ({ readable, bytes, sizes, encodings }: typeof report) => [
        [readable, bytes, sizes],
        encodings.map(({ encoding, tiles }) => [encoding, tiles]),
      ];
      assert.deepEqual(facts(report), facts(whole));
    }
  });
});

describe("a damaged zip", () => {
  it("is an error where nothing of it can be read, and gives what comes before the damage", async (t) => {
    const whole = zip(["a", "b", "c"].map((name) => ({ name: `${name}.jpg`, data: name })));
    const message = /Not one tile can be read.*the directory of the archive cannot be read after 0 members/;
    for (const bytes of [whole.subarray(0, whole.length - 30), Buffer.alloc(0), Buffer.alloc(100)]) {
      await assert.rejects(read(t, bytes), { name: "InputError", message });
    }
    await assert.rejects(read(t, zip([])), /No tiles in/);
    const directory = whole.lastIndexOf(Buffer.from("PK\x01\x02"));
    const cut = await read(t, Buffer.from(whole).fill(0, directory, directory + 4));
    assert.deepEqual(
      cut.tiles.map((tile) => tile.failure?.message.slice(0, 60) ?? textOf(tile)),
      ["a", "b", "the directory of the archive cannot be read after 2 members "],
    );
    const lost = await read(t, Buffer.from(whole).fill(0, 0, 4));
    assert.deepEqual(
      lost.tiles.map((tile) => tile.failure?.message.slice(0, 28) ?? textOf(tile)),
      ["the archive is damaged at it", "b", "c"],
    );
  });

  it("at random never ends the listing or the reading", async (t) => {
    const file = join(temporaryFolder(t), "set.zip");
    const random = createRandom(12);
    const whole = zip(
      ["a", "b", "c", "d"].map((name, i) => ({ name: `${name}.jpg`, data: name.repeat(50), zip64: i === 2 })),
    );
    for (let round = 0; round < 150; round++) {
      const bytes = Buffer.from(whole.subarray(0, whole.length - (round % 5 === 0 ? random.below(whole.length) : 0)));
      for (let i = random.below(6); i >= 0 && bytes.length > 0; i--)
        bytes[random.below(bytes.length)] = random.below(256);
      writeFileSync(file, bytes);
      const { tiles, ignored } = await collectTiles([file]).catch((error) => {
        assert.match(error.message, /^No(t one)? tiles? /);
        return { tiles: [] as Tile[], ignored: 0 };
      });
      assert.ok(tiles.length + ignored <= 5);
      for (const tile of tiles) if (tile.failure === undefined) textOf(tile);
    }
  });
});
