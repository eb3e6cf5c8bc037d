import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { DECODE_DEFAULTS, type DecodeOptions } from "../../src/decode/decoder.js";
import { DecodePool } from "../../src/decode/pool.js";
import { resizeRgb } from "../../src/decode/resize.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";
import { encode, gradient, largestDifference, writeTiles } from "../images.js";

const SIZE = 24;
const OPTIONS: DecodeOptions = { ...DECODE_DEFAULTS, size: SIZE };
const TILE_BYTES = SIZE * SIZE * 3;
const pool = new DecodePool({ workers: 2 });
after(() => pool.close());

async function decode(tiles: Tile[], options = OPTIONS) {
  const buffer = new SharedArrayBuffer(tiles.length * TILE_BYTES);
  const outcomes = (await pool.decode(tiles, { buffer, byteOffset: 0 }, options)) ?? tiles.map(() => undefined);
  const pixels = (i: number) => new Uint8Array(buffer).slice(i * TILE_BYTES, (i + 1) * TILE_BYTES);
  return { outcomes, pixels };
}

function expected(pixels: Buffer, size: number): Uint8Array {
  const target = new Uint8Array(TILE_BYTES);
  resizeRgb(pixels, size, size, target, SIZE, true);
  return target;
}

test("a PNG, a WebP and a TIFF named .jpg are read for what they are", async (t) => {
  const folder = temporaryFolder(t);
  const tiles: Tile[] = [];
  for (const format of ["png", "webp", "tiff"] as const) {
    tiles.push({ name: format, path: join(folder, `${format}.jpg`) });
    writeFileSync(tiles.at(-1)!.path, await encode(gradient(40, 3), 40, 3, format));
  }
  const { outcomes, pixels } = await decode(tiles);
  assert.deepEqual(outcomes, [undefined, undefined, undefined]);
  for (const i of tiles.keys()) assert.ok(largestDifference(pixels(i), expected(gradient(40, 3), 40)) <= 1);
});

test("a PNG and a JPEG of the same picture give the same pixels, within what JPEG loses", async (t) => {
  const folder = temporaryFolder(t);
  const gray = Buffer.alloc(40 * 40 * 3, 90);
  const tiles = ["png", "jpeg"].map((format) => ({ name: format, path: join(folder, format) }));
  for (const { name, path } of tiles) writeFileSync(path, await encode(gray, 40, 3, name as "png" | "jpeg"));
  const { outcomes, pixels } = await decode(tiles);
  assert.deepEqual(outcomes, [undefined, undefined]);
  assert.ok(largestDifference(pixels(0), pixels(1)) <= 1);
});

test("bad files among good ones become outcomes with a reason, and the good ones are decoded", async (t) => {
  const folder = temporaryFolder(t);
  const [good] = await writeTiles(folder, 1, 40);
  const jpeg = readFileSync(good.path);
  const make = (name: string, bytes: Buffer | string): Tile => {
    writeFileSync(join(folder, name), bytes);
    return { name, path: join(folder, name) };
  };
  mkdirSync(join(folder, "folder.jpg"));
  symlinkSync(join(folder, "nowhere"), join(folder, "link.jpg"));
  assert.equal(spawnSync("mkfifo", [join(folder, "pipe.jpg")]).status, 0);
  const huge = Buffer.from(jpeg);
  huge.writeUInt32BE(0xffdcffdc, huge.indexOf(Buffer.from([0xff, 0xc0])) + 5);
  const tiles: [Tile, string | undefined][] = [
    [good, undefined],
    [make("empty.jpg", ""), "EMPTY"],
    [make("text.jpg", "no picture at all"), "FORMAT"],
    [make("cut.jpg", jpeg.subarray(0, jpeg.length / 2)), "TRUNCATED"],
    [make("cut.png", (await encode(gradient(40, 3), 40, 3, "png")).subarray(0, 200)), "TRUNCATED"],
    [make("huge.jpg", huge), "LIMIT"],
    [{ name: "folder", path: join(folder, "folder.jpg") }, "READ"],
    [{ name: "link", path: join(folder, "link.jpg") }, "READ"],
    [{ name: "pipe", path: join(folder, "pipe.jpg") }, "READ"],
    [
      { name: "known", path: good.path, byteLength: 0, failure: { code: "CRASH", message: "It crashed before" } },
      "CRASH",
    ],
    [good, undefined],
  ];
  if (process.getuid?.() !== 0) {
    const secret = make("secret.jpg", jpeg);
    chmodSync(secret.path, 0);
    tiles.push([secret, "READ"]);
  }
  const { outcomes, pixels } = await decode(tiles.map(([tile]) => tile));
  assert.deepEqual(
    outcomes.map((outcome) => outcome?.code),
    tiles.map(([, code]) => code),
  );
  assert.ok(outcomes.every((outcome) => outcome === undefined || /^[A-Z].*\w/.test(outcome.message)));
  assert.deepEqual(pixels(0), pixels(10));
  assert.ok(pixels(0).some((value) => value !== 0));
});

test("what is no picture is named as what it is", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "page.jpg");
  writeFileSync(path, "<!DOCTYPE html><html>Sign in</html>");
  const { outcomes } = await decode([
    { name: "file", path },
    { name: "bytes", path: "", content: { bytes: readFileSync(path) } },
  ]);
  for (const outcome of outcomes) {
    assert.equal(outcome?.code, "FORMAT");
    assert.match(outcome.message, /an HTML page/);
  }
});

