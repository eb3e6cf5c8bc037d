import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import ort from "onnxruntime-node";
import { openModel } from "../../src/engine/open-model.js";
import { KERNELS } from "../../src/features/kernels.js";
import { loadCheckpoint } from "../../src/head/checkpoint.js";
import { BOX } from "../../src/models/registry.js";
import { decodeModel } from "../../src/onnx/proto.js";
import { evaluate } from "../../src/operations/evaluate.js";
import { exportModel } from "../../src/operations/export.js";
import { predict } from "../../src/operations/predict.js";
import { checkCosine, quantize } from "../../src/operations/quantize.js";
import { synthesize } from "../../src/operations/synth.js";
import { train } from "../../src/operations/train.js";
import type { RunContext } from "../../src/run-context.js";
import { runCli, suiteFolder } from "../helpers.js";
import { runModel } from "../onnx/run.js";
import { NO_INTEGERS } from "../quantise/run.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const tiles = join(folder, "tiles");
const labels = join(tiles, "labels.csv");
const options = { tiles: [tiles], labels, size: 32, device: "cpu", head: { l2: 1 }, exclusive: [] } as const;
const [floats, integers] = [join(folder, "floats"), join(folder, "integers")];
let summaries: Awaited<ReturnType<typeof train>>[];

before(async () => {
  await synthesize({ count: 60, out: tiles, seed: 5 });
  // A file of the user's own has no card, so that ranges are observed on the tiles.
  const backbone = join(folder, "own.onnx");
  copyFileSync(join(BOX, "canopy.onnx"), backbone);
  summaries = [
    await train({ ...options, backbone, normalisation: "tf", out: floats }),
    await train({ ...options, backbone, normalisation: "tf", out: integers, precision: "int8" }),
  ];
});

const json = (model: string) => JSON.parse(readFileSync(join(model, "model.json"), "utf8"));
const operatorsOf = (model: Uint8Array) => decodeModel(model, "a network").graph.node.map(({ opType }) => opType);
/** The rows of a prediction with probabilities, by the name of the tile. */
const rowsOf = (path: string) =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));

test("an int8 model says so and holds its ranges; one with floats is written as before", () => {
  const [own, plain] = [json(integers), json(floats)];
  assert.equal(own.precision, "int8");
  assert.equal(own.version, 4);
  assert.ok(Object.keys(own.card.ranges).length > 50);
  assert.deepEqual([plain.precision, plain.version], [undefined, 2]);
  assert.deepEqual(
    summaries.map(({ precision }) => precision),
    ["fp32", "int8"],
  );
  assert.equal(summaries[0].kernels, null);
});

test("features with integers do not come from the cache of floats", () => {
  assert.deepEqual(
    summaries.map(({ cached }) => cached),
    [0, 0],
  );
});

test("the head is fitted on the features that integers give", async () => {
  const [a, b] = [await loadCheckpoint(floats), await loadCheckpoint(integers)];
  assert.notDeepEqual(a.head.weight, b.head.weight);
  const scores = await evaluate({ tiles: [tiles], labels, model: integers, device: "cpu" });
  const others = await evaluate({ tiles: [tiles], labels, model: floats, device: "cpu" });
  assert.ok(Math.abs(scores.f2 - others.f2) < 0.05, `${scores.f2} ${others.f2}`);
});

test("what runs is the network with integers, whatever kernels there are", async () => {
  const [own, plain] = [await openModel(integers, { device: "cpu" }), await openModel(floats, { device: "cpu" })];
  const isWhole = ({ backbone }: typeof own) => /^(QuantizeLinear|Round)$/m.test(operatorsOf(backbone).join("\n"));
  assert.deepEqual([isWhole(own), isWhole(plain)], [true, false]);
});

test("a model without its ranges is refused", async () => {
  const { card, ...rest } = json(integers);
  const broken = join(folder, "broken");
  await train({ ...options, out: broken });
  const { ranges: _, ...bare } = card;
  writeFileSync(join(broken, "model.json"), JSON.stringify({ ...rest, card: bare }));
  await assert.rejects(loadCheckpoint(broken), /precision.*a card with ranges/s);
});

test("integer kernels and their simulation give the same", { skip: NO_INTEGERS }, async () => {
  const [here, there] = [join(folder, "here.csv"), join(folder, "there.csv")];
  const { kernels, precision } = await predict({ inputs: [tiles], model: integers, out: here, probabilities: true });
  assert.deepEqual([precision, kernels], ["int8", "integer"]);
  const args = ["predict", tiles, "--model", integers, "--out", there, "--probabilities", "--json"];
  const { stdout } = runCli(args, { env: { CANOPY_SIMD: "avx2" } });
  assert.equal(JSON.parse(stdout).kernels, "simulated");
  const [a, b] = [rowsOf(here), rowsOf(there)];
  assert.equal(a.length, 60);
  // On ARM the integer kernel for sums of maps rounds otherwise.
  if (process.arch === "x64") assert.deepEqual(b, a);
  else assert.ok(a.filter((row, i) => row[1] !== b[i][1]).length <= 1);
});

