import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { packedRows, unpackRows } from "../../src/tags/packed-rows.js";
import { ParquetEncoder } from "../../src/tags/parquet.js";
import { chooseThresholds, type Prediction, tagFeatures } from "../../src/tags/prediction.js";
import { readParquet } from "../../src/tags/read-parquet.js";
import { csvRows, formatFloat32, jsonRows, type RowOptions } from "../../src/tags/rows.js";
import { temporaryFolder } from "../helpers.js";

const TAGS = ["clear", "agri,culture", 'the "road"'];
const AWKWARD = 'tile, "one"\nünï';

function prediction(name: string, ...probabilities: number[]): Prediction {
  const values = Float32Array.from(probabilities);
  return { name, path: `in/${name}.jpg`, tags: TAGS.filter((_, i) => values[i] >= 0.5), probabilities: values };
}

const PREDICTIONS = [
  prediction("a", 0.9, 0.1, 0.3),
  prediction(AWKWARD, 0.25, 0.75, 1e-9),
  prediction("none", 0, 0, 0),
];

describe("csv", () => {
  it("quotes what must be quoted, and reads back as it was", () => {
    const format = csvRows({ tags: TAGS, probabilities: true });
    const records = parse(format.header + format.rows(PREDICTIONS)) as string[][];
    assert.deepEqual(records[0], ["image_name", "tags", ...TAGS]);
    assert.deepEqual(records[2].slice(0, 2), [AWKWARD, "agri,culture"]);
    for (const [i, { probabilities }] of PREDICTIONS.entries()) {
      assert.deepEqual(Float32Array.from(records[i + 1].slice(2), Number), probabilities);
    }
  });

  it("is a Kaggle submission without probabilities", () => {
    const format = csvRows({ tags: ["a", "b"], probabilities: false });
    const both = { name: "test_0", path: "x", tags: ["a", "b"], probabilities: new Float32Array(2) };
    assert.equal(format.header + format.rows([both]), "image_name,tags\ntest_0,a b\n");
  });
});

describe("json lines", () => {
  it("holds one object a line, with probabilities only where they are asked for", () => {
    const lines = jsonRows({ tags: TAGS, probabilities: true }).rows(PREDICTIONS).trimEnd().split("\n");
    const parsed = lines.map((line) => JSON.parse(line));
    assert.deepEqual(parsed[1].image_name, AWKWARD);
    assert.deepEqual(Object.keys(parsed[1].probabilities), TAGS);
    assert.deepEqual(Float32Array.from(Object.values(parsed[0].probabilities)), PREDICTIONS[0].probabilities);
    const plain = jsonRows({ tags: TAGS, probabilities: false }).rows(PREDICTIONS.slice(0, 1));
    assert.deepEqual(JSON.parse(plain), { image_name: "a", path: "in/a.jpg", tags: ["clear"] });
  });
});

describe("numbers", () => {
  it("are the shortest that read back as the same float32", () => {
    assert.equal(formatFloat32(Math.fround(0.1)), "0.1");
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    for (let i = 0; i < 20_000; i++) {
      bits[0] = (i * 2654435761) % 0x3f800000;
      assert.equal(Math.fround(Number(formatFloat32(value[0]))), value[0]);
    }
  });
});

/** Writes `rows` as parts of a Parquet run and these as a Parquet file. */
async function writeParquet(file: string, rows: readonly Prediction[], options: RowOptions, metadata = {}) {
  const packed = Buffer.from(packedRows(options).rows(rows));
  const handed: Buffer[] = [];
  const encoder = new ParquetEncoder(async (bytes) => void handed.push(Buffer.from(bytes)), options, metadata);
  const cut = Readable.from([packed.subarray(0, 777), packed.subarray(777)]);
  for await (const block of unpackRows("rows", cut, options)) await encoder.append(block);
  await encoder.finish();
  writeFileSync(file, Buffer.concat(handed));
  return handed;
}

