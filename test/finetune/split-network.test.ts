import assert from "node:assert/strict";
import { describe, test } from "node:test";
import ort from "onnxruntime-node";
import { loadAddon } from "../../src/addon.js";
import { createTuningEngine } from "../../src/finetune/create-engine.js";
import type { TunableModel, TuningBatch, TuningEngine } from "../../src/finetune/engine.js";
import { type SplitNetwork, splitNetwork } from "../../src/finetune/split-network.js";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { weightBlocks } from "../../src/onnx/learnable.js";
import { FEATURES, TILES } from "../../src/onnx/prepare.js";
import { decodeModel } from "../../src/onnx/proto.js";
import { float32 } from "../../src/onnx/tensor.js";
import { maxDifference, runModel } from "../onnx/run.js";
import * as kinds from "./models.js";
import * as mobile from "./native-networks.js";
import { NETWORKS } from "./networks.js";

const COUNT = 6;
const RATES = { backbone: 1e-3, head: 1e-3, weightDecay: 0.01 };

function split(model: TunableModel, trainable: readonly string[]): SplitNetwork {
  const found = splitNetwork(model.network, trainable);
  assert.ok(!("reason" in found), "reason" in found ? found.reason : "");
  return found;
}

async function featuresOf(network: Uint8Array, tiles: ort.Tensor): Promise<Float32Array> {
  return (await runModel(network, { [TILES]: tiles }))[FEATURES].data;
}

/** Losses of three steps and the logits after them. */
async function train(model: TunableModel, batch: TuningBatch, engine: TuningEngine["name"]): Promise<Float32Array> {
  const opened = await createTuningEngine(model, { device: "cpu", threads: 1, batchSize: COUNT, engine });
  try {
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) losses.push(await opened.engine.step(batch, RATES));
    return Float32Array.of(...losses, ...(await opened.engine.logits(batch.tiles, COUNT)));
  } finally {
    await opened.engine.close();
  }
}

/** Splits `model` below each of its blocks but the first. */
async function checkAll(model: TunableModel, batch: TuningBatch, engines: readonly TuningEngine["name"][]) {
  const blocks = weightBlocks(decodeModel(model.network, "The network").graph);
  assert.ok(blocks.length > 1);
  const pixels = new ort.Tensor("uint8", batch.tiles, [COUNT, model.size, model.size, 3]);
  const whole = await featuresOf(model.network, pixels);
  for (let from = 1; from < blocks.length; from++) {
    const trainable = blocks.slice(from).flat();
    const { lower, upper, floats } = split(model, trainable);
    const stored = await featuresOf(lower, pixels);
    assert.equal(stored.length, COUNT * floats);
    const features = await featuresOf(upper, new ort.Tensor("float32", stored, [COUNT, floats]));
    assert.ok(maxDifference(features, whole) < 1e-5, `features, block ${from}`);
    for (const engine of engines) {
      const expected = await train({ ...model, trainable }, batch, engine);
      const part = { ...model, network: upper, stored: floats, trainable };
      const found = await train(part, { ...batch, tiles: stored }, engine);
      assert.ok(maxDifference(found, expected) < 1e-4, `${engine}, block ${from}: ${found}; ${expected}`);
    }
  }
}

describe("a network split below the weights that learn takes the steps of the whole one", () => {
  for (const [kind, network] of Object.entries(NETWORKS)) {
    test(kind, () => checkAll(kinds.openModel(network), kinds.makeBatch(COUNT), ["onnx"]));
  }
  const skip = loadAddon() === undefined ? { skip: "the addon is not built" } : {};
  for (const make of [mobile.invertedResiduals, mobile.squeezeAndExcite]) {
    test(make.name, skip, async () => {
      const model = make(13);
      await checkAll(model, mobile.makeBatch(model, COUNT), ["native", "onnx"]);
    });
  }
});

test("means of maps below the learning blocks pass beside them", async () => {
  const model = mobile.squeezeAndExcite(12);
  const { lower, upper, floats } = split(model, ["deep1_W", "deep1_b", "sigmoid_W", "sigmoid_b", "gemm_W", "gemm_b"]);
  // 16 means of the first level, and the map of the ordinary convolution after its activation: 18 of 1 x 3.
  assert.equal(floats, 16 + 18 * 3);
  assert.deepEqual(
    decodeModel(upper, "The upper part").graph.input.map(({ name }) => name),
    [TILES],
  );
  const pixels = new ort.Tensor("uint8", mobile.makeBatch(model, COUNT).tiles, [COUNT, 12, 12, 3]);
  const stored = new ort.Tensor("float32", await featuresOf(lower, pixels), [COUNT, floats]);
  const whole = await featuresOf(model.network, pixels);
  assert.ok(maxDifference(await featuresOf(upper, stored), whole) < 1e-5);
});

test("it says why a network cannot be split", () => {
  const graph = new GraphBuilder("pixels");
  const tiles = graph.input(TILES, "float32", ["N", 4]);
  const open = graph.input("open", "float32", ["N", "M"]);
  const weight = graph.initializer("weight", float32([4, 4], new Float32Array(16)));
  const last = graph.initializer("last", float32([4, 4], new Float32Array(16)));
  const product = graph.node("MatMul", [tiles, weight]);
  graph.output(FEATURES, graph.node("Mul", [graph.node("MatMul", [product, last]), open]), "float32", ["N", 4]);
  const network = graph.build();
  assert.deepEqual(splitNetwork(network, ["weight", "last"]), { reason: "the lowest of them read the tiles" });
  assert.deepEqual(splitNetwork(network, ["last"]), {
    reason: 'of the values below them, "open" has no fixed size for each tile',
  });
});
