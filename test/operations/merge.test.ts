import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { merge } from "../../src/operations/merge.js";
import { type PredictRunOptions, predictWith } from "../../src/operations/predict.js";
import { toyModel, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

const COUNT = 3;
const lines = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");

/** The output of shard `index`, and of the whole for 0. */
const shardOut = (root: string, format: string, index: number): string => join(root, `${index}.${format}`);

async function predictShard(root: string, format: string, index: number, more: Partial<PredictRunOptions> = {}) {
  const out = shardOut(root, format, index);
  const shard = index === 0 ? undefined : { index, count: COUNT };
  const options = { inputs: [join(root, "in")], out, shard, workers: 1, probabilities: true, overwrite: true, ...more };
  return predictWith(toyModel(), options);
}

describe("merging", () => {
  it("gives every row of the whole once, rejects and all, in each format", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 50);
    writeFileSync(join(root, "in/bad_1.jpg"), "no");
    writeFileSync(join(root, "in/bad_2.jpg"), "no");
    for (const format of ["csv", "jsonl", "parquet"]) {
      for (let index = 0; index <= COUNT; index++) await predictShard(root, format, index);
      // As a pattern that takes in the rejects gives them.
      const shards = [2, 3, 1]
        .map((index) => shardOut(root, format, index))
        .flatMap((out) => [out, `${out}.rejects.jsonl`]);
      const out = join(root, `merged.${format}`);
      const summary = await merge({ outputs: shards, out });
      assert.deepEqual([summary.outputs, summary.tiles, summary.predicted, summary.rejected], [3, 52, 50, 2]);
      assert.deepEqual(await rowsOf(out), await rowsOf(shardOut(root, format, 0)));
      const rejects = (path: string) => lines(`${path}.rejects.jsonl`).sort();
      assert.deepEqual(rejects(out), rejects(shardOut(root, format, 0)));
      assert.equal(JSON.parse(readFileSync(summary.manifest, "utf8")).shard, null);
    }
  });

  describe("is refused", () => {
    let root = "";
    const all = () => [1, 2, 3].map((index) => shardOut(root, "csv", index));
    const out = () => join(root, "merged.csv");

    after(() => rmSync(root, { recursive: true }));
    before(async () => {
      root = mkdtempSync(join(tmpdir(), "canopy-test-"));
      await writeToyTiles(join(root, "in"), 20);
      for (let index = 0; index <= COUNT; index++) await predictShard(root, "csv", index);
    });

    it("for a missing shard, one given twice, and what is no shard", async () => {
      const [one, two, three] = all();
      await assert.rejects(merge({ outputs: [one, three], out: out() }), /Of 3 shards these are missing: 2/);
      await assert.rejects(merge({ outputs: [one, two, two, three], out: out() }), /are both shard 2\/3/);
      await assert.rejects(merge({ outputs: [join(root, "none.csv")], out: out() }), /no finished output/);
      await assert.rejects(merge({ outputs: [], out: out() }), /No outputs given/);
      await assert.rejects(merge({ outputs: all(), out: join(root, "merged.txt") }), /\.csv, \.jsonl or \.parquet/);
      await assert.rejects(merge({ outputs: [one, one], out: out() }), /are both shard 1\/3/);
      const whole = shardOut(root, "csv", 0);
      await assert.rejects(merge({ outputs: [whole, whole], out: out() }), /0\.csv is given 2 times/);
      await assert.rejects(merge({ outputs: all(), out: one }), /exists already/);
      assert.ok(!existsSync(out()));
    });

    it("when interrupted, with nothing written, and without pointing to a --resume that it has not", async () => {
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      for (const context of [{ signal: AbortSignal.abort() }, { signal: controller.signal, onProgress }]) {
        await assert.rejects(merge({ outputs: all(), out: out() }, context), /nothing was written: merge again\.$/);
        assert.deepEqual(
          readdirSync(root).filter((name) => name.startsWith("merged")),
          [],
        );
      }
    });

    it("for shards that are whole by themselves, but do not add up", async () => {
      const manifest = `${all()[1]}.manifest.json`;
      const whole = readFileSync(manifest, "utf8");
      const { predicted, ...rest } = JSON.parse(whole);
      writeFileSync(manifest, JSON.stringify({ ...rest, predicted: predicted - 1 }));
      await assert.rejects(merge({ outputs: all(), out: out() }), /The shards hold 19 tiles, but their input had 20\./);
      writeFileSync(manifest, "{}");
      await assert.rejects(merge({ outputs: all(), out: out() }), {
        name: "FormatError",
        message: /2\.csv\.manifest\.json has no valid "version": expected number, it is missing/,
      });
      writeFileSync(manifest, whole);
    });

    it("for a shard of another threshold, another input, or changed since", async () => {
      await predictShard(root, "csv", 2, { threshold: 0.3 });
      await assert.rejects(merge({ outputs: all(), out: out() }), /`threshold` is 0\.3, and not given there/);
      await writeToyTiles(join(root, "in"), 21);
      await predictShard(root, "csv", 2);
      await assert.rejects(merge({ outputs: all(), out: out() }), /Of 3 shards these are missing: 2/);
      for (const index of [1, 3]) await predictShard(root, "csv", index);
      writeFileSync(all()[2], "image_name,tags\n");
      await assert.rejects(merge({ outputs: all(), out: out() }), /not what its manifest says/);
    });
  });
});

