import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { InterruptedError } from "../../src/errors.js";
import { loadCheckpoint } from "../../src/head/checkpoint.js";
import { embed } from "../../src/operations/embed.js";
import { merge } from "../../src/operations/merge.js";
import { predict } from "../../src/operations/predict.js";
import { synthesize } from "../../src/operations/synth.js";
import { train } from "../../src/operations/train.js";
import { scoreFeatures } from "../../src/tags/prediction.js";
import { runCli, suiteFolder } from "../helpers.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const tiles = join(folder, "tiles");
const [plain, turned] = [join(folder, "plain"), join(folder, "turned")];
const COUNT = 40;

/** By name. */
type Embeddings = Map<string, { path: string; embedding: number[] }>;

async function readEmbeddings(path: string): Promise<Embeddings> {
  const rows = path.endsWith(".parquet")
    ? await parquetReadObjects({ file: await asyncBufferFromFile(path) })
    : readFileSync(path, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
  return new Map(
    rows.map(({ image_name, path, embedding }) => [image_name, { path, embedding: embedding.map(Math.fround) }]),
  );
}

before(async () => {
  await synthesize({ count: COUNT, out: tiles, seed: 5 });
  const options = { tiles, labels: join(tiles, "labels.csv"), size: 32, head: { l2: 1 }, exclusive: [] } as const;
  await train({ ...options, out: plain, features: "last" });
  await train({ ...options, out: turned, features: "pyramid", tta: "d4" });
});

for (const model of [plain, turned]) {
  test(`embeddings are what the head gets: through it they are the predictions of ${model === plain ? "a plain model" : "d4 and pyramid"}`, async () => {
    const [out, predictions] = [join(folder, "same.parquet"), join(folder, "same.jsonl")];
    const summary = await embed({ inputs: tiles, model, out, overwrite: true });
    assert.deepEqual([summary.tiles, summary.embedded, summary.rejected], [COUNT, COUNT, 0]);
    await predict({ inputs: tiles, model, out: predictions, probabilities: true, overwrite: true });
    const checkpoint = await loadCheckpoint(model);
    const embeddings = await readEmbeddings(out);
    assert.equal(summary.numFeatures, checkpoint.head.numFeatures);
    for (const line of readFileSync(predictions, "utf8").trimEnd().split("\n")) {
      const { image_name, path, probabilities } = JSON.parse(line);
      const row = embeddings.get(image_name);
      assert.equal(row?.path, path);
      const data = Float32Array.from(row?.embedding ?? []);
      const scores = await scoreFeatures(checkpoint, { data, rows: 1, numFeatures: data.length });
      assert.deepEqual([...scores], Object.values<number>(probabilities).map(Math.fround));
    }
  });
}

test("JSON lines and Parquet hold the same, and Parquet a list of 32-bit floats that everybody reads", async () => {
  const [lines, table] = [join(folder, "x.jsonl"), join(folder, "x.parquet")];
  for (const out of [lines, table]) await embed({ inputs: tiles, model: plain, out });
  assert.deepEqual(await readEmbeddings(lines), await readEmbeddings(table));
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(table));
  const columns = parquetSchema(metadata).children;
  assert.deepEqual(
    columns.map(({ element }) => element.name),
    ["image_name", "path", "embedding"],
  );
  const [list] = columns[2].children;
  assert.deepEqual([columns[2].element.converted_type, list.element.repetition_type], ["LIST", "REPEATED"]);
  assert.deepEqual(
    list.children.map(({ element }) => [element.name, element.type]),
    [["element", "FLOAT"]],
  );
});

test("a backbone needs no model: its last features, or those of several resolutions", async () => {
  const widths = [];
  for (const features of ["last", "pyramid"] as const) {
    const out = join(folder, `${features}.parquet`);
    const summary = await embed({ inputs: tiles, backbone: "canopy", size: 32, features, out });
    widths.push(summary.numFeatures);
    const own = await readEmbeddings(out);
    if (features === "pyramid") continue;
    const trained = join(folder, "trained.parquet");
    await embed({ inputs: tiles, model: plain, out: trained });
    assert.deepEqual(own, await readEmbeddings(trained));
  }
  assert.ok(widths[1] > widths[0]);
});

