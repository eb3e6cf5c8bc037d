import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { FormatError } from "../../src/errors.js";
import { openTiles } from "../../src/tiles/sources.js";
import type { Tile } from "../../src/tiles/tile.js";
import { addSeenTiles, countSeenTiles, encodeSeenTiles, SEEN_TILES_FILE } from "../../src/training/seen-tiles.js";
import { suiteFolder } from "../helpers.js";
import { serve } from "../remote/server.js";

const folder = suiteFolder();
const tiles = join(folder, "tiles");

async function tilesIn(...inputs: string[]): Promise<Tile[]> {
  const found: Tile[] = [];
  for await (const tile of (await openTiles(inputs)).tiles) found.push(tile);
  return found;
}

before(async () => {
  mkdirSync(tiles);
  // Two of the same size, and one that is larger than what is read of it.
  for (let i = 0; i < 6; i++) writeFileSync(join(tiles, `t${i}.jpg`), Buffer.alloc(i < 2 ? 300 : 3000 * i, i + 1));
  writeFileSync(join(folder, SEEN_TILES_FILE), await encodeSeenTiles((await tilesIn(tiles)).slice(0, 4)));
});

test("tiles of the training are recognised under other names and in archives, and no others", async () => {
  assert.equal(await countSeenTiles(join(folder, SEEN_TILES_FILE), await tilesIn(tiles)), 4);
  const renamed = join(folder, "renamed");
  cpSync(tiles, renamed, { recursive: true });
  for (const name of readdirSync(renamed)) renameSync(join(renamed, name), join(renamed, `x-${name}`));
  assert.equal(await countSeenTiles(join(folder, SEEN_TILES_FILE), await tilesIn(renamed)), 4);
  const tar = join(folder, "tiles.tar");
  assert.equal(spawnSync("tar", ["cf", tar, "-C", tiles, "."]).status, 0);
  assert.equal(await countSeenTiles(join(folder, SEEN_TILES_FILE), await tilesIn(tar)), 4);
  writeFileSync(join(renamed, "x-t0.jpg"), Buffer.alloc(300, 99));
  assert.equal(await countSeenTiles(join(folder, SEEN_TILES_FILE), await tilesIn(renamed)), 3);
});

test("tiles of a server are recognised, alone and in an archive there", async (t) => {
  const tar = join(folder, "served.tar");
  assert.equal(spawnSync("tar", ["cf", tar, "-C", tiles, "."]).status, 0);
  const names = readdirSync(tiles);
  const files = Object.fromEntries(names.map((name) => [`/${name}`, readFileSync(join(tiles, name))]));
  const { url } = await serve(t, { ...files, "/set.tar": readFileSync(tar) });
  const local = join(folder, SEEN_TILES_FILE);
  assert.equal(await countSeenTiles(local, await tilesIn(...names.map((name) => `${url}/${name}`))), 4);
  assert.equal(await countSeenTiles(local, await tilesIn(`${url}/set.tar`)), 4);
});

test("of very many tiles a part is remembered, and the count is an estimate", async () => {
  const many = join(folder, "many");
  mkdirSync(many);
  for (let i = 0; i < 200; i++) writeFileSync(join(many, `t${i}.jpg`), Buffer.alloc(500 + i, i));
  const content = await encodeSeenTiles(await tilesIn(many), 50);
  assert.equal(content.length, 8 * (1 + 50));
  writeFileSync(join(many, SEEN_TILES_FILE), content);
  assert.equal(await countSeenTiles(join(many, SEEN_TILES_FILE), await tilesIn(many)), 200);
});

test("more tiles are remembered than a call may have arguments", async () => {
  const pictures = Array.from({ length: 150_000 }, (_, i): Tile => {
    return { name: String(i), path: "", content: { bytes: Buffer.from(String(i)) } };
  });
  const large = join(folder, "large");
  mkdirSync(large);
  writeFileSync(join(large, SEEN_TILES_FILE), await encodeSeenTiles(pictures));
  assert.equal(await countSeenTiles(join(large, SEEN_TILES_FILE), pictures.slice(-1000)), 1000);
});

test("a model that learns more tiles after its training remembers both", async () => {
  const more = join(folder, "more");
  mkdirSync(more);
  const all = await tilesIn(tiles);
  writeFileSync(
    join(more, SEEN_TILES_FILE),
    (await addSeenTiles(join(folder, SEEN_TILES_FILE), all.slice(3, 5))) as Uint8Array,
  );
  assert.equal(await countSeenTiles(join(more, SEEN_TILES_FILE), all), 5);
  assert.equal(await addSeenTiles(join(tiles, SEEN_TILES_FILE), all), undefined);
});

test("a model that does not say is no model of none, and a damaged list is told", async () => {
  assert.equal(await countSeenTiles(join(tiles, SEEN_TILES_FILE), await tilesIn(tiles)), null);
  const damaged = join(folder, "damaged");
  mkdirSync(damaged);
  writeFileSync(join(damaged, SEEN_TILES_FILE), "damaged");
  await assert.rejects(countSeenTiles(join(damaged, SEEN_TILES_FILE), []), FormatError);
});
