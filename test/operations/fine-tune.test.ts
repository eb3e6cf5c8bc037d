import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { InterruptedError, OptionError } from "../../src/errors.js";
import type { FinetuneOptions } from "../../src/finetune/config.js";
import { openTunable } from "../../src/finetune/tunable.js";
import { loadCheckpoint } from "../../src/head/checkpoint.js";
import { describeFile } from "../../src/models/file-model.js";
import { exposeWeights } from "../../src/onnx/fold.js";
import { decodeModel, fromTensorProto } from "../../src/onnx/proto.js";
import { evaluate } from "../../src/operations/evaluate.js";
import { exportModel } from "../../src/operations/export.js";
import { importBackbone } from "../../src/operations/models.js";
import { train } from "../../src/operations/train.js";
import { createRandom } from "../../src/random.js";
import type { TrainOptions } from "../../src/training/settings.js";
import type { TrainSummary } from "../../src/training/summary.js";
import { suiteFolder } from "../helpers.js";
import { learntBytes, writeTinyTraining } from "../training/tiny-backbone.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const TUNING = { epochs: 12, learningRate: 0.05 };
let options: Omit<TrainOptions, "out">;
let summary: TrainSummary;

before(async () => {
  options = await writeTinyTraining(folder, 120);
  await train({ ...options, out: join(folder, "frozen") });
  summary = await train({ ...options, out: join(folder, "tuned"), finetune: TUNING });
});

const bytesOf = (model: string) => learntBytes(join(folder, model));

/** The float32 weights of a model's backbone. */
function weightsOf(path: string): Map<string, Float32Array> {
  const model = decodeModel(readFileSync(path), path);
  exposeWeights(model);
  return new Map(model.graph.initializer.map((each) => [each.name, fromTensorProto(each).data as Float32Array]));
}

test("a backbone that cannot tell the tiles apart learns to, and the scores are those of unseen tiles", async () => {
  const { finetune } = summary;
  assert.ok(finetune?.kept);
  assert.ok(finetune.f2After > finetune.f2Before + 0.05, `${finetune.f2Before} -> ${finetune.f2After}`);
  assert.ok((finetune.mapAfter ?? 0) > (finetune.mapBefore ?? 1));
  assert.equal(summary.f2, finetune.f2After);
  assert.equal(summary.measuredOn, "120 tiles out of fold");
  assert.ok(finetune.epochs >= 1 && finetune.epochs <= TUNING.epochs);
  assert.ok((finetune.msPerTile ?? 0) > 0 && finetune.seconds > 0);
  const { metrics } = await loadCheckpoint(join(folder, "frozen"));
  assert.equal(finetune.f2Before, metrics.crossValidated?.f2);
});

test("the folder's own backbone gives the tags: evaluation and export run on it", async () => {
  const model = join(folder, "tuned");
  const { card, backboneSha256 } = await loadCheckpoint(model);
  assert.equal(card.file, "backbone.onnx");
  assert.match(card.description, /fine-tuned/);
  assert.notEqual(backboneSha256, (await loadCheckpoint(join(folder, "frozen"))).backboneSha256);
  const scores = await evaluate({ model, tiles: options.tiles, labels: options.labels });
  assert.ok(scores.f2 > 0.9, `${scores.f2}`);
  await exportModel({ model, out: join(folder, "tuned.onnx") });
});

test("a tuned backbone becomes one for other trainings", async () => {
  const record = await importBackbone(join(folder, "tuned"), { name: "colours" });
  assert.equal(record.features, 8);
  const other = await train({ ...options, backbone: "colours", normalisation: undefined, out: join(folder, "second") });
  const { metrics } = await loadCheckpoint(join(folder, "frozen"));
  assert.ok(other.f2 > (metrics.crossValidated?.f2 ?? 1) + 0.05, `${other.f2}`);
});

test("it brings along which tiles it has learnt: a training on them warns, and its model knows them, too", async () => {
  const fewer = join(folder, "fewer.csv");
  writeFileSync(fewer, readFileSync(options.labels, "utf8").split("\n").slice(0, 61).join("\n"));
  const warnings: string[] = [];
  const context = { onWarning: (message: string) => warnings.push(message) };
  const backbone = (await importBackbone(join(folder, "tuned"), { name: "learnt" })).name;
  const model = join(folder, "third");
  await train({ ...options, labels: fewer, backbone, normalisation: undefined, out: model }, context);
  assert.match(warnings.join(), /backbone learnt comes from a model that was trained on 60 of these 60 tiles/);
  await evaluate({ model, tiles: options.tiles, labels: options.labels }, context);
  assert.match(warnings.join(), /was trained on 120 of these 120 tiles/);
  // So does a backbone that is made of that.
  await importBackbone(model, { name: "again" });
  assert.ok(existsSync(join(folder, "cache", "models", "again.tiles.bin")));
  assert.ok(!("seenTiles" in (await loadCheckpoint(join(folder, "frozen"))).card));
});

