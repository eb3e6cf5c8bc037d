import assert from "node:assert/strict";
import { test } from "node:test";
import { BETA1 } from "../../src/finetune/adamw.js";
import { HEAD_BIAS, HEAD_WEIGHTS, type TunableModel, type TuningEngine } from "../../src/finetune/engine.js";
import { createOnnxEngine, type OnnxEngineOptions } from "../../src/finetune/onnx-engine.js";
import { makeBatch, openModel, TAGS } from "./models.js";
import { FEATURES, NETWORKS, type Network } from "./networks.js";

const RATES = { backbone: 0.01, head: 0.02, weightDecay: 0.1 };
const COUNT = 5;

async function withEngine<Result>(
  model: TunableModel,
  work: (engine: TuningEngine) => Promise<Result>,
  options: Partial<OnnxEngineOptions> = {},
): Promise<Result> {
  const engine = await createOnnxEngine(model, { device: "cpu", threads: 1, batchSize: COUNT, ...options });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** Weights and losses after three steps. */
async function threeSteps(engine: TuningEngine) {
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) losses.push(await engine.step(makeBatch(COUNT), RATES));
  return { losses, weights: await engine.weights() };
}

test("the loss of a step is the mean cross-entropy of the logits before it", async () => {
  await withEngine(openModel(NETWORKS["ResNet"]), async (engine) => {
    const { tiles, count, targets } = makeBatch(COUNT);
    const logits = await engine.logits(tiles, count);
    const terms = Array.from(logits, (z, i) => Math.log(1 + Math.exp(z)) - z * targets[i]);
    const mean = terms.reduce((a, b) => a + b, 0) / (COUNT * TAGS);
    assert.ok(Math.abs((await engine.step(makeBatch(COUNT), RATES)) - mean) < 1e-6);
  });
});

test("the first step changes each weight by its rate in its gradient's sign, after its decay", async () => {
  const model = openModel(NETWORKS["ResNet"]);
  await withEngine(model, async (engine) => {
    const before = await engine.weights();
    await engine.step(makeBatch(COUNT), RATES);
    const { weights, firstMoments } = await engine.state();
    for (const [name, values] of weights) {
      const rate = name === HEAD_WEIGHTS || name === HEAD_BIAS ? RATES.head : RATES.backbone;
      for (const [i, value] of values.entries()) {
        const gradient = (firstMoments.get(name)?.[i] ?? Number.NaN) / (1 - BETA1);
        const kept = (before.get(name)?.[i] ?? Number.NaN) * (1 - rate * RATES.weightDecay);
        const expected = kept - (rate * gradient) / (Math.abs(gradient) + 1e-8);
        assert.ok(Math.abs(value - expected) < 1e-5, `${name} ${i}: ${value}, not ${expected}`);
      }
    }
  });
});

test("dropout's factors take part in the step, and not in the logits", async () => {
  await withEngine(openModel(NETWORKS["ViT"]), async (engine) => {
    const batch = { ...makeBatch(COUNT), dropout: new Float32Array(COUNT * FEATURES) };
    const expected = Math.log(2);
    await engine.restore(await withoutBias(engine));
    assert.ok(Math.abs((await engine.step(batch, RATES)) - expected) < 1e-6);
    const { firstMoments } = await engine.state();
    assert.ok(firstMoments.get(HEAD_WEIGHTS)?.every((value) => value === 0));
    assert.ok(firstMoments.get("weight0")?.every((value) => value === 0));
    const logits = await engine.logits(batch.tiles, COUNT);
    assert.ok(logits.slice(0, TAGS).some((value, tag) => Math.abs(value - logits[TAGS + tag]) > 1e-3));
  });
});

async function withoutBias(engine: TuningEngine) {
  const state = await engine.state();
  state.weights.get(HEAD_BIAS)?.fill(0);
  return state;
}

test("restored, an engine goes on with the same bits", async () => {
  const model = openModel(NETWORKS["EfficientNet"]);
  const [state, expected] = await withEngine(model, async (engine) => {
    await threeSteps(engine);
    return [await engine.state(), await threeSteps(engine)] as const;
  });
  assert.equal(state.steps, 3);
  assert.deepEqual(
    await withEngine(model, async (engine) => {
      await engine.restore(state);
      return threeSteps(engine);
    }),
    expected,
  );
});

test("a state of another network is refused", async () => {
  const state = await withEngine(openModel(NETWORKS["ViT"]), (engine) => engine.state());
  await withEngine(openModel(NETWORKS["ResNet"]), async (engine) => {
    await assert.rejects(engine.restore(state), /has no weight "weight0" of 108 numbers/);
  });
});

test("two threads give the bits of one", async () => {
  for (const network of Object.values(NETWORKS)) {
    const model = openModel(network);
    assert.deepEqual(await withEngine(model, threeSteps, { threads: 2 }), await withEngine(model, threeSteps));
  }
});

test("a batch cut into runs gives the gradients of one run", async () => {
  const model = openModel(NETWORKS["MobileNetV3"]);
  const whole = await withEngine(model, threeSteps);
  const cut = await withEngine(model, threeSteps, { tilesPerRun: 2 });
  for (const [step, loss] of whole.losses.entries()) assert.ok(Math.abs(loss - cut.losses[step]) < 1e-5);
});

test("weights that do not learn stay", async () => {
  const model = openModel(NETWORKS["ConvNeXt"]);
  const trainable = model.trainable.slice(-3);
  const { weights, losses } = await withEngine({ ...model, trainable }, threeSteps);
  assert.deepEqual([...weights.keys()], [...trainable, HEAD_WEIGHTS, HEAD_BIAS]);
  assert.ok(losses[2] < losses[0]);
});

/** A network with an operator in the middle that has no rule. */
const withCumSum: Network = (maker, pixels) => {
  const { graph } = maker;
  const before = graph.node("Conv", [pixels, maker.weight([4, 3, 1, 1])]);
  const axis = graph.initializer("axis", { type: "int64", dims: [], data: BigInt64Array.of(2n) });
  const sums = graph.node("CumSum", [graph.node("Relu", [before]), axis], {}, "running sums");
  const after = graph.node("Relu", [graph.node("Conv", [sums, maker.weight([4, 4, 1, 1])])]);
  const last = graph.node("Conv", [after, maker.weight([FEATURES, 4, 1, 1])]);
  return graph.node("Flatten", [graph.node("GlobalAveragePool", [last])]);
};

test("an operator that has no rule is named, with what can be tuned behind it", async () => {
  const model = openModel(withCumSum);
  await assert.rejects(withEngine(model, threeSteps), {
    message:
      'canopy cannot differentiate the operator CumSum of node "running sums": it has no rule. ' +
      "What can learn is the last 2 blocks: `finetune.blocks: 2`.",
  });
  const { losses } = await withEngine({ ...model, trainable: model.trainable.slice(1) }, threeSteps);
  assert.ok(losses[2] < losses[0]);
});

test("a weight that is not there, cannot learn, or has the head's name is refused by name", async () => {
  const refusals: Record<string, RegExp> = {
    nobody: /has no weight "nobody"/,
    mean: /BatchNormalization .*: its mean and variance cannot learn/,
    [HEAD_BIAS]: /weight "head.bias" has the name of canopy's own head/,
  };
  for (const [name, message] of Object.entries(refusals)) {
    await assert.rejects(withEngine({ ...openModel(NETWORKS["ResNet"]), trainable: [name] }, threeSteps), message);
  }
});
