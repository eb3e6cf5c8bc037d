import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addRow, createCollector, finishTable } from "../../src/labels/collect.js";
import { jsonFacts } from "../../src/labels/json-file.js";
import { labelledTest, matchTiles } from "../../src/labels/match.js";
import { toPath, toTileName } from "../../src/labels/names.js";
import type { LabelTable } from "../../src/labels/table.js";
import { tileName } from "../../src/tiles/names.js";
import type { Tile } from "../../src/tiles/tile.js";

/** A table of `names`; tags are given behind two colons. */
function table(...names: string[]): LabelTable {
  return tableOf(names);
}

function tableOf(names: readonly string[]): LabelTable {
  const collector = createCollector("l.csv", { ...jsonFacts("csv", "line", "image", "tags") });
  names.forEach((each, i) => {
    const [name, tags = "a"] = each.split("::");
    addRow(collector, name, tags.split(" "), i + 2);
  });
  return finishTable(collector);
}

function tile(path: string, member?: string): Tile {
  return { name: tileName(member ?? path), path, ...(member !== undefined && { member }) };
}

async function pairs(labels: LabelTable, tiles: Tile[]): Promise<string[]> {
  const matched = await matchTiles(labels, tiles);
  return matched.tiles.map(({ path, member }, i) => `${matched.rows[i].path} -> ${member ?? path}`);
}

describe("matchTiles", () => {
  it("pairs by name in the order of the labels, and tells what is left over on both sides", async () => {
    const matched = await matchTiles(
      table("x", "y", "z"),
      ["w", "z", "x"].map((name) => tile(`tiles/${name}.jpg`)),
    );
    assert.deepEqual(
      matched.tiles.map(({ name }) => name),
      ["x", "z"],
    );
    assert.deepEqual(matched.labelsWithoutTiles, ["y"]);
    assert.deepEqual(
      matched.tilesWithoutLabels.map(({ name }) => name),
      ["w"],
    );
  });

  it("refuses no tiles, no match, and a label that may mean either of two tiles", async () => {
    await assert.rejects(matchTiles(table("x"), []), /There are no tiles/);
    await assert.rejects(matchTiles(table("x"), [tile("q.jpg")]), /No tile is labelled in l\.csv.*x.*q/);
    const two = [tile("tiles/x.jpg"), tile("more/x.jpg")];
    await assert.rejects(matchTiles(table("x"), two), /l\.csv, line 2.*tiles\/x\.jpg and more\/x\.jpg/);
    await assert.rejects(matchTiles(table("a/x"), [tile("1/a/x.jpg"), tile("2/a/x.jpg")]), /Two tiles are called a\/x/);
  });

  it("takes names in any spelling: extensions, paths, addresses, buckets, composed and decomposed", async () => {
    const spelled = ["t", "t.jpg", "t.tif", "train/t.jpg", "/data/x/t.png", "C:\\x\\t.jpg", "s3://bucket/k/t.jpg"];
    const addresses = ["bucket/t.jpg", "https://h.net/a/t.jpg?sig=%2F1.2", "/data/upload/3/0a1b2c3d-t.jpg", "./t.jpg"];
    for (const name of [...spelled, ...addresses, "/data/local-files/?d=in/t.jpg"]) {
      assert.deepEqual(await pairs(table(name), [tile("in/t.jpg")]), [`${toPath(name)} -> in/t.jpg`]);
    }
    for (const [label, file] of [
      ["Sa\u0303o.jpg", "S\u00e3o.jpg"],
      ["S\u00e3o", "Sa\u0303o.jpg"],
    ] as const) {
      assert.equal((await pairs(table(label), [tile(file)])).length, 1);
    }
  });

  it("tells tiles of one name apart by folders, of archives too, and by extensions", async () => {
    const tiles = [tile("set/a/1.png"), tile("set/b/1.png"), tile("x.tar", "c/1.png"), tile("set/b/2.png")];
    assert.deepEqual(await pairs(table("b/1.png::b", "a/1.png", "c/1::c", "2.png"), tiles), [
      "b/1.png -> set/b/1.png",
      "a/1.png -> set/a/1.png",
      "c/1 -> c/1.png",
      "2.png -> set/b/2.png",
    ]);
    assert.deepEqual(await pairs(table("1.jpg"), [tile("s/1.png"), tile("s/1.jpg")]), ["1.jpg -> s/1.jpg"]);
    const left = await matchTiles(table("a/1", "z/1::z"), [tile("s/a/1.png"), tile("s/b/1.png")]);
    assert.deepEqual(left.labelsWithoutTiles, ["z/1"]);
  });

  it("takes the label whose folders fit where several could label a tile, and refuses two that fit alike", async () => {
    const labels = table("a/1", "b/1::b");
    assert.deepEqual(await pairs(labels, [tile("set/b/1.png")]), ["b/1 -> set/b/1.png"]);
    await assert.rejects(pairs(labels, [tile("flat/1.png")]), /l\.csv, lines 2 and 3: a\/1 and b\/1 both label/);
  });

  it("is quick where all tiles of a large set have the same name", async () => {
    // More than a call may have arguments.
    const names = Array.from({ length: 150_000 }, (_, i) => `patch${i}/B02.tif`);
    const found = await pairs(
      tableOf(names),
      names.map((name) => tile(`set/${name}`)),
    );
    assert.equal(found[149_999], "patch149999/B02.tif -> set/patch149999/B02.tif");
  });
});

describe("labelledTest", () => {
  it("knows a labelled tile by name, and by folder where several labels share it", () => {
    const isLabelled = labelledTest(table("x", "a/1", "b/1"));
    assert.deepEqual(
      ["s/x.jpg", "s/a/1.png", "s/c/1.png", "s/y.jpg"].map((path) => isLabelled(tile(path))),
      [true, true, false, false],
    );
  });
});

it("names lose folders and the extensions of pictures, and nothing else", () => {
  assert.deepEqual(["a/b/t_1.JPEG", "t.v2.tif", "t.v2", "a.bmp"].map(toTileName), ["t_1", "t.v2", "t.v2", "a"]);
  for (const [spelled, path] of [
    ["/data/local-files/?d=in/train_7.jpg", "in/train_7.jpg"],
    ["https://host/a%20b.png?token=1.2", "host/a b.png"],
    ["/data/upload/1/12345678-12345678-x.jpg", "data/upload/1/12345678-x.jpg"],
    ["12345678-x.jpg", "12345678-x.jpg"],
    ["tiles/100%.jpg", "tiles/100%.jpg"],
    ["gs://b/50%25 #1?.jpg", "b/50%25 #1?.jpg"],
  ] as const) {
    assert.equal(toPath(spelled), path);
  }
});