test("stopped at ten random moments and resumed, it ends with the same bytes", async () => {
  const out = join(folder, "stopped");
  const random = createRandom(11);
  let stops = 0;
  for (let done = false; !done; ) {
    const stop = new AbortController();
    // 8 epochs of 2 steps in five folds, and 3 steps in the final training: about 100 steps.
    let left = stops < 10 ? 1 + random.below(9) : Number.POSITIVE_INFINITY;
    const onProgress = ({ stage }: { stage: string }) => {
      if (stage === "fine-tune" && --left <= 0) stop.abort();
    };
    const context = { signal: stop.signal, onProgress };
    await train({ ...options, out, finetune: TUNING, resume: true }, context).then(
      () => {
        done = true;
      },
      (error) => {
        assert.ok(error instanceof InterruptedError, error);
        stops++;
      },
    );
  }
  assert.equal(stops, 10);
  assert.deepEqual(bytesOf("stopped"), bytesOf("tuned"));
});

test("a second run gives the same bytes, whatever the number of decode workers", async () => {
  await train({ ...options, out: join(folder, "workers"), workers: 3, finetune: TUNING });
  assert.deepEqual(bytesOf("workers"), bytesOf("tuned"));
});

test("only the last blocks learn if so asked: the second convolution cannot see what the first one does not", async () => {
  const last = await train({ ...options, out: join(folder, "last"), finetune: { ...TUNING, blocks: 1 } });
  assert.ok(
    last.finetune && last.finetune.f2After < (summary.finetune?.f2After ?? 0) - 0.03,
    `${last.finetune?.f2After}`,
  );
  const original = weightsOf(join(folder, "tiny.onnx"));
  const backbone = {
    card: describeFile(readFileSync(join(folder, "tiny.onnx")), "tiny.onnx", { normalisation: "unit" }),
    bytes: readFileSync(join(folder, "tiny.onnx")),
  };
  assert.deepEqual(openTunable(backbone, 16, 1).trainable, ["second.weight", "second.bias"]);
  assert.deepEqual(new Set(openTunable(backbone, 16, "all").trainable), new Set(original.keys()));
});

test("a tuning that is no better is dropped, and the frozen model written", async () => {
  const dropped = await train({
    ...options,
    out: join(folder, "dropped"),
    finetune: { epochs: 1, learningRate: 1e-9 },
  });
  assert.equal(dropped.finetune?.kept, false);
  assert.equal(dropped.f2, dropped.finetune.f2Before);
  for (const name of ["head.safetensors", "backbone.onnx"]) {
    assert.deepEqual(readFileSync(join(folder, "dropped", name)), readFileSync(join(folder, "frozen", name)), name);
  }
});

test("the backbone's card recommends a learning rate, which an option overrules", async () => {
  const path = join(folder, "slow.onnx");
  copyFileSync(options.backbone!, path);
  const card = describeFile(readFileSync(path), path, { normalisation: "unit" });
  writeFileSync(join(folder, "slow.card.json"), JSON.stringify({ ...card, finetune: { learningRate: 1e-9 } }));
  const rateOf = async (finetune: FinetuneOptions) => {
    const out = join(folder, "slow");
    await train({ ...options, backbone: path, normalisation: undefined, out, overwrite: true, finetune });
    return JSON.parse(readFileSync(join(out, "model.json"), "utf8")).training.settings.finetune.learningRate;
  };
  assert.equal(await rateOf({ epochs: 1 }), 1e-9);
  assert.equal(await rateOf({ epochs: 1, learningRate: 2e-9 }), 2e-9);
});

test("with a column of parts the final weights are scored on the tiles for validation", async () => {
  const rows = readFileSync(options.labels, "utf8").trim().split("\n");
  const parts = rows.map((row, i) => `${row},${i === 0 ? "part" : i % 5 === 0 ? "val" : "train"}`);
  const labels = join(folder, "parts.csv");
  writeFileSync(labels, parts.join("\n"));
  const out = join(folder, "parts");
  const parted = await train({ ...options, labels, split: "part", out, finetune: { ...TUNING, epochs: 20 } });
  assert.ok(parted.finetune?.kept);
  assert.equal(parted.measuredOn, "96 tiles out of fold");
  assert.equal(parted.holdOut?.tiles, 24);
  assert.ok(parted.holdOut.f2 > parted.finetune.f2Before, `${parted.holdOut.f2}`);
});

test("wrong options are refused before any work", async () => {
  const onProgress = () => assert.fail("it has begun");
  const refuse = (finetune: object, message: RegExp) =>
    assert.rejects(train({ ...options, out: join(folder, "wrong"), finetune }, { onProgress }), (error: Error) => {
      assert.ok(error instanceof OptionError);
      assert.match(error.message, message);
      return true;
    });
  await refuse({ epoch: 3 }, /no option `finetune.epoch`: did you mean `finetune.epochs`/);
  await refuse({ epochs: 0 }, /`finetune.epochs` to be an integer from 1 to 1000/);
  await refuse({ learningRate: 0 }, /`finetune.learningRate`/);
  await refuse({ blocks: 0 }, /`finetune.blocks` to be all or a number from 1, got 0/);
  await refuse({ blocks: 3 }, /`finetune.blocks` to be at most 2, the blocks of tiny, got 3/);
});
