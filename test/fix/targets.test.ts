import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { foldsNames } from "../../src/files/folds-names.js";
import { planTargets } from "../../src/fix/targets.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";

function member(name: string): Tile {
  return { name: "x", path: "/data/a.tar", offset: 0, byteLength: 1, member: name };
}

test("archive members cannot leave the output folder", () => {
  const jobs = planTargets(
    [member("../../etc/x.jpg"), member("/abs/y.jpg"), member("a/../../z.png")],
    ["/data/a.tar"],
    "out",
    "png",
  );
  assert.deepEqual(
    jobs.map(({ target }) => target),
    ["x.png", "y.png", "z.png"].map((name) => resolve("out", name)),
  );
});

test("tiles below a folder keep their place, tiles of lists only their names", () => {
  const tiles: Tile[] = [
    { name: "a", path: "set/sub/a.jpeg" },
    { name: "b", path: "/else/where/b.tif" },
  ];
  const jobs = planTargets(tiles, ["set", "@list.txt"], "out", "jpg");
  assert.deepEqual(
    jobs.map(({ target }) => target),
    [resolve("out/sub/a.jpg"), resolve("out/b.jpg")],
  );
});

test("tiles on servers keep their place below a prefix, else their names, whatever their queries hold", () => {
  const tiles = ["s3://b/in/sub/a.jpg", "s3://b/in/../../c.jpg", "https://h.net/d.jpg?of=e/f.jpg"].map((path) => ({
    name: "x",
    path,
  }));
  assert.deepEqual(
    planTargets(tiles, ["s3://b/in/"], "out", "png").map(({ target }) => target),
    ["sub/a.png", "c.png", "d.png"].map((name) => resolve("out", name)),
  );
});

test("names that differ in case or Unicode form alone are one file where the folder says so", async (t) => {
  const tiles = ["A.jpg", "a.tif", "e\u0301.jpg", "\u00e9.png"].map((name) => member(name));
  const refusedOf = (folds: boolean) =>
    planTargets(tiles, ["/data/a.tar"], "out", "png", folds).map(({ target }) => typeof target !== "string");
  assert.deepEqual(refusedOf(false), [false, false, false, false]);
  assert.deepEqual(refusedOf(true), [false, true, false, true]);
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "x"), "");
  assert.equal(await foldsNames(folder), existsSync(join(folder, "X")));
  assert.deepEqual(readdirSync(folder), ["x"]);
});