describe("runs over other tiles", () => {
  let root = "";
  const at = (name: string): string => join(root, name);
  const run = (out: string, inputs: string[], more: Partial<PredictRunOptions> = {}) =>
    predictWith(toyModel(), { inputs, out: at(out), workers: 1, probabilities: true, overwrite: true, ...more });

  after(() => rmSync(root, { recursive: true }));
  before(async () => {
    root = mkdtempSync(join(tmpdir(), "canopy-test-"));
    await writeToyTiles(at("in"), 24);
    const files = readdirSync(at("in"))
      .filter((name) => name.endsWith(".jpg"))
      .map((name) => join(at("in"), name));
    writeFileSync(at("in/=1.jpg"), readFileSync(files[0]));
    for (const format of ["csv", "jsonl", "parquet"]) {
      await run(`a.${format}`, [...files.slice(0, 10), at("in/=1.jpg")]);
      await run(`b.${format}`, files.slice(10));
      await run(`all.${format}`, [...files.slice(0, 10), at("in/=1.jpg"), ...files.slice(10)]);
    }
    await run("escaped.csv", [...files.slice(0, 10), at("in/=1.jpg")], { escapeFormulas: true });
    await run("overlap.csv", files.slice(8, 12));
    for (const index of [1, 2]) await run(`s${index}.parquet`, files.slice(10), { shard: { index, count: 2 } });
  });

  it("are refused if their rows are damaged, though their manifests have the hashes of what they are now", async () => {
    const [first, header] = ["a.csv", "a.jsonl"].map((name) => lines(at(name))[0]);
    const other = parquetWriteBuffer({ columnData: [{ name: "__proto__", data: ["a", "b"] }] });
    const damages: [name: string, content: string | Uint8Array][] = [
      ["forged.csv", `${first}\n`],
      ["forged.csv", `${first}\n"x`],
      [
        "forged.csv",
        lines(at("a.csv"))
          .join("\n")
          .replace(/0\.\d+/, "NaN"),
      ],
      ["forged.jsonl", `${header}\n`],
      ["forged.jsonl", `${lines(at("a.jsonl")).join("\n").replace('"path":', '"p":')}\n`],
      ["forged.jsonl", `${lines(at("a.jsonl")).join("\n").replace('"tags":["', '"tags":["no ')}\n`],
      ["forged.parquet", "PAR1"],
      ["forged.parquet", new Uint8Array(other)],
    ];
    for (const [name, content] of damages) {
      const manifest = JSON.parse(readFileSync(at(`a${extname(name)}.manifest.json`), "utf8"));
      const output = { bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
      writeFileSync(at(name), content);
      writeFileSync(at(`${name}.manifest.json`), JSON.stringify({ ...manifest, output }));
      const out = at("of-forged.jsonl");
      await assert.rejects(
        merge({ outputs: [at(name), at("b.jsonl")], out }),
        { name: "FormatError", message: new RegExp(`${name} is damaged: `) },
        String(content),
      );
      assert.ok(!existsSync(out));
    }
  });

  for (const from of ["csv", "jsonl", "parquet"]) {
    for (const to of ["csv", "jsonl", "parquet"]) {
      it(`from ${from} to ${to} are what one run over all would be`, async () => {
        const out = at(`${from}-${to}.${to}`);
        const warnings: string[] = [];
        const onWarning = (message: string) => void warnings.push(message);
        const { runs, tiles } = await merge({ outputs: [at(`a.${from}`), at(`b.${from}`)], out }, { onWarning });
        assert.deepEqual([runs, tiles], [2, 25]);
        const pathless = from === "csv" && to !== "csv";
        const expected = (await rowsOf(at(`all.${to}`))).map((row) =>
          pathless ? row.replace(/"path":"[^"]*"/, '"path":""') : row,
        );
        assert.deepEqual(await rowsOf(out), expected.sort());
        assert.equal(warnings.length, pathless ? 1 : 0);
        // What was merged is an output as any.
        await assert.rejects(merge({ outputs: [out, at("overlap.csv")], out: at("x.csv") }), /hold tiles of the same/);
      });
    }
  }

  it("may be of several formats, and shards among them", async () => {
    const outputs = [at("escaped.csv"), at("s2.parquet"), at("s1.parquet")];
    const summary = await merge({ outputs, out: at("mixed.jsonl") });
    assert.deepEqual([summary.outputs, summary.runs, summary.tiles], [3, 2, 25]);
    const names = lines(at("mixed.jsonl")).map((line) => JSON.parse(line).image_name);
    assert.ok(names.includes("=1"));
    await merge({ outputs, out: at("mixed.csv") });
    assert.ok(lines(at("mixed.csv")).some((line) => line.startsWith("'=1,")));
  });

  it("may come from machines of other sizes, but not with other tags given", async () => {
    // In small batches, within a budget, and as if on a GPU.
    const sized = { inputs: [at("in2")], workers: 1, probabilities: true };
    mkdirSync(at("in2"));
    copyFileSync(at("in/=1.jpg"), at("in2/sized.jpg"));
    await predictWith(toyModel(), { ...sized, out: at("sized.csv"), batchSize: 2, memory: 2 ** 30 });
    const manifest = JSON.parse(readFileSync(at("sized.csv.manifest.json"), "utf8"));
    manifest.settings.device = "cuda";
    writeFileSync(at("sized.csv.manifest.json"), JSON.stringify(manifest));
    const { tiles } = await merge({ outputs: [at("a.csv"), at("sized.csv")], out: at("sizes.csv") });
    assert.equal(lines(at("sizes.csv")).length, tiles + 1);
    await predictWith(toyModel(), { ...sized, out: at("strict.csv"), threshold: 0.75 });
    await assert.rejects(merge({ outputs: [at("a.csv"), at("strict.csv")], out: at("x.csv") }), {
      message: /strict\.csv does not go with .*a\.csv: `threshold` is 0\.75, and not given there/,
    });
  });

  it("are refused with the names that two have, and of another model", async () => {
    const overlap = merge({ outputs: [at("a.csv"), at("overlap.csv")], out: at("x.csv") });
    await assert.rejects(overlap, {
      name: "InputError",
      message: /a\.csv and .*overlap\.csv hold tiles of the same names: \w+, \w+\. Leave one of them out\.$/,
    });
    const other = toyModel({ tags: ["x", "y", "z"] });
    await predictWith(other, { inputs: [at("in")], out: at("other.csv"), workers: 1, probabilities: true });
    await assert.rejects(merge({ outputs: [at("a.csv"), at("other.csv")], out: at("x.csv") }), {
      name: "InputError",
      message: /other\.csv does not go with .*a\.csv: model \(SHA-256\) is \w+, and \w+ there/,
    });
    assert.ok(!existsSync(at("x.csv")));
  });
});

async function rowsOf(path: string): Promise<string[]> {
  if (!path.endsWith(".parquet")) return lines(path).sort();
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
  return rows.map((row) => JSON.stringify(row)).sort();
}
