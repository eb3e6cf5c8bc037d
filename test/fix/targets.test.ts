import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { planTargets } from "../../src/fix/targets.js";
import type { Tile } from "../../src/tiles/tile.js";

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
