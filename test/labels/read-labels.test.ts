import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { FormatError, InputError, OptionError } from "../../src/errors.js";
import { describeLabels } from "../../src/labels/describe.js";
import { readLabels } from "../../src/labels/formats.js";
import { readNames } from "../../src/labels/name-list.js";
import { toLabelMatrix } from "../../src/tiles/label-matrix.js";
import { tagSetOf } from "../../src/tiles/tag-set.js";
import { needsShared, SHARED, suiteFolder } from "../helpers.js";

const root = suiteFolder();
let count = 0;

function file(content: string | Uint8Array, name = "labels.csv"): string {
  const path = join(root, String(count++), name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** A folder with empty files. */
function files(...names: string[]): string {
  const folder = join(root, String(count++));
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
  return folder;
}

const tagsOf = ({ rows }: { rows: { path: string; tags: readonly string[] }[] }) =>
  rows.map(({ path, tags }) => `${path}: ${tags.join(" ")}`);

const many = (rows: number, row: (i: number) => string, header = "image,tags") =>
  `${[header, ...Array.from({ length: rows }, (_, i) => row(i))].join("\n")}\n`;

describe("errors are found wherever they are", () => {
  const LATE = 20_000;
  for (const [what, late, message, header] of [
    ["a bit that is none", "z,0.5,1", /the column "clear" holds "0\.5"/, "image,clear,road"],
    ["a comma among spaces", 'z,"clear,road"', /holds ",", where tags are separated by space/, undefined],
    ["a list among tags", 'z,"[1, x"', /holds ","/, undefined],
    ["a control character", "z,cl\u0001ear", /control character/, undefined],
    ["a tile twice", "t7.jpg,road", /tile t7 has road here, and clear road in line 9|t7\.jpg/, undefined],
    ["a quote", 'z"z,clear', /not CSV/, undefined],
  ] as const) {
    it(`${what}, behind ${LATE} rows`, async () => {
      const rows = many(LATE, (i) => (header === undefined ? `t${i},clear road` : `t${i},${i % 2},1`), header);
      const path = file(`${rows}${late}\n`);
      await assert.rejects(readLabels(path), (error) => {
        assert.ok(error instanceof FormatError, String(error));
        assert.match(error.message, message);
        assert.match(error.message, new RegExp(`line ${LATE + 2}:`));
        return true;
      });
    });
  }
});

it("a tag that is a key of its own and comes late is refused, not lost; any other key is passed over", async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `{"file":"t${i}","clear":${i % 2},"road":1}\n`).join("");
  await assert.rejects(readLabels(file(`${lines}{"file":"z","haze":1}\n`, "t.jsonl")), /line 5001: the key "haze"/);
  const tagged = Array.from({ length: 5000 }, (_, i) => `{"file":"t${i}","tags":["a","b"]}\n`).join("");
  const { rows } = await readLabels(file(`${tagged}{"file":"z","tags":["a"],"note":1}\n`, "t.jsonl"));
  assert.equal(rows.length, 5001);
});

describe("there are limits, each with a sentence", () => {
  it("of tags", async () => {
    const path = file(many(10_000, (i) => `t${i},x${i} y${i} z${i}`));
    await assert.rejects(readLabels(path), /line \d+: there are more than 20000 different tags.*`labelColumns`/);
  });

  it("of the length of a line, in every kind of text", async () => {
    const long = "x".repeat(17 << 20);
    await assert.rejects(readLabels(file(`image,tags\nt0,a\nt1,${long}\n`)), /line 3: is longer than 16 MiB/);
    await assert.rejects(readLabels(file(`image,tags\nt0,a\n"t1,${long}\n`)), /line \d+: is longer than 16 MiB/);
    await assert.rejects(readLabels(file(`{"file":"${long}"}\n`, "y.jsonl")), /line 1: is longer than 4 MiB/);
    await assert.rejects(
      readLabels(file(`{"file":"t0","tags":["a"]}\n{"file":"${long}`, "x.jsonl")),
      /line 2: is longer than 16 MiB/,
    );
    await assert.rejects(readLabels(file(long)), InputError);
  });

  it("of the length of a tag", async () => {
    const path = file(`image,tags\nt0,a\nt1,${"y".repeat(2000)}\n`);
    await assert.rejects(readLabels(path), /line 3: a tag has 2000 characters/);
  });
});

