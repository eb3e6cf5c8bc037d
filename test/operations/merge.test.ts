import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
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
      const summary = await merge({ shards, out });
      assert.deepEqual([summary.shards, summary.tiles, summary.predicted, summary.rejected], [3, 52, 50, 2]);
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
      await assert.rejects(merge({ shards: [one, three], out: out() }), /Of 3 shards these are missing: 2\./);
      await assert.rejects(merge({ shards: [one, two, two, three], out: out() }), /are both shard 2\/3/);
      await assert.rejects(merge({ shards: [shardOut(root, "csv", 0)], out: out() }), /is no shard/);
      await assert.rejects(merge({ shards: [join(root, "none.csv")], out: out() }), /no finished output/);
      await assert.rejects(merge({ shards: [], out: out() }), /No shards given/);
      await assert.rejects(merge({ shards: all(), out: join(root, "merged.jsonl") }), /shards are \.csv files/);
      await assert.rejects(merge({ shards: all(), out: one }), /exists already/);
      assert.ok(!existsSync(out()));
    });

    it("when interrupted, with nothing written, and without pointing to a --resume that it has not", async () => {
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      for (const context of [{ signal: AbortSignal.abort() }, { signal: controller.signal, onProgress }]) {
        await assert.rejects(merge({ shards: all(), out: out() }, context), /nothing was written: merge again\.$/);
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
      await assert.rejects(merge({ shards: all(), out: out() }), /The shards hold 19 tiles, but their input had 20\./);
      writeFileSync(manifest, "{}");
      await assert.rejects(merge({ shards: all(), out: out() }), {
        name: "FormatError",
        message: /2\.csv\.manifest\.json has no valid "version": expected number, it is missing/,
      });
      writeFileSync(manifest, whole);
    });

    it("for a shard of another threshold, another input, or changed since", async () => {
      await predictShard(root, "csv", 2, { threshold: 0.3 });
      await assert.rejects(merge({ shards: all(), out: out() }), /`threshold` was not given and is 0\.3 now/);
      await writeToyTiles(join(root, "in"), 21);
      await predictShard(root, "csv", 2);
      await assert.rejects(merge({ shards: all(), out: out() }), /their inputs differ/);
      for (const index of [1, 3]) await predictShard(root, "csv", index);
      writeFileSync(all()[2], "image_name,tags\n");
      await assert.rejects(merge({ shards: all(), out: out() }), /not what its manifest says/);
    });
  });
});

async function rowsOf(path: string): Promise<string[]> {
  if (!path.endsWith(".parquet")) return lines(path).sort();
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
  return rows.map((row) => JSON.stringify(row)).sort();
}
