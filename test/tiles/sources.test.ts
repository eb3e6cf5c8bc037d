import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { InputError, InterruptedError } from "../../src/errors.js";
import { collectTiles, openTiles } from "../../src/tiles/sources.js";
import { type Tile, tileLocation } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";

function put(root: string, ...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), `bytes of ${path}`);
  }
}

const names = (tiles: Tile[]): string[] => tiles.map((tile) => tile.name);

/** What a decoder would read. */
function bytesOf(tile: Tile): string {
  const start = tile.offset ?? 0;
  return readFileSync(tile.path).toString("utf8", start, start + (tile.byteLength ?? Number.POSITIVE_INFINITY));
}

describe("folders", () => {
  it("lists tiles of any case below it in order, and counts other files", async (t) => {
    const root = temporaryFolder(t);
    put(root, "b.JPG", "a/z.png", "a/c/d.TIFF", "a10.webp", "a2.jpeg", "notes.txt", "a/labels.csv", "x.tif");
    const { tiles, ignored } = await collectTiles([root]);
    assert.deepEqual(names(tiles), ["d", "z", "a10", "a2", "b", "x"]);
    assert.equal(ignored, 2);
  });

  it("refuses text that is given as if it were a tile, and says how a list is given", async (t) => {
    const root = temporaryFolder(t);
    for (const name of ["list.csv", "list.TXT", "list.jsonl"]) {
      const list = join(root, name);
      put(root, "a.jpg", name);
      await assert.rejects(openTiles([list]), {
        name: "InputError",
        message: `${list} is text, and no tile. If it lists tiles, one path a line, give it as @${list}.`,
      });
      await openTiles([`@${list}`]);
    }
  });

  it("follows links, and does not go round in a loop of them", async (t) => {
    const root = temporaryFolder(t);
    put(root, "real/one.jpg");
    symlinkSync(join(root, "real/one.jpg"), join(root, "link.jpg"));
    symlinkSync(root, join(root, "real/loop"));
    symlinkSync("nowhere.jpg", join(root, "dangling.jpg"));
    assert.deepEqual(names((await collectTiles([root])).tiles), ["dangling", "link", "one"]);
  });

  it("walks a folder named like a tile, and hands it on as a bad tile where it holds none", async (t) => {
    const root = temporaryFolder(t);
    put(root, "full.jpg/inner.jpg");
    mkdirSync(join(root, "hollow.jpg"));
    const { tiles } = await collectTiles([root]);
    assert.deepEqual(names(tiles), ["inner", "hollow"]);
    assert.equal(tiles[1].failure?.code, "READ");
    assert.equal(tiles[1].byteLength, 0);
  });

  it("that go while they are listed are an error, and a sub-folder that goes alone is a bad tile", async (t) => {
    for (const all of [false, true]) {
      const root = temporaryFolder(t);
      put(root, "a/1.jpg", "b/2.jpg", "c/3.jpg");
      const { tiles } = await openTiles([root]);
      const rest: Tile[] = [];
      const list = async () => {
        for await (const tile of tiles) {
          if (rest.push(tile) > 1) continue;
          // As a mount point, the folder itself stays.
          for (const name of all ? ["a", "b", "c"] : ["b"]) rmSync(join(root, name), { recursive: true });
        }
      };
      if (all) await assert.rejects(list(), { name: "InputError", message: /The folder .* cannot be read: ENOENT/ });
      else await list();
      assert.deepEqual(names(rest), all ? ["1"] : ["1", "b", "3"]);
    }
  });

  it("says of names that are no UTF-8 that they are to be changed", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.jpg", "b\uFFFD.jpg");
    writeFileSync(Buffer.concat([Buffer.from(join(root, "c")), Buffer.from([0xff]), Buffer.from(".jpg")]), "");
    const odd = Buffer.concat([Buffer.from(join(root, "d")), Buffer.from([0xfe])]);
    mkdirSync(odd);
    writeFileSync(Buffer.concat([odd, Buffer.from("/e.jpg")]), "");
    const { tiles } = await collectTiles([root]);
    assert.deepEqual(names(tiles), ["a", "b\uFFFD", "c\uFFFD", "d\uFFFD"]);
    for (const [i, { failure }] of tiles.entries()) {
      assert.equal(failure?.message.startsWith("its name holds bytes that are no UTF-8"), i < 2 ? undefined : true);
    }
  });

  it("keeps the order over many names, packed in several runs", async (t) => {
    const { SortedNames } = await import("../../src/tiles/sorted-names.js");
    const count = 150_000;
    const shuffled = Array.from(
      { length: count },
      (_, i) => `tile_é_${((i * 7919) % count).toString().padStart(6, "0")}`,
    );
    const sorted = new SortedNames();
    for (const name of shuffled) sorted.add(name);
    assert.deepEqual([...sorted.take()], shuffled.sort());
    t.diagnostic(`${count} names`);
  });

  it("says of an empty folder what was looked for and how much was ignored", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.txt", "b.csv");
    await assert.rejects(collectTiles([root]), (error: Error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /No tiles in .*\.jpg .*2 other files were ignored\.$/);
      return true;
    });
  });
});

