/** Tars and zips: tiles that lie in the file, rejects with a reason, or one sentence. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { readTileBytes } from "../../../src/decode/bytes.js";
import { isFailure, placeOf } from "../../../src/decode/decoder.js";
import { CanopyError } from "../../../src/errors.js";
import { collectTiles } from "../../../src/tiles/sources.js";
import type { Tile } from "../../../src/tiles/tile.js";
import { zip } from "../../zip.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = [
  "ustar\0" + "00",
  "ustar  \0",
  "0000644\0",
  "00000000000",
  "PK\x03\x04",
  "PK\x01\x02",
  "PK\x05\x06",
  "a.jpg",
];

export async function archiveArea(folder: string): Promise<Area> {
  return { seeds: await seeds(), words: WORDS, read: (file) => read(join(folder, file.name), file) };
}

async function seeds(): Promise<Seed[]> {
  const members = ["a.jpg", "in/b.png", `${"long/".repeat(40)}c.jpg`, "d\u00e9.jpg", "notes.txt"];
  const tar = pack();
  for (const [i, name] of members.entries()) tar.entry({ name }, "x".repeat(i * 300));
  tar.entry({ name: "link.jpg", type: "symlink", linkname: "a.jpg" });
  tar.entry({ name: "hard.jpg", type: "link", linkname: "in/b.png" });
  tar.entry({ name: "in", type: "directory" });
  tar.finalize();
  const data = (i: number) => "y".repeat(i * 100);
  return [
    { name: "set.tar", bytes: await buffer(tar) },
    { name: "set.zip", bytes: zip(members.map((name, i) => ({ name, data: data(i), method: i % 2 === 0 ? 8 : 0 }))) },
    { name: "set.zip", bytes: zip(members.map((name, i) => ({ name, data: data(i), zip64: true }))) },
  ];
}

async function read(path: string, { bytes }: Seed): Promise<string> {
  writeFileSync(path, bytes);
  try {
    const { tiles } = await collectTiles([path]);
    for (const tile of tiles) checkTile(tile, path, bytes.length);
    const reasons = tiles.map(({ failure }) => (failure === undefined ? "good" : kindOf(failure.message)));
    return JSON.stringify([...new Set(reasons)].sort());
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    assert.ok(error.message.includes(path), error.message);
    return kindOf(error.message);
  }
}

function checkTile(tile: Tile, path: string, length: number): void {
  assert.equal(tile.path, path);
  if (tile.failure !== undefined) return;
  const { offset = -1, byteLength = -1, inflatedLength } = tile;
  assert.ok(offset >= 0 && byteLength >= 0 && offset + byteLength <= length, JSON.stringify(tile));
  const content = readTileBytes(placeOf(tile));
  if (!isFailure(content)) assert.equal(content.length, inflatedLength ?? byteLength);
}
