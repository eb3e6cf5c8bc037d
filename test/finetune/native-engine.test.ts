import assert from "node:assert/strict";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { loadAddon, type NativeAddon } from "../../src/addon.js";
import { createTuningEngine } from "../../src/finetune/create-engine.js";
import type { TunableModel, TuningBatch, TuningEngine } from "../../src/finetune/engine.js";
import { createNativeEngine } from "../../src/finetune/native-engine.js";
import { planNative } from "../../src/finetune/native-plan.js";
import { buildTrainingGraphs, gradientName } from "../../src/finetune/training-graph.js";
import { runModel } from "../onnx/run.js";
import { invertedResiduals, makeBatch, oddWindows, squeezeAndExcite, TAGS } from "./native-networks.js";

const addon = loadAddon() as NativeAddon;
const skip = addon === undefined ? { skip: "the addon is not built" } : {};
const RATES = { backbone: 1e-3, head: 3e-3, weightDecay: 0.01 };
/** Of a tensor's largest entry. */
const TOLERANCE = 5e-4;

const NETWORKS: Record<string, TunableModel> = {
  "inverted residuals, even": invertedResiduals(20),
  "inverted residuals, odd": invertedResiduals(19),
  "squeeze and excite, even": squeezeAndExcite(20),
  "squeeze and excite, odd": squeezeAndExcite(21),
  "odd windows": oddWindows(13),
};
const KERNELS = ["plain", "portable", "avx2", "avx512"].filter(hasKernels);

function hasKernels(name: string): boolean {
  if (addon === undefined) return false;
  try {
    openTrainer(NETWORKS["odd windows"], { kernels: name }).trainer.close();
    return true;
  } catch (error) {
    assert.match((error as Error).message, /a set that this CPU has/);
    return false;
  }
}

function openTrainer(model: TunableModel, { kernels, threads = 1 }: { kernels?: string; threads?: number } = {}) {
  const network = planNative(model, 20);
  if ("reason" in network) throw new Error(network.reason);
  return { ...network, trainer: addon.createTrainer(network.plan, threads, kernels) };
}

async function nativeGradients(model: TunableModel, batch: TuningBatch, kernels: string) {
  const { parameters, trainer } = openTrainer(model, { kernels });
  try {
    await trainer.write(
      0,
      parameters.map(({ data }) => data),
    );
    const arrays = parameters.map(({ data }) => new Float32Array(data.length));
    const loss = await trainer.gradient(batch.tiles, batch.count, batch.targets, batch.dropout, arrays);
    return { loss, gradients: new Map(parameters.map(({ name }, i) => [name, arrays[i]])) };
  } finally {
    trainer.close();
  }
}

/** What ONNX Runtime says, from the graph that reverse mode made. */
async function onnxGradients(model: TunableModel, { tiles, count, targets, dropout }: TuningBatch) {
  const { training, parameters } = buildTrainingGraphs(model);
  const { size, numFeatures } = model;
  const outputs = await runModel(training, {
    ...Object.fromEntries(parameters.map(({ name, data, dims }) => [name, new ort.Tensor("float32", data, dims)])),
    tiles: new ort.Tensor("uint8", tiles, [count, size, size, 3]),
    targets: new ort.Tensor("float32", targets, [count, TAGS]),
    dropout: new ort.Tensor("float32", dropout as Float32Array, [count, numFeatures]),
    share: new ort.Tensor("float32", Float32Array.of(1 / (count * TAGS)), []),
  });
  return {
    loss: outputs["loss"].data[0],
    gradients: new Map(parameters.map(({ name }) => [name, outputs[gradientName(name)].data])),
  };
}

/** Largest difference, as a share of the largest entry of `b`. */
function difference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  return b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i])), 0) / largest;
}

for (const [name, model] of Object.entries(NETWORKS)) {
  test(`${name}: every set of kernels gives ONNX Runtime's loss and gradients`, skip, async () => {
    for (const count of [1, 11]) {
      const batch = makeBatch(model, count);
      const expected = await onnxGradients(model, batch);
      for (const kernels of KERNELS) {
        const { loss, gradients } = await nativeGradients(model, batch, kernels);
        assert.ok(
          Math.abs(loss - expected.loss) < 1e-5 * expected.loss,
          `${kernels}: loss ${loss}, not ${expected.loss}`,
        );
        assert.deepEqual([...gradients.keys()].sort(), [...expected.gradients.keys()].sort());
        for (const [weight, gradient] of expected.gradients) {
          const off = difference(gradients.get(weight) as Float32Array, gradient);
          assert.ok(off < TOLERANCE, `${kernels}, ${count} tiles: the gradient of ${weight} is off by ${off}`);
          assert.ok(
            gradient.some((value) => value !== 0),
            `${weight} learns nothing here`,
          );
        }
      }
    }
  });
}

test("the loss changes along the gradient as the gradient says", skip, async () => {
  const model = NETWORKS["squeeze and excite, odd"];
  const batch = makeBatch(model, 3);
  const { parameters, trainer } = openTrainer(model);
  const arrays = parameters.map(({ data }) => new Float32Array(data.length));
  const lossAt = async (step: number) => {
    await trainer.write(
      0,
      parameters.map(({ data }, p) => data.map((value, i) => value + step * arrays[p][i])),
    );
    const none = parameters.map(() => undefined);
    return trainer.gradient(batch.tiles, batch.count, batch.targets, batch.dropout, none);
  };
  await lossAt(0);
  await trainer.gradient(batch.tiles, batch.count, batch.targets, batch.dropout, arrays);
  const slope = arrays.flatMap((each) => [...each]).reduce((sum, value) => sum + value ** 2, 0);
  const step = 0.003;
  const found = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
  assert.ok(Math.abs(found - slope) < 0.02 * slope, `slope ${found}, from the gradient ${slope}`);
  trainer.close();
});