describe("archives", () => {
  for (const format of ["ustar", "pax", "gnu", "v7"]) {
    it(`reads members of a ${format} tar in place`, async (t) => {
      const root = temporaryFolder(t);
      const long = format === "pax" || format === "gnu" ? `${"deep/".repeat(40)}ünï.jpg` : "deep/uni.jpg";
      put(root, "in/0001.jpg", "in/0001.json", `in/${long}`, "in/sub/0002.PNG");
      execFileSync("tar", [`--format=${format}`, "--sort=name", "-cf", "set.tar", "in"], { cwd: root });
      const { tiles, ignored } = await collectTiles([join(root, "set.tar")]);
      assert.equal(ignored, 1);
      assert.deepEqual(
        tiles.map((tile) => tile.member).sort(),
        ["in/0001.jpg", `in/${long}`, "in/sub/0002.PNG"].sort(),
      );
      for (const tile of tiles) assert.equal(bytesOf(tile), `bytes of ${tile.member}`);
      assert.equal(tileLocation(tiles[0]), `${join(root, "set.tar")}#${tiles[0].member}`);
    });
  }

  it("gives the members before the damage; what is cut off or damaged is a bad tile", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.jpg", "b.jpg", "c.jpg");
    execFileSync("tar", ["--format=ustar", "-cf", "set.tar", "a.jpg", "b.jpg", "c.jpg"], { cwd: root });
    const whole = readFileSync(join(root, "set.tar"));
    writeFileSync(join(root, "cut.tar"), whole.subarray(0, 1024 + 512 + 3));
    const cut = await collectTiles([join(root, "cut.tar")]);
    assert.deepEqual(names(cut.tiles), ["a", "b"]);
    assert.match(cut.tiles[1].failure!.message, /ends inside the member b\.jpg/);
    whole.fill(0x55, 1024, 1100);
    writeFileSync(join(root, "scratched.tar"), whole);
    const scratched = await collectTiles([join(root, "scratched.tar")]);
    assert.match(scratched.tiles[1].failure!.message, /damaged at byte 1024/);
  });

  it("gives the members of archives put together with cat, and misses none where an end mark is lacking", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.jpg", "b.jpg");
    for (const name of ["a", "b"]) execFileSync("tar", ["-cf", `${name}.tar`, `${name}.jpg`], { cwd: root });
    const [first, second] = [readFileSync(join(root, "a.tar")), readFileSync(join(root, "b.tar"))];
    const both = join(root, "both.tar");
    writeFileSync(both, Buffer.concat([first, second]));
    const { tiles } = await collectTiles([both]);
    assert.deepEqual(tiles.map(bytesOf), ["bytes of a.jpg", "bytes of b.jpg"]);
    // What comes after an end mark and is no archive means nothing.
    writeFileSync(both, Buffer.concat([first, Buffer.alloc(512, 7)]));
    assert.deepEqual(names((await collectTiles([both])).tiles), ["a"]);
    // A pipe that breaks between two members leaves what looks whole but for its end.
    writeFileSync(both, Buffer.concat([first.subarray(0, 1024), second.subarray(0, 1024)]));
    const cut = (await collectTiles([both])).tiles;
    assert.deepEqual(names(cut), ["a", "b", "both"]);
    assert.match(cut[2].failure!.message, /no end mark: it may have been cut off at byte 2048/);
  });

  it("refuses a compressed archive with what to do", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.jpg");
    execFileSync("tar", ["-czf", "set.tar", "a.jpg"], { cwd: root });
    await assert.rejects(
      collectTiles([join(root, "set.tar")]),
      /compressed with gzip.*call it \.tar\.gz if it is a tar/,
    );
    for (const name of ["set.tar.xz", "set.tbz2"]) {
      writeFileSync(join(root, name), "");
      await assert.rejects(collectTiles([join(root, name)]), /is a compressed archive.*pipe it in/);
    }
  });
});