test("a run that was interrupted goes on to the same bytes, of the same network only", async () => {
  const [out, whole] = [join(folder, "broken.parquet"), join(folder, "whole.parquet")];
  const options = { inputs: tiles, model: plain, batchSize: 4, commit: { tiles: 4 } };
  await embed({ ...options, out: whole });
  // Batches use the memory of earlier ones again.
  const unbroken = join(folder, "unbroken.jsonl");
  await embed({ inputs: tiles, model: plain, out: unbroken });
  assert.deepEqual(await readEmbeddings(whole), await readEmbeddings(unbroken));
  const controller = new AbortController();
  const onProgress = ({ stage, done }: { stage: string; done: number }) => {
    if (stage === "embed" && done >= 12) controller.abort();
  };
  await assert.rejects(embed({ ...options, out }, { signal: controller.signal, onProgress }), InterruptedError);
  assert.ok(readdirSync(`${out}.parts`).includes("part-000001.json"));
  await assert.rejects(embed({ ...options, out, model: turned, resume: true }), /model \(SHA-256\) was/);
  const summary = await embed({ ...options, out, resume: true });
  assert.ok(summary.resumed >= 8);
  assert.deepEqual(readFileSync(out), readFileSync(whole));
  assert.ok(!existsSync(`${out}.parts`));
});

test("shards are merged as those of predictions are, and bad tiles are rejected with their reason", async () => {
  writeFileSync(join(folder, "bad.jpg"), "no picture");
  const inputs = [tiles, join(folder, "bad.jpg")];
  const shards = [];
  for (const index of [1, 2]) {
    const out = join(folder, `part-${index}.parquet`);
    await embed({ inputs, model: plain, out, shard: { index, count: 2 } });
    shards.push(out);
  }
  const out = join(folder, "merged.parquet");
  const summary = await merge({ outputs: shards, out });
  assert.deepEqual([summary.tiles, summary.rejected], [COUNT + 1, 1]);
  assert.equal(JSON.parse(readFileSync(`${out}.rejects.jsonl`, "utf8")).name, "bad");
  const whole = join(folder, "unsharded.parquet");
  await embed({ inputs: tiles, model: plain, out: whole });
  const sorted = async (path: string) => [...(await readEmbeddings(path))].sort(([a], [b]) => (a < b ? -1 : 1));
  assert.deepEqual(await sorted(out), await sorted(whole));
  const lines = join(folder, "merged.jsonl");
  await merge({ outputs: [out], out: lines });
  const back = join(folder, "back.parquet");
  await merge({ outputs: [lines], out: back });
  assert.deepEqual(await readEmbeddings(back), await readEmbeddings(out));
  await assert.rejects(merge({ outputs: [out], out: join(folder, "merged.csv") }), /end in \.parquet or \.jsonl/);
});

test("what does not fit together is refused", async () => {
  const out = join(folder, "refused.parquet");
  await assert.rejects(embed({ inputs: tiles, out }), /Give a `model`, or a `backbone`/);
  await assert.rejects(embed({ inputs: tiles, out, model: plain, size: 64 }), /says its `size` itself/);
  await assert.rejects(embed({ inputs: tiles, out: "x.csv", model: plain }), /end in \.parquet or \.jsonl/);
});

test("the command line writes them, and says what it wrote", async () => {
  const out = join(folder, "cli.parquet");
  const { status, stdout } = runCli(["embed", tiles, "--model", plain, "--out", out, "--json"]);
  const { embedded, num_features, backbone } = JSON.parse(stdout);
  assert.deepEqual([status, embedded, backbone], [0, COUNT, "canopy"]);
  for (const { embedding } of (await readEmbeddings(out)).values()) assert.equal(embedding.length, num_features);
});
