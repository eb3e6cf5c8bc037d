import assert from "node:assert/strict";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { KEY_BYTES } from "../../src/features/segment.js";
import { isUnkeyed, tileKeys } from "../../src/features/tile-key.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";

const keyOf = async (tile: Tile) => Buffer.from(await tileKeys([tile])).toString("hex");

test("the key of a tile changes with its file, its place in that, and the file's size and time", async (t) => {
  const folder = temporaryFolder(t);
  const [path, other] = [join(folder, "a.tar"), join(folder, "b.tar")];
  for (const each of [path, other]) writeFileSync(each, "0123456789");
  for (const each of [path, other]) utimesSync(each, 5, 5);
  const tile = { name: "a", path, member: "a.jpg", offset: 2, byteLength: 3 };
  const keys = [await keyOf(tile)];
  assert.equal(await keyOf({ ...tile, name: "another name" }), keys[0]);
  for (const change of [{ path: other }, { member: "b.jpg" }, { offset: 5 }, { byteLength: 4 }]) {
    keys.push(await keyOf({ ...tile, ...change }));
  }
  utimesSync(path, 6, 6);
  keys.push(await keyOf(tile));
  writeFileSync(path, "01234567890");
  utimesSync(path, 5, 5);
  keys.push(await keyOf(tile));
  assert.equal(new Set(keys).size, 7);
});

test("tiles without a file that can be looked up have no key", async () => {
  const missing = { name: "a", path: "/no/such/file.jpg" };
  const remote = { name: "b", path: "https://127.0.0.1:9/b.jpg" };
  const bad = { name: "c", path: "package.json", failure: { code: "READ" as const, message: "bad" } };
  const good = { name: "d", path: "package.json" };
  const keys = await tileKeys([missing, remote, bad, good]);
  const isBare = [0, 1, 2, 3].map((i) => isUnkeyed(keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES)));
  assert.deepEqual(isBare, [true, true, true, false]);
});