describe("options", () => {
  it("that no file could be read by are refused", async () => {
    const path = file("image,tags\nt0,a\n");
    for (const options of [
      { labelFormat: "xls" as never },
      { labelColumns: ["image"] },
      { labelColumns: ["image", ""] },
      { tagSeparator: "" },
      { split: "" },
    ]) {
      await assert.rejects(readLabels(path, options), OptionError);
    }
  });

  it("that a format has no use for are refused, not ignored", async () => {
    const coco = file(
      '{"images":[{"id":1,"file_name":"t0.jpg"}],"annotations":[{"image_id":1,"category_id":1}],"categories":[{"id":1,"name":"a"}]}',
      "c.json",
    );
    const folder = files("a/1.png", "b/2.png");
    for (const path of [coco, folder]) {
      assert.equal((await readLabels(path)).rows.length > 0, true);
      for (const options of [
        { labelColumns: ["a", "b"] },
        { tagSeparator: "comma" },
        { labelFormat: "long" as const },
      ]) {
        await assert.rejects(readLabels(path, options), /has no columns: leave out/, JSON.stringify(options));
      }
    }
    await assert.rejects(readLabels(coco, { split: "split" }), /leave out `split`/);
    await assert.rejects(readLabels(folder, { split: "split" }), /no column "split"/);
    await assert.rejects(readLabels(folder, { labelFormat: "csv" }), /is a folder/);
    await assert.rejects(readLabels(coco, { labelFormat: "folders" }), /is a file/);
  });

  it("say what a file is where it could be more than one thing", async () => {
    const path = file("image;tags,more\nt0;clear,road\n");
    assert.deepEqual(tagsOf(await readLabels(path)), ["t0: clear road"]);
    await assert.rejects(readLabels(path, { labelFormat: "tsv" }), InputError);
    await assert.rejects(readLabels(file("\n\n"), { labelFormat: "tsv" }), /holds no labels/);
    const words = file("image,tags\nt0,a,b\n");
    assert.deepEqual(tagsOf(await readLabels(words, { tagSeparator: "," })), ["t0: a b"]);
    assert.deepEqual(tagsOf(await readLabels(file("image,tags\nt0,a b\n"), { tagSeparator: "none" })), ["t0: a_b"]);
  });

  it("split puts each row into its part, however that is spelled", async () => {
    const spelled = ["train", "Training", "val", "valid", "validation", "dev", "test", "testing"];
    const path = file(many(spelled.length, (i) => `t${i},a b,${spelled[i]}`, "image,tags,part"));
    const { rows, recognised } = await readLabels(path, { split: "part" });
    assert.deepEqual(
      rows.map(({ part }) => part),
      ["train", "train", "val", "val", "val", "val", "test", "test"],
    );
    assert.deepEqual(recognised.parts, { train: 2, val: 4, test: 2 });
    const valid = file("file,tags,is_valid\nt0,a,True\nt1,b,False\n");
    assert.deepEqual(
      (await readLabels(valid, { split: "is_valid" })).rows.map(({ part }) => part),
      ["val", "train"],
    );
    const fold = file("file,tags,fold\nt0,a,train\nt1,b,3\n");
    await assert.rejects(readLabels(fold, { split: "fold" }), /line 3: the column "fold" holds "3"/);
    const both = file("file,tags,split\nt0,a,train\nt0,a,test\n");
    await assert.rejects(
      readLabels(both, { split: "split" }),
      /line 3: tile t0 is for test here, and for train in line 2/,
    );
  });
});

describe("a folder", () => {
  it("of folders gives each tile the tag of its folder", async () => {
    const labels = await readLabels(files("forest/a/1.png", "forest/2.JPG", "lake/1.png", "lake/notes.txt"));
    assert.deepEqual(tagsOf(labels), ["forest/2.JPG: forest", "forest/a/1.png: forest", "lake/1.png: lake"]);
    assert.equal(labels.recognised.format, "folders");
  });

  it("of parts has them as its column split", async () => {
    const folder = files("train/forest/1.png", "val/forest/2.png", "test/lake/3.png", "train/lake/4.png");
    const labels = await readLabels(folder, { split: "split" });
    assert.deepEqual(labels.recognised.parts, { train: 2, val: 1, test: 1 });
    assert.deepEqual(labels.rows[0].tags, ["lake"]);
    assert.equal((await readLabels(folder)).recognised.unusedSplit, "split");
  });

  it("with the file that labels its pictures stands for that file", async () => {
    const folder = files("1.png", "2.png");
    writeFileSync(
      join(folder, "metadata.jsonl"),
      '{"file_name":"1.png","tags":["a"]}\n{"file_name":"2.png","tags":["b"]}\n',
    );
    const labels = await readLabels(folder);
    assert.deepEqual([labels.recognised.format, ...tagsOf(labels)], ["jsonl", "1.png: a", "2.png: b"]);
  });

  it("without folders, and tiles outside of them, are told", async () => {
    await assert.rejects(readLabels(files("1.png")), /expected a folder for each tag/);
    const labels = await readLabels(files("forest/1.png", "lake/2.png", "3.png"));
    assert.deepEqual(labels.doubts.find(({ code }) => code === "UNLABELLED")?.examples, ["3.png"]);
  });
});

/** A frame of zstd with one block that is not compressed. */
function zstd(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0xa0;
  head.writeUInt32LE(bytes.length, 5);
  head.writeUIntLE((bytes.length << 3) | 1, 9, 3);
  return Buffer.concat([head, bytes]);
}

