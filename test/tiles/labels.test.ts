import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FormatError, InputError } from "../../src/errors.js";
import { selectLabels, tagSupport, toLabelMatrix } from "../../src/tiles/label-matrix.js";
import { readLabels, toTileName } from "../../src/tiles/labels.js";
import { matchTiles } from "../../src/tiles/match.js";
import { createTagSet, tagSetOf } from "../../src/tiles/tag-set.js";
import type { Tile } from "../../src/tiles/tile.js";
import { temporaryFolder } from "../helpers.js";

type Context = { after(fn: () => void): void };

function csv(t: Context, text: string): string {
  const path = join(temporaryFolder(t), "labels.csv");
  writeFileSync(path, text);
  return path;
}

function tile(name: string, folder = "tiles"): Tile {
  return { name, path: `${folder}/${name}.jpg` };
}

describe("readLabels", () => {
  it("reads names with and without extension, quoted fields, CRLF and a byte-order mark", async (t) => {
    const path = csv(t, '\uFEFFimage_name,tags\r\ntrain_7,haze primary\r\n"a/train_8.jpg","clear  primary"\r\n\r\n');
    const { rows } = await readLabels(path);
    assert.deepEqual(rows, [
      { name: "train_7", tags: ["haze", "primary"], line: 2 },
      { name: "train_8", tags: ["clear", "primary"], line: 3 },
    ]);
  });

  it("takes columns by name", async (t) => {
    const path = csv(t, "id,split,labels,file\n1,train,a b,x.png\n");
    const { rows } = await readLabels(path, { nameColumn: "file", tagsColumn: "labels" });
    assert.deepEqual(rows, [{ name: "x", tags: ["a", "b"], line: 2 }]);
  });

  it("takes a row without tags where it is allowed to", async (t) => {
    const { rows } = await readLabels(csv(t, "image_name,tags\nx,\n"), { allowUntagged: true });
    assert.deepEqual(rows[0].tags, []);
  });

  const failures: [string, string, RegExp, typeof InputError | typeof FormatError][] = [
    ["a single column", "image_name\nx\n", /single column "image_name"/, InputError],
    ["no rows", "image_name,tags\n", /holds no labels/, InputError],
    ["an empty file", "", /holds no labels/, InputError],
    ["a row without tags", "image_name,tags\nx,a\ny,\n", /line 3: tile y has no tags/, FormatError],
    ["a row without a name", "image_name,tags\n,a\n", /line 2: no tile name/, FormatError],
    ["a name twice", "image_name,tags\nx,a\ny,b\nx.jpg,c\n", /line 4: tile x is already.* line 2/, FormatError],
    ["an open quote", 'image_name,tags\n"x,a\n', /line \d+: not CSV/, FormatError],
  ];
  for (const [what, text, message, kind] of failures) {
    it(`says what is wrong with ${what}, and where`, async (t) => {
      const path = csv(t, text);
      await assert.rejects(readLabels(path), (error) => {
        return error instanceof kind && message.test(error.message) && error.message.includes(path);
      });
    });
  }

  it("names the columns there are where the one asked for is not", async (t) => {
    const path = csv(t, "image_name,tags\nx,a\n");
    await assert.rejects(readLabels(path, { tagsColumn: "label" }), /no column "label".*image_name, tags/);
  });

  it("says that a file is not there", async () => {
    await assert.rejects(readLabels("/no/such.csv"), (error) => {
      return error instanceof InputError && /no label file \/no\/such\.csv/.test(error.message);
    });
  });

  it("strips folders and image extensions from names, and nothing else", () => {
    assert.deepEqual(["a/b/t_1.JPEG", "t.v2.tif", "t.v2"].map(toTileName), ["t_1", "t.v2", "t.v2"]);
  });
});

describe("toLabelMatrix", () => {
  const rows = [
    { name: "x", tags: ["b", "a"], line: 2 },
    { name: "y", tags: ["c"], line: 3 },
  ];

  it("puts tags in sorted columns", () => {
    const labels = toLabelMatrix(rows, tagSetOf({ path: "l.csv", rows }));
    assert.deepEqual(labels, { data: Uint8Array.of(1, 1, 0, 0, 0, 1), rows: 2, tags: ["a", "b", "c"] });
    assert.deepEqual([...tagSupport(labels)], [1, 1, 1]);
    assert.deepEqual([...selectLabels(labels, [1]).data], [0, 0, 1]);
  });

  it("refuses a tag outside the set, unless told to leave it out", () => {
    const tagSet = createTagSet(["a", "b"]);
    assert.throws(() => toLabelMatrix(rows, tagSet), /Tile y has the tag c/);
    assert.deepEqual([...toLabelMatrix(rows, tagSet, { ignoreUnknown: true }).data], [1, 1, 0, 0]);
    assert.throws(() => createTagSet(["a", "a"]), TypeError);
  });
});

describe("matchTiles", () => {
  const labels = {
    path: "l.csv",
    rows: ["x", "y", "z"].map((name, i) => ({ name, tags: ["a"], line: i + 2 })),
  };

  it("pairs by name in the order of the labels, and tells what is left over on both sides", async () => {
    const matched = await matchTiles(labels, [tile("w"), tile("z"), tile("x")]);
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

  it("refuses no tiles, no match, and two tiles of one name", async () => {
    await assert.rejects(matchTiles(labels, []), /There are no tiles/);
    await assert.rejects(matchTiles(labels, [tile("q")]), /No tile is labelled in l\.csv.*x.*q/);
    await assert.rejects(matchTiles(labels, [tile("x"), tile("x", "more")]), /tiles\/x\.jpg and more\/x\.jpg/);
  });
});

describe("a label file that is no CSV", () => {
  it("is said to be none, with its line", async (t) => {
    const path = csv(t, 'image_name,tags\nx"y,clear\n');
    await assert.rejects(
      readLabels(path),
      (error) => error instanceof FormatError && /line 2: not CSV/.test(error.message),
    );
  });
});