describe("what is packed in another way", () => {
  const names = ["set.7z", "set.rar", "set.tar.xz", "set.tlz", "a.jpg.gz", "set.iso"];
  for (const name of names) {
    it(`is refused by its name, ${name}, as an input and in lists`, async (t) => {
      const root = temporaryFolder(t);
      const file = join(root, name);
      writeFileSync(file, "");
      const refused = {
        name: "InputError",
        message: /(set|a\.jpg)\..* (archive|file), and its members cannot .*: (unpack it|make it a \.tar)/,
      };
      await assert.rejects(collectTiles([file]), refused);
      writeFileSync(join(root, "list.txt"), `${join(root, "a.jpg")}\n${file}\n`);
      await assert.rejects(collectTiles([`@${join(root, "list.txt")}`]), refused);
      writeFileSync(join(root, "list.jsonl"), JSON.stringify({ path: file }));
      await assert.rejects(collectTiles([`@${join(root, "list.jsonl")}`]), refused);
      await assert.rejects(collectTiles([root]), /among them archives, which are to be unpacked/);
    });
  }

  it("is refused by its first bytes where the name says nothing", async (t) => {
    const file = join(temporaryFolder(t), "tiles");
    for (const [head, message] of [
      ["504b0304", /tiles is a zip archive: call it \.zip/],
      ["377abcaf271c", /is a 7z archive, and .*: unpack it and name the folder/],
      ["526172211a0701", /is a RAR archive/],
      ["1f8b08", /compressed with gzip/],
    ] as const) {
      writeFileSync(file, Buffer.from(`${head}0000000000000000`, "hex"));
      await assert.rejects(collectTiles([file]), { name: "InputError", message });
    }
    writeFileSync(file, "something else");
    assert.deepEqual((await collectTiles([file])).tiles.length, 1);
  });
});