describe("parquet", () => {
  it("reads back with its types, tags as a list, over several row groups", async (t) => {
    const file = join(temporaryFolder(t), "out.parquet");
    const rows = Array.from({ length: 50_001 }, (_, i) => prediction(`tile_${i}`, i / 60_000, 0.75, 0.25));
    const options = { tags: TAGS, probabilities: true };
    const handed = await writeParquet(file, rows, options, { model: "abc" });
    assert.equal(handed.length, 3, "each row group and the footer are handed over by themselves");
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer);
    assert.deepEqual(
      metadata.row_groups.map((group) => Number(group.num_rows)),
      [50_000, 1],
    );
    assert.deepEqual(metadata.key_value_metadata, [{ key: "model", value: "abc" }]);
    const read = await parquetReadObjects({ file: buffer, rowStart: 49_999 });
    assert.deepEqual(read[1], {
      image_name: "tile_50000",
      path: "in/tile_50000.jpg",
      tags: ["clear", "agri,culture"],
      clear: Math.fround(50_000 / 60_000),
      "agri,culture": 0.75,
      'the "road"': 0.25,
    });
  });

  it("is read back by column, row group by row group", async (t) => {
    const file = join(temporaryFolder(t), "out.parquet");
    const options = { tags: TAGS, probabilities: true };
    const rows = Array.from({ length: 60_000 }, (_, i) => prediction(`tile_${i}`, i / 60_000, (i % 3) / 2, 0.25));
    await writeParquet(file, [...PREDICTIONS, ...rows], options);
    const blocks = [];
    for await (const block of readParquet(file, options)) blocks.push(block);
    assert.deepEqual(
      blocks.map(({ names }) => names.length),
      [50_000, 10_003],
    );
    const whole = [...PREDICTIONS, ...rows];
    assert.deepEqual(
      blocks.flatMap(({ names }) => names),
      whole.map(({ name }) => name),
    );
    assert.deepEqual(
      blocks.flatMap(({ paths }) => paths),
      whole.map(({ path }) => path),
    );
    assert.deepEqual(
      blocks.flatMap(({ tags }) => tags),
      whole.map(({ tags }) => tags),
    );
    for (const column of TAGS.keys()) {
      const values: number[] = blocks.flatMap(({ probabilities }) => [...probabilities[column]]);
      assert.deepEqual(
        values,
        whole.map(({ probabilities }) => probabilities[column]),
      );
    }
  });

  it("has smaller row groups for more tags than are encoded quickly", async (t) => {
    const file = join(temporaryFolder(t), "out.parquet");
    const tags = Array.from({ length: 197 }, (_, i) => `tag ${i}`);
    const none = { path: "x", tags: [], probabilities: new Float32Array(tags.length) };
    const rows = Array.from({ length: 5001 }, (_, i) => ({ ...none, name: String(i) }));
    await writeParquet(file, rows, { tags, probabilities: true });
    const { row_groups: groups } = await parquetMetadataAsync(await asyncBufferFromFile(file));
    assert.deepEqual(
      groups.map((group) => Number(group.num_rows)),
      [5000, 1],
    );
  });

  it("holds tiles without tags, and no rows at all", async (t) => {
    const file = join(temporaryFolder(t), "out.parquet");
    for (const rows of [[prediction("none", 0, 0, 0)], []]) {
      await writeParquet(file, rows, { tags: TAGS, probabilities: false });
      const read = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
      assert.deepEqual(
        read,
        rows.map(({ name, path, tags }) => ({ image_name: name, path, tags })),
      );
    }
  });
});

describe("thresholds", () => {
  it("are reached or not, each tag by its own or all by one", async () => {
    const head = { weight: Float32Array.from([1, 0, 0, 1]), bias: new Float32Array(2), numFeatures: 2, numTags: 2 };
    const model = { head, tags: ["x", "y"], thresholds: Float32Array.from([0.5, 0.8]) };
    const features = Float32Array.from([0, 1, -1, 3]);
    const tagsAt = async (threshold?: number) =>
      (await tagFeatures(model, chooseThresholds(model, threshold), features, 2)).map((row) => row.tags);
    assert.deepEqual(await tagsAt(), [["x"], ["y"]]);
    assert.deepEqual(await tagsAt(0), [
      ["x", "y"],
      ["x", "y"],
    ]);
  });
});

describe("probabilities", () => {
  it("of a row are the same bits whatever rows stand around it", async () => {
    const [rows, numFeatures, numTags] = [11, 37, 5];
    const noise = (count: number, seed: number) =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + seed));
    const head = { weight: noise(numFeatures * numTags, 1), bias: noise(numTags, 2), numFeatures, numTags };
    const model = { head, tags: Array.from({ length: numTags }, (_, i) => `t${i}`) };
    const features = noise(rows * numFeatures, 3);
    const all = await tagFeatures(model, new Float32Array(numTags), features, rows);
    for (let row = 0; row < rows; row++) {
      const alone = features.slice(row * numFeatures, (row + 1) * numFeatures);
      const [single] = await tagFeatures(model, new Float32Array(numTags), alone, 1);
      assert.deepEqual(single.probabilities, Float32Array.from(all[row].probabilities));
    }
  });
});