test("quantize makes an int8 model of one with floats, with its own backbone, and says what changed", async () => {
  const out = join(folder, "quantized");
  const summary = await quantize({ model: floats, tiles: [tiles], out, device: "cpu" });
  assert.deepEqual([summary.tiles, summary.refitted, summary.f2], [60, "thresholds", null]);
  assert.ok(summary.cosine.least > 0.99 && summary.cosine.mean >= summary.cosine.least);
  assert.ok(summary.sameTags > 0.9);
  assert.ok(summary.integer > 50 && summary.float.some(({ operator }) => operator === "GlobalAveragePool"));
  const [before, after] = [await loadCheckpoint(floats), await loadCheckpoint(out)];
  assert.deepEqual([after.precision, after.head.weight], ["int8", before.head.weight]);
  // Without its own backbone the folder would not run.
  const scored = await evaluate({ tiles: [tiles], labels, model: out, device: "cpu" });
  assert.deepEqual([scored.tiles, scored.trainedOn], [60, 60]);
  await assert.rejects(quantize({ model: out, tiles: [tiles], out: join(folder, "twice") }), /8-bit integers already/);
  await assert.rejects(quantize({ model: floats, tiles: [tiles], out }), /exists already/);
  await assert.rejects(
    async () => quantize({ model: floats, tiles, out, split: "part" }),
    /`split` says how label files are read/,
  );
});

test("quantize with labels compares the old head with a new one, takes the better, and tells how far it is", async () => {
  const out = join(folder, "relearned");
  const [told, trainings]: [string[], number[]] = [[], []];
  const onProgress: RunContext["onProgress"] = ({ stage, done, total }) => {
    if (stage === "head") trainings.push(done, total as number);
  };
  const context = { onProgress, onNotice: (text: string) => told.push(text) };
  const { f2, refitted } = await quantize({ model: floats, tiles: [tiles], labels, out, device: "cpu" }, context);
  assert.ok(told.length > 0);
  assert.equal(new Set(told).size, told.length, `${told}`);
  const twelve = Array.from({ length: 6 }, (_, i) => [i + 1, 12]);
  assert.deepEqual(trainings, [[0, 12], twelve, [6, 12], twelve.map(([done, all]) => [done + 6, all])].flat(2));
  assert.ok(f2?.refitted);
  const isBetter = f2.refitted.before - f2.refitted.after < f2.before - f2.kept;
  assert.equal(refitted, isBetter ? "head" : "thresholds");
  const [before, after] = [await loadCheckpoint(floats), await loadCheckpoint(out)];
  assert.equal(isBetter, !after.head.weight.every((value, i) => value === before.head.weight[i]));
});

test("a network that loses too much is refused, with what stays float", () => {
  const float = [{ operator: "Softmax", name: "attention", reason: "ONNX Runtime has no integer kernel for it" }];
  assert.throws(
    () => checkCosine({ mean: 0.98, least: 0.9 }, "net", float),
    /net loses too much.*0\.980.*Softmax stay float.*auto/,
  );
  assert.deepEqual(checkCosine({ mean: 0.991, least: 0.9 }, "net", float), { mean: 0.991, least: 0.9 });
});

test("export writes the integers", async () => {
  const out = join(folder, "exported.onnx");
  const { difference } = await exportModel({ model: integers, out });
  assert.ok(difference < 0.02);
  const { graph, metadataProps } = decodeModel(readFileSync(out), out);
  assert.ok(graph.node.filter(({ opType }) => opType === "QuantizeLinear").length > 50);
  assert.equal(metadataProps.find(({ key }) => key === "canopy.precision")?.value, "int8");
});

test("a model of half precision says so, and on the CPU is one with floats", async () => {
  const out = join(folder, "halves");
  const own = { backbone: join(folder, "own.onnx"), normalisation: "tf", out, precision: "fp16" } as const;
  const { cached, precision, kernels } = await train({ ...options, ...own });
  assert.deepEqual([cached, precision, kernels], [60, "fp16", null]);
  assert.deepEqual([json(out).precision, json(out).version], ["fp16", 4]);
  const [a, b] = [await loadCheckpoint(floats), await loadCheckpoint(out)];
  assert.deepEqual(a.head, b.head);
  const exported = join(folder, "halves.onnx");
  await exportModel({ model: out, out: exported });
  const { metadataProps } = decodeModel(readFileSync(exported), exported);
  assert.equal(metadataProps.find(({ key }) => key === "canopy.precision")?.value, "fp32");
});

test("the recipe tutorial is refused with integers, and an unknown precision, too", async () => {
  const head = { recipe: "tutorial" } as const;
  await assert.rejects(
    train({ ...options, head, out: join(folder, "t"), precision: "int8" }),
    /tutorial computes with floats/,
  );
  await assert.rejects(train({ ...options, out: join(folder, "t"), precision: "int4" as "int8" }), /precision/);
});

test("exports for simulated kernels give what those for integer kernels give, in any session", async () => {
  const results = [];
  for (const kernels of KERNELS) {
    const out = join(folder, `${kernels}.onnx`);
    assert.ok((await exportModel({ model: integers, out, kernels })).difference < 1e-5);
    const pixels = Uint8Array.from({ length: 8 * 32 * 32 * 3 }, (_, i) => (i * 2654435761) >>> 24);
    const model = readFileSync(out);
    const { probabilities } = await runModel(model, { tiles: new ort.Tensor("uint8", pixels, [8, 32, 32, 3]) });
    results.push(Array.from(probabilities.data));
    const isPaired = decodeModel(model, out).graph.initializer.some(({ name }) => name.endsWith("_weight_zero"));
    assert.equal(isPaired, kernels === "integer");
  }
  if (!NO_INTEGERS && process.arch === "x64") assert.deepEqual(results[1], results[0]);
  await assert.rejects(
    exportModel({ model: floats, out: join(folder, "floats.onnx"), kernels: "simulated" }),
    /`kernels` is for models of 8-bit integers/,
  );
});