describe("lists and standard input", () => {
  it("reads @list with CRLF, byte-order mark, empty lines and archives in it", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.jpg", "b.jpg");
    execFileSync("tar", ["-cf", "set.tar", "b.jpg"], { cwd: root });
    const lines = [join(root, "a.jpg"), "", join(root, "set.tar"), "gone/x.jpg", "gone/y.tar"];
    writeFileSync(join(root, "list.txt"), `\uFEFF${lines.join("\r\n")}\r\n`);
    const { tiles } = await collectTiles([`@${join(root, "list.txt")}`]);
    assert.deepEqual(names(tiles), ["a", "b", "x", "y"]);
    assert.equal(tiles[0].path, join(root, "a.jpg"));
    assert.match(tiles[3].failure!.message, /archive cannot be read \(ENOENT\)/);
  });

  it("gives each archive of a list to one shard, whatever the list's first bytes, also one that is there twice", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.jpg", "b.jpg");
    for (const name of ["a", "b"]) execFileSync("tar", ["-cf", `${name}.tar`, `${name}.jpg`], { cwd: root });
    const lines = ["a.tar", "b.tar", "b.tar"].map((name) => join(root, name));
    writeFileSync(join(root, "list.txt"), `\uFEFF${lines.join("\n")}\n`);
    const shards = await Promise.all(
      [1, 2].map((index) => collectTiles([`@${join(root, "list.txt")}`], { shard: { index, count: 2 } })),
    );
    assert.deepEqual(
      shards.map(({ tiles }) => names(tiles)),
      [["a"], ["b", "b"]],
    );
  });

  it("refuses a list that is no text in UTF-8, or has zeros between its paths", async (t) => {
    const file = join(temporaryFolder(t), "list.txt");
    for (const content of [Buffer.from("a.jpg\0b.jpg\0"), Buffer.from("\uFEFFa.jpg\r\nb.jpg\r\n", "utf16le")]) {
      writeFileSync(file, content);
      await assert.rejects(collectTiles([`@${file}`]), { name: "InputError", message: /zero.*save it as UTF-8/ });
    }
  });

  it("refuses addresses that differ in secrets alone, and hides secrets in lists of every kind", async (t) => {
    const root = temporaryFolder(t);
    const [one, two] = [1, 2].map((key) => `https://h.invalid/get.jpg?id=7&key=${key}`);
    const [text, records] = [join(root, "list.txt"), join(root, "list.jsonl")];
    const put = (...addresses: string[]) => {
      writeFileSync(text, addresses.join("\n"));
      writeFileSync(records, addresses.map((path) => JSON.stringify({ path })).join("\n"));
    };
    put(one, `${one}#again`);
    for (const list of [`@${text}`, `@${records}`]) {
      const { tiles } = await collectTiles([one, list]);
      assert.deepEqual(
        tiles.map(({ path }) => path),
        Array(3).fill("https://h.invalid/get.jpg?id=7"),
      );
      await assert.rejects(collectTiles([two, list]), { name: "InputError", message: /differ in .* secrets alone/ });
    }
    put(one, two);
    for (const input of [[`@${text}`], [`@${records}`], [one, two]])
      await assert.rejects(collectTiles(input), { name: "InputError", message: /get\.jpg\?id=7 differ in/ });
  });

  it("reads a rejects file by its paths: files, archives, members of archives, and folders", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.jpg", "sub/b.jpg", "sub/c.jpg", "sub/d.jpg");
    execFileSync("tar", ["--sort=name", "-cf", "set.tar", "sub"], { cwd: root });
    const at = (path: string): string => join(root, path);
    const paths = [at("a.jpg"), at("set.tar#sub/d.jpg"), at("set.tar#sub/b.jpg"), at("set.tar#sub/z.jpg")];
    const more = [at("sub"), at("none.tar#x.jpg"), at("set.tar"), at("hollow"), "-#in/y.jpg"];
    const file = at("out.csv.rejects.jsonl");
    writeFileSync(file, [...paths, ...more].map((path) => `${JSON.stringify({ path, code: "READ" })}\n`).join(""));
    const { tiles } = await collectTiles([`@${file}`]);
    assert.deepEqual(names(tiles), ["a", "b", "d", "z", "b", "c", "d", "x", "b", "c", "d", "hollow", "y"]);
    assert.equal(bytesOf(tiles[2]), "bytes of sub/d.jpg");
    assert.match(tiles[3].failure!.message, /has no such member any more/);
    assert.equal(tileLocation(tiles[3]), at("set.tar#sub/z.jpg"));
    assert.match(tiles[7].failure!.message, /archive cannot be read \(ENOENT\)/);
    assert.match(tiles[12].failure!.message, /standard input/);
    writeFileSync(file, `${JSON.stringify({ path: at("a.jpg") })}\nin/b.jpg\n`);
    await assert.rejects(collectTiles([`@${file}`]), /Line 2 of .*rejects\.jsonl names no tile/);
  });

  it("takes paths or a tar from standard input, and can list them twice", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.jpg", "b.jpg");
    const tar = execFileSync("tar", ["-c", "a.jpg", "b.jpg"], { cwd: root });
    for (const input of [tar, Buffer.from(`${join(root, "a.jpg")}\n${join(root, "b.jpg")}\n`)]) {
      const stdin = Readable.from([input]);
      const opened = await openTiles(["-"], { stdin });
      for (let round = 0; round < 2; round++) {
        const tiles: Tile[] = [];
        for await (const tile of opened.list()) tiles.push(tile);
        assert.deepEqual(tiles.map(bytesOf), ["bytes of a.jpg", "bytes of b.jpg"]);
      }
      await opened.close();
      await assert.rejects(openTiles(["-"], { stdin }), { name: "InputError", message: /read to its end/ });
    }
  });

  it("refuses a compressed or foreign standard input as soon as it begins, and an empty archive as one without tiles", async (t) => {
    const root = temporaryFolder(t);
    const endless = (head: Buffer) => {
      const stream = new Readable({ read: () => void stream.push(Buffer.alloc(1024, 88)) });
      stream.push(head);
      return stream;
    };
    const open = (stdin: Readable) => openTiles(["-"], { stdin, spoolFolder: root });
    for (const [head, message] of [
      [Buffer.from("1f8b08", "hex"), /compressed with gzip: pipe in what `gzip -dc` makes of it/],
      [Buffer.from("28b52ffd", "hex"), /compressed with zstd/],
      [Buffer.from("ff00ff", "hex"), /neither a tar archive nor a list of paths/],
    ] as const) {
      await assert.rejects(open(endless(head)), { name: "InputError", message });
    }
    assert.deepEqual(readdirSync(root), []);
    const { list } = await open(Readable.from([Buffer.alloc(17 << 20, "a")]));
    await assert.rejects(list()[Symbol.asyncIterator]().next(), /^FormatError: Standard input has a line of more than/);
    const { tiles } = await open(Readable.from([Buffer.alloc(10_240)]));
    await assert.rejects(tiles[Symbol.asyncIterator]().next(), /No tiles in standard input/);
  });

  it("keeps one copy of an archive: the same again is written over it, and nothing stands for it", async (t) => {
    const root = temporaryFolder(t);
    put(root, "a.jpg", "b.jpg");
    const tar = execFileSync("tar", ["-c", "a.jpg", "b.jpg"], { cwd: root });
    const spoolFolder = join(root, "run");
    const hashes: (string | undefined)[] = [];
    for (const bytes of [[tar], [tar], [], [tar.subarray(0, 1024), Buffer.alloc(1024)]]) {
      const copies = new Set<string>();
      const onBytes = () => {
        for (const name of readdirSync(spoolFolder)) copies.add(name);
      };
      const opened = await openTiles(["-"], { stdin: Readable.from(bytes), spoolFolder, onBytes });
      assert.ok(copies.size <= 1, [...copies].join());
      assert.deepEqual(readdirSync(spoolFolder), ["stdin.tar"]);
      hashes.push(opened.stdinSha256);
    }
    assert.equal(hashes[0], createHash("sha256").update(tar).digest("hex"));
    assert.deepEqual(hashes.slice(1, 3), [hashes[0], hashes[0]]);
    assert.equal(statSync(join(spoolFolder, "stdin.tar")).size, 2048);
  });

  it("stops waiting for a silent standard input on abort, and leaves nothing behind", async (t) => {
    const root = temporaryFolder(t);
    const controller = new AbortController();
    const silent = new Readable({ read: () => {} });
    silent.push("some bytes");
    setTimeout(() => controller.abort(), 50);
    const options = { stdin: silent, spoolFolder: root, signal: controller.signal };
    await assert.rejects(openTiles(["-"], options), InterruptedError);
    assert.deepEqual(readdirSync(root), []);
  });
});

