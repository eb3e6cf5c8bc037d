/** Indexes of archives: tiles that can be read or have a reason, or one sentence; never bytes from elsewhere than the archive. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readTileBytes } from "../../../src/decode/bytes.js";
import { isFailure, placeOf } from "../../../src/decode/decoder.js";
import { CanopyError } from "../../../src/errors.js";
import { indexArchives } from "../../../src/operations/index-archives.js";
import { CompressedTiles, needsLoading } from "../../../src/tiles/compressed-tiles.js";
import { collectTiles } from "../../../src/tiles/sources.js";
import type { Tile } from "../../../src/tiles/tile.js";
import { END, member } from "../../tar.js";
import { zip } from "../../zip.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = ['["a.jpg",', '{"tiles":', '"ignored":', '"code":"READ"', "null,", "1e15", "9007199254740991", "\n["];

export async function indexArea(folder: string): Promise<Area> {
  const data = ["one", "a second one", ""].map((text) => Buffer.from(text));
  const lost = member({ name: "lost.jpg", type: "2", link: "nowhere.jpg" });
  const tar = Buffer.concat([...data.map((each, i) => member({ name: `${i}.jpg`, data: each })), lost, END]);
  const members = data.map((each, i) => ({ name: `${i}.jpg`, data: each, method: i === 0 ? 8 : 0 }));
  const archives = { "set.tar": tar, "set.tar.gz": gzipSync(tar), "set.zip": zip(members) };
  const paths = Object.keys(archives).map((name) => join(folder, name));
  for (const [i, bytes] of Object.values(archives).entries()) writeFileSync(paths[i], bytes);
  await indexArchives({ inputs: paths });
  const seeds = Object.keys(archives).map((name) => ({
    name,
    bytes: readFileSync(join(folder, `${name}.index.jsonl`)),
  }));
  return { seeds, words: WORDS, read: (file) => read(join(folder, file.name), file) };
}

async function read(archive: string, { bytes }: Seed): Promise<string> {
  writeFileSync(`${archive}.index.jsonl`, bytes);
  const loader = new CompressedTiles();
  try {
    const { tiles } = await collectTiles([archive]);
    const reasons = (await loader.load(tiles)).map((tile) => outcomeOf(tile, archive));
    return `${Math.min(reasons.length, 9)} ${JSON.stringify([...new Set(reasons)].sort())}`;
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    assert.ok(error.message.includes(archive), error.message);
    return kindOf(error.message);
  } finally {
    await loader.close();
  }
}

function outcomeOf(tile: Tile, archive: string): string {
  assert.equal(tile.path, archive);
  if (tile.failure !== undefined) return kindOf(tile.failure.message);
  assert.ok(!needsLoading(tile));
  const content = readTileBytes(placeOf(tile));
  return isFailure(content) ? kindOf(content.message) : "good";
}