async function openEngine(model: TunableModel, threads = 1, kernels?: string): Promise<TuningEngine> {
  const options = { threads, batchSize: 20, ...(kernels && { kernels }) };
  const engine = await createNativeEngine(addon, model, options);
  if ("reason" in engine) throw new Error(engine.reason);
  return engine;
}

/** Losses of some steps and the state after them, as bytes in text. */
async function train(model: TunableModel, threads: number): Promise<string> {
  const engine = await openEngine(model, threads);
  const losses: number[] = [];
  for (const [step, count] of [20, 19, 8, 3].entries()) {
    losses.push(await engine.step(makeBatch(model, count, step), RATES));
  }
  const state = await engine.state();
  const logits = await engine.logits(makeBatch(model, 17).tiles, 17);
  await engine.close();
  assert.ok(losses.every((loss) => Number.isFinite(loss)));
  const maps = [state.weights, state.firstMoments, state.secondMoments];
  return JSON.stringify([losses, maps.map((map) => [...map].map(([name, data]) => [name, ...data])), [...logits]]);
}

test("the number of threads, and another run, change no bit", skip, async () => {
  for (const model of [NETWORKS["inverted residuals, odd"], NETWORKS["squeeze and excite, even"]]) {
    const once = await train(model, 1);
    for (const threads of [1, 2, 3]) assert.ok((await train(model, threads)) === once, `${threads} threads`);
  }
});

test("both engines take the same steps", skip, async () => {
  const model = NETWORKS["inverted residuals, even"];
  const options = { device: "cpu", threads: 1, batchSize: 12 } as const;
  const losses: number[][] = [];
  const logits: Float32Array[] = [];
  for (const name of ["native", "onnx"] as const) {
    const { engine } = await createTuningEngine(model, { ...options, engine: name });
    assert.equal(engine.name, name);
    const own: number[] = [];
    for (let step = 0; step < 5; step++) own.push(await engine.step(makeBatch(model, 12), RATES));
    losses.push(own);
    logits.push(await engine.logits(makeBatch(model, 9, 40).tiles, 9));
    await engine.close();
  }
  const [[first], ours, theirs] = [losses[0], losses[0], losses[1]];
  assert.ok(ours[4] < first, `the loss falls: ${ours}`);
  for (const [step, loss] of theirs.entries())
    assert.ok(Math.abs(loss - ours[step]) < 1e-3 * loss, `${ours}; ${theirs}`);
  assert.ok(difference(logits[0], logits[1]) < 2e-3);
});

test("only what is trainable learns, and the rest costs no gradient", skip, async () => {
  const whole = NETWORKS["inverted residuals, even"];
  const last = ["deep2_W", "deep2_b", "last_W"];
  const model = { ...whole, trainable: last };
  const expected = await onnxGradients(model, makeBatch(model, 5));
  for (const kernels of KERNELS) {
    const { gradients } = await nativeGradients(model, makeBatch(model, 5), kernels);
    for (const [name, gradient] of gradients) {
      const there = expected.gradients.get(name);
      if (there !== undefined) assert.ok(difference(gradient, there) < TOLERANCE, name);
    }
    assert.ok(gradients.get("stem_W")?.every((value) => value === 0));
  }
  const engine = await openEngine(model);
  const before = await engine.weights();
  await engine.step(makeBatch(model, 5), RATES);
  const after = await engine.weights();
  await engine.close();
  assert.deepEqual([...after.keys()].sort(), [...last, "head.bias", "head.weights"].sort());
  for (const [name, values] of after) assert.notDeepEqual(values, before.get(name), name);
});

test("a state restored in a new engine goes on with the same bits", skip, async () => {
  const model = NETWORKS["inverted residuals, odd"];
  const engine = await openEngine(model);
  for (let step = 0; step < 3; step++) await engine.step(makeBatch(model, 9, step), RATES);
  const other = await openEngine(model);
  await other.restore(await engine.state());
  const batch = makeBatch(model, 9, 60);
  assert.equal(await other.step(batch, RATES), await engine.step(batch, RATES));
  assert.deepEqual(await other.state(), await engine.state());
  const { weights, ...rest } = await engine.state();
  weights.delete("last_W");
  await assert.rejects(other.restore({ ...rest, weights }), /no values of "last_W"/);
  await engine.close();
  await other.close();
});

test("a loss that is no number changes nothing; an empty or too large batch is refused", skip, async () => {
  const model = NETWORKS["odd windows"];
  const engine = await openEngine(model);
  const batch = makeBatch(model, 3);
  const before = await engine.state();
  assert.ok(Number.isNaN(await engine.step({ ...batch, targets: batch.targets.map(() => Number.NaN) }, RATES)));
  assert.deepEqual(await engine.state(), before);
  await assert.rejects(
    async () => engine.step({ ...batch, count: 0 }, RATES),
    /`count` to be a whole number from 1 to 20/,
  );
  await assert.rejects(async () => engine.step({ ...batch, count: 21 }, RATES), /`count`/);
  await assert.rejects(async () => engine.step({ ...batch, tiles: batch.tiles.subarray(1) }, RATES), /`tiles` to have/);
  await assert.rejects(async () => engine.logits(batch.tiles, 4), /`tiles` to have/);
  assert.equal((await engine.logits(batch.tiles, 0)).length, 0);
  await engine.close();
  await assert.rejects(async () => engine.step(batch, RATES), /The trainer is closed/);
});