describe("inputs that cannot be", () => {
  it("names a missing input, a missing list and no input at all", async () => {
    await assert.rejects(openTiles(["no/such"]), { name: "InputError", message: "The input no/such does not exist." });
    await assert.rejects(openTiles(["@no/list"]), { name: "InputError", message: "The list no/list does not exist." });
    await assert.rejects(openTiles([]), InputError);
    await assert.rejects(openTiles(["-", "-"]), InputError);
    await assert.rejects(openTiles(["@-"]), { name: "InputError", message: /is given as -, without the @/ });
  });

  it("takes a link that leads nowhere for a bad tile, not a bad command", async (t) => {
    const root = temporaryFolder(t);
    symlinkSync("nowhere", join(root, "x.jpg"));
    assert.deepEqual(names((await collectTiles([join(root, "x.jpg")])).tiles), ["x"]);
  });
});

it("one input needs no list, and what is neither a path nor a list of paths is refused", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "a.jpg"), "");
  const names = async (opened: Awaited<ReturnType<typeof openTiles>>) => {
    const found: string[] = [];
    for await (const { name } of opened.tiles) found.push(name);
    return found;
  };
  assert.deepEqual(await names(await openTiles(folder)), ["a"]);
  for (const wrong of [7, undefined, [7], { path: folder }]) {
    await assert.rejects(openTiles(wrong as unknown as string), { name: "OptionError", message: /a list of paths/ });
  }
});