test("a member of an archive is read at its place, whatever its format", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "tiles.tar");
  const parts = [
    Buffer.alloc(512, 7),
    await encode(gradient(40, 3), 40, 3, "png"),
    Buffer.alloc(700, 1),
    await encode(gradient(40, 3), 40, 3, "jpeg"),
    Buffer.alloc(99, 2),
  ];
  writeFileSync(path, Buffer.concat(parts));
  const tile = (i: number): Tile => {
    const offset = parts.slice(0, i).reduce((sum, part) => sum + part.length, 0);
    return { name: `${i}`, path, offset, byteLength: parts[i].length, member: `${i}` };
  };
  const alone = { name: "alone", path: join(folder, "alone.jpg") };
  writeFileSync(alone.path, parts[3]);
  const { outcomes, pixels } = await decode([tile(1), tile(3), { ...tile(3), byteLength: 1e9 }, alone]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome?.code),
    [undefined, undefined, "TRUNCATED", undefined],
  );
  assert.ok(largestDifference(pixels(0), expected(gradient(40, 3), 40)) <= 1);
  assert.deepEqual(pixels(1), pixels(3));
});

test("misuse inside a worker becomes CRASH outcomes, and the pool goes on", async (t) => {
  const tiles = await writeTiles(temporaryFolder(t), 2, 40);
  const small = { buffer: new SharedArrayBuffer(10), byteOffset: 0 };
  const outcomes = await pool.decode(tiles, small, OPTIONS);
  assert.deepEqual(
    outcomes?.map((outcome) => outcome?.code),
    ["CRASH", "CRASH"],
  );
  assert.deepEqual((await decode(tiles)).outcomes, [undefined, undefined]);
});

test("a chunk that makes its worker fail harms none that waits behind it", async (t) => {
  const tiles = await writeTiles(temporaryFolder(t), 2, 40);
  const one = new DecodePool({ workers: 1 });
  t.after(() => one.close());
  const small = { buffer: new SharedArrayBuffer(10), byteOffset: 0 };
  const room = { buffer: new SharedArrayBuffer(2 * OPTIONS.size ** 2 * 3), byteOffset: 0 };
  const results = await Promise.all([small, room, small, room].map((target) => one.decode(tiles, target, OPTIONS)));
  assert.deepEqual(
    results.map((outcomes) => outcomes?.map((outcome) => outcome?.code)),
    [["CRASH", "CRASH"], undefined, ["CRASH", "CRASH"], undefined],
  );
});

test("without the addon the pixels are the same within one level, and it is said once", async (t) => {
  const folder = temporaryFolder(t);
  const tiles = await writeTiles(folder, 3, 40);
  const script = `
    const { DecodePool } = await import(${JSON.stringify(new URL("../../src/decode/pool.js", import.meta.url).href)});
    const warnings = [];
    const onWarning = (message) => warnings.push(message);
    const pool = new DecodePool({ workers: 1 }, { onWarning });
    const second = new DecodePool({ workers: 1 }, { onWarning });
    const buffer = new SharedArrayBuffer(${3 * TILE_BYTES});
    const outcomes = await pool.decode(${JSON.stringify(tiles)}, { buffer, byteOffset: 0 }, ${JSON.stringify(OPTIONS)});
    await pool.close();
    await second.close();
    console.log(JSON.stringify({ warnings, ok: outcomes === undefined, pixels: [...new Uint8Array(buffer)] }));`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...process.env, CANOPY_NO_ADDON: "1" },
    encoding: "utf8",
  });
  const result = JSON.parse(child.stdout);
  assert.equal(result.ok, true);
  assert.equal(result.warnings.length, 1);
  assert.match(result.warnings[0], /native decoder .*slower/);
  const { pixels } = await decode(tiles);
  for (const i of tiles.keys()) {
    const theirs = Uint8Array.from(result.pixels.slice(i * TILE_BYTES, (i + 1) * TILE_BYTES) as number[]);
    assert.ok(largestDifference(pixels(i), theirs) <= 1);
  }
});

test("a tile whose decoding would take more memory than it may is rejected, and its neighbours are not", async (t) => {
  const folder = temporaryFolder(t);
  const put = async (name: string, size: number, format: "png" | "jpeg", more = 0): Promise<Tile> => {
    const path = join(folder, name);
    writeFileSync(path, Buffer.concat([await encode(gradient(size, 3), size, 3, format), Buffer.alloc(more)]));
    return { name, path };
  };
  const tiles = [
    await put("small.jpg", 40, "jpeg"),
    await put("wide.jpg", 400, "jpeg"),
    await put("small.png", 40, "png"),
    await put("wide.png", 250, "png"),
    await put("heavy.jpg", 40, "jpeg", 200_000),
  ];
  const { outcomes } = await decode(tiles, { ...OPTIONS, maxBytes: 400_000 });
  assert.deepEqual(
    outcomes.map((outcome) => outcome?.code),
    [undefined, "LIMIT", undefined, "LIMIT", "LIMIT"],
  );
  assert.match(outcomes[4]!.message, /100000 bytes that the memory budget leaves/);
});