describe("Parquet", () => {
  const columnData = [
    { name: "patch_id", data: ["t0", "t1", "t2"], type: "STRING" as const },
    { name: "labels", data: [["a", "b"], [], null] },
    { name: "thumbnail", data: [new Uint8Array(9), new Uint8Array(9), new Uint8Array(9)], type: "BYTE_ARRAY" as const },
  ];

  for (const [codec, compress] of [
    ["GZIP", gzipSync],
    ["ZSTD", zstd],
  ] as const) {
    it(`is read when ${codec} compressed it; null is no label, an empty list is one`, async () => {
      const bytes = parquetWriteBuffer({ columnData, codec, compressors: { [codec]: compress } } as never);
      const labels = await readLabels(file(new Uint8Array(bytes), "m.parquet"));
      assert.deepEqual(tagsOf(labels), ["t0: a b", "t1: "]);
      assert.deepEqual(labels.doubts.map(({ code }) => code).sort(), [
        "ROWS_WITHOUT_TAGS",
        "SINGLE_TILE_TAGS",
        "UNLABELLED",
      ]);
    });
  }

  it("is read row group by row group", async () => {
    const data = Array.from({ length: 3000 }, (_, i) => `t${i}`);
    const columns = [
      { name: "image", data, type: "STRING" as const },
      { name: "tag", data: data.map((_, i) => `x${i % 3}`), type: "STRING" as const },
    ];
    const bytes = parquetWriteBuffer({ columnData: columns, rowGroupSize: 700 });
    const { rows } = await readLabels(file(new Uint8Array(bytes), "m.parquet"));
    assert.deepEqual(
      rows.map(({ name }) => name),
      data,
    );
    assert.deepEqual([rows[2999].tags, rows[2999].line], [["x2"], 3000]);
  });
});

describe("what cannot be read", () => {
  it("is told by name", async () => {
    await assert.rejects(readLabels("/no/such.csv"), (error) => {
      return error instanceof InputError && /There is no label file \/no\/such\.csv/.test(error.message);
    });
    const secret = file("image,tags\nt0,a\n");
    chmodSync(secret, 0);
    if (process.getuid?.() !== 0) await assert.rejects(readLabels(secret), /Cannot read the label file/);
  });
});

it("one line says what was recognised", async () => {
  const { rows } = await readLabels(file("image,tags\nt0,a b\n"));
  assert.equal(rows[0].line, 2);
  const labels = await readLabels(file("id;file;labels;lat;split\n0;x/t0.png;a, b;1.5;train\n1;x/t1.png;b;2.5;test\n"));
  assert.match(
    describeLabels(labels),
    /labels\.csv: csv with semicolons; names in "file", tags in "labels", separated by comma; the parts in "split" are not used \(`split` would use them\); ignored: "id", "lat"; 2 tags on 2 tiles\.$/,
  );
});

it("names of a list are those of its first column, each once", async () => {
  const pathsOf = async (text: string) => (await readNames(file(text))).rows.map(({ path }) => path);
  assert.deepEqual(await pathsOf("image_name,tag\na/t1.jpg,x\nt0,y\na/t1.jpg,z\n"), ["a/t1.jpg", "t0"]);
  assert.deepEqual(await pathsOf("image_name\nt0\n"), ["t0"]);
  await assert.rejects(readNames(file("image_name,tag\n")), /names no tiles/);
  const empty = file("image_name,path,tag,given,probability,score,tags\n");
  await assert.rejects(readNames(empty), /lists no label that may be wrong: there is nothing to look at/);
});

describe("the plain CSV", () => {
  /** What the format means, in four lines. */
  function plainly(text: string): Map<string, string[]> {
    const rows = text
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(","));
    return new Map(rows.map(([name, tags]) => [name, tags.split(" ")]));
  }

  async function compare(path: string): Promise<void> {
    const truth = plainly(readFileSync(path, "utf8"));
    const { rows } = await readLabels(path);
    const tags = [...new Set([...truth.values()].flat())].sort();
    const cells = [...truth.values()].flatMap((own) => tags.map((tag) => (own.includes(tag) ? 1 : 0)));
    assert.deepEqual(
      rows.map(({ name }) => name),
      [...truth.keys()],
    );
    assert.deepEqual(toLabelMatrix(rows, tagSetOf(rows)), { data: Uint8Array.from(cells), rows: truth.size, tags });
  }

  it("gives the matrix that its rows spell out", async () => {
    const tags = ["clear", "primary", "road", "water", "haze", "agriculture"];
    await compare(
      file(
        many(
          5000,
          (i) => `train_${i},${tags.filter((_, bit) => ((i % 63) + 1) & (1 << bit)).join(" ")}`,
          "image_name,tags",
        ),
      ),
    );
  });

  it("of Planet does, too", needsShared("planet-sample"), () => compare(join(SHARED, "planet-sample/labels.csv")));
});
