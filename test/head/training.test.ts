import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deserialize, serialize } from "node:v8";
import { loadAddon } from "../../src/addon.js";
import { InputError } from "../../src/errors.js";
import { type GradientConfig, type HeadOptions, resolveHeadConfig } from "../../src/head/config.js";
import type { FeatureMatrix } from "../../src/head/feature-matrix.js";
import { computeLogitsPlainly, sigmoid } from "../../src/head/head.js";
import { computeLogits } from "../../src/head/logits.js";
import { STEPPER_KINDS } from "../../src/head/stepper.js";
import { trainHead } from "../../src/head/train.js";
import { createRandom } from "../../src/random.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";

const steppers = STEPPER_KINDS.filter((kind) => kind === "onnx" || loadAddon() !== undefined);

/** Two separable tags over five features (an odd number, for the kernels' tails), plus noise. */
function separable(rows = 100): { features: FeatureMatrix; labels: LabelMatrix } {
  const random = createRandom(7);
  const data = Float32Array.from({ length: rows * 5 }, () => 2 * random.uniform() - 1);
  const cells = Array.from({ length: rows }, (_, row) => {
    const [a, b, c] = [data[row * 5], data[row * 5 + 1], data[row * 5 + 4]];
    return [a + 0.5 * b > 0 ? 1 : 0, c > 0.2 ? 1 : 0];
  });
  return {
    features: { data, rows, numFeatures: 5 },
    labels: { data: Uint8Array.from(cells.flat()), rows, tags: ["diagonal", "high"] },
  };
}

function gradient(options: HeadOptions): GradientConfig {
  return resolveHeadConfig(options) as GradientConfig;
}

describe("trainHead", () => {
  for (const optimizer of ["rmsprop", "adam", "sgd", "lbfgs"] as const) {
    it(`${optimizer} learns a separable set`, async () => {
      const { features, labels } = separable();
      const options = {
        optimizer,
        ...(optimizer === "lbfgs" ? { l2: 1e-4 } : { learningRate: optimizer === "sgd" ? 1 : 0.05, epochs: 60 }),
      };
      const { history, completed } = await trainHead(features, labels, resolveHeadConfig(options));
      assert.equal(completed, true);
      assert.ok((history.at(-1)?.binaryAccuracy ?? 0) > 0.97, `${history.at(-1)?.binaryAccuracy}`);
    });
  }

  it("gives the same bits for the same seed, with any number of threads", async () => {
    const { features, labels } = separable(1000);
    for (const options of [{ optimizer: "adam", epochs: 3 }, { optimizer: "lbfgs" }] as const) {
      const [one, many] = await Promise.all(
        [1, 5].map((threads) => trainHead(features, labels, resolveHeadConfig(options), { threads })),
      );
      assert.deepEqual(one.head, many.head);
    }
  });

  it("differs from seed to seed", async () => {
    const { features, labels } = separable();
    const heads = [1, 2].map((seed) => trainHead(features, labels, gradient({ optimizer: "adam", epochs: 1, seed })));
    const [a, b] = await Promise.all(heads);
    assert.notDeepEqual(a.head.weight, b.head.weight);
  });

  it("scores held-out tiles after each epoch", async () => {
    const { features, labels } = separable();
    const config = gradient({ optimizer: "adam", epochs: 2 });
    const { history } = await trainHead(features, labels, config, { validation: { features, labels } });
    assert.deepEqual(
      history.map(({ epoch, valLoss }) => [epoch, valLoss !== null && valLoss > 0]),
      [
        [1, true],
        [2, true],
      ],
    );
  });

  it("scores held-out tiles on the way of L-BFGS, and ends with the head it returns", async () => {
    const { features, labels } = separable();
    const config = resolveHeadConfig({ optimizer: "lbfgs", l2: 1e-4 });
    const seen: number[] = [];
    const onEpoch = ({ epoch }: { epoch: number }) => seen.push(epoch);
    const { head, history } = await trainHead(features, labels, config, { validation: { features, labels }, onEpoch });
    const epochs = history.map(({ epoch }) => epoch);
    assert.ok(epochs.length > 2 && epochs.slice(0, -1).every((epoch, i) => epoch === 2 ** i), epochs.join());
    assert.ok(epochs.at(-1)! > epochs.at(-2)!, epochs.join());
    assert.deepEqual(seen, epochs);
    assert.ok(history.every(({ loss }, i) => i === 0 || loss < history[i - 1].loss));
    assert.ok(history.every(({ loss, valLoss }) => loss === valLoss));
    const alone = await trainHead(features, labels, config);
    assert.deepEqual(alone.head, head);
    assert.deepEqual(alone.history, [{ ...history.at(-1)!, valLoss: null, valBinaryAccuracy: null, valF2: null }]);
  });

  it("reads features window by window, the order of windows and rows following from the seed", async () => {
    const { features, labels } = separable(96);
    const read = async (start: number, count: number) => features.data.subarray(start * 5, (start + count) * 5);
    const source = { rows: 96, numFeatures: 5, windowRows: 40, read };
    const config = gradient({ optimizer: "sgd", learningRate: 0.5, epochs: 30, batchSize: 8 });
    const [once, again] = [await trainHead(source, labels, config), await trainHead(source, labels, config)];
    assert.deepEqual(once.head, again.head);
    assert.ok(once.history.at(-1)!.loss < 0.5 * once.history[0].loss);
  });

  it("says which option has no meaning for an optimiser", () => {
    assert.throws(() => resolveHeadConfig({ optimizer: "lbfgs", epochs: 5 }), /`epochs` has no meaning.*lbfgs/);
    assert.throws(() => resolveHeadConfig({ optimizer: "adam", l2: 1 }), /`l2` has no meaning/);
    assert.throws(() => resolveHeadConfig({ optimizer: "rmsprop", batchSize: 0 }), RangeError);
    assert.throws(() => resolveHeadConfig({ optimizer: "sdg" as never }), /one of rmsprop, adam, sgd, lbfgs/);
  });

  it("refuses another optimiser beside the tutorial's recipe", () => {
    for (const optimizer of ["adam", "lbfgs"] as const) {
      assert.throws(
        () => resolveHeadConfig({ recipe: "tutorial", optimizer }),
        /recipe tutorial is RMSprop.*leave out/,
      );
    }
    assert.equal(resolveHeadConfig({ recipe: "tutorial", optimizer: "rmsprop" }).optimizer, "rmsprop");
  });
});

describe("a stopped training", () => {
  for (const stepper of steppers) {
    it(`goes on bit for bit as if it had never stopped (${stepper})`, async () => {
      const { features, labels } = separable(70);
      for (const optimizer of ["rmsprop", "adam", "sgd"] as const) {
        const momentum = optimizer === "adam" ? {} : { momentum: 0.5 };
        const config = gradient({ optimizer, learningRate: 0.01, epochs: 5, ...momentum });
        const whole = await trainHead(features, labels, config, { stepper });
        const stop = new AbortController();
        const onEpoch = ({ epoch }: { epoch: number }) => epoch === 2 && stop.abort();
        const half = await trainHead(features, labels, config, { stepper, signal: stop.signal, onEpoch });
        assert.deepEqual([half.completed, half.history.length], [false, 2]);
        const resumeFrom = deserialize(serialize(half.state));
        const rest = await trainHead(features, labels, config, { stepper, resumeFrom });
        assert.deepEqual([rest.head, rest.history], [whole.head, whole.history]);
      }
    });
  }

  it("does not go on with other settings", async () => {
    const { features, labels } = separable();
    const { state } = await trainHead(features, labels, gradient({ optimizer: "adam", epochs: 1 }));
    const other = gradient({ optimizer: "adam", epochs: 2, learningRate: 0.5 });
    await assert.rejects(trainHead(features, labels, other, { resumeFrom: state! }), InputError);
  });
});

describe("a step", () => {
  for (const stepper of steppers) {
    it(`follows the gradient that finite differences give (${stepper})`, async () => {
      const { features, labels } = separable(12);
      const initial = { ...startHead(), numFeatures: 5, numTags: 2 };
      // One plain step of rate 1 over all rows moves each weight by minus its gradient.
      const config = gradient({ optimizer: "sgd", learningRate: 1, epochs: 1, batchSize: 12 });
      const { head, history } = await trainHead(features, labels, config, { initial, stepper });
      const value = (weight: Float64Array) => referenceLoss(weight, features, labels);
      const start = Float64Array.from([...initial.weight, ...initial.bias]);
      assert.ok(Math.abs(history[0].loss - value(start)) < 1e-6);
      const stepped = [...head.weight, ...head.bias];
      stepped.forEach((after, i) => {
        const [up, down] = [start.slice(), start.slice()];
        up[i] += 1e-5;
        down[i] -= 1e-5;
        const slope = (value(up) - value(down)) / 2e-5;
        assert.ok(Math.abs(start[i] - after - slope) < 1e-6, `${i}: ${start[i] - after} for ${slope}`);
      });
    });
  }
});

describe("computeLogits", () => {
  it("gives in native kernels what plain JavaScript gives, for odd shapes too", async () => {
    const random = createRandom(3);
    for (const [rows, numFeatures, numTags] of [
      [1, 1, 1],
      [33, 17, 5],
      [70, 130, 18],
    ] as const) {
      const draw = (length: number) => Float32Array.from({ length }, () => random.uniform() - 0.5);
      const head = { weight: draw(numFeatures * numTags), bias: draw(numTags), numFeatures, numTags };
      const features = { data: draw(rows * numFeatures), rows, numFeatures };
      const [got, want] = [await computeLogits(head, features, 2), computeLogitsPlainly(head, features)];
      got.forEach((value, i) => {
        assert.ok(Math.abs(value - want[i]) < 1e-5);
      });
    }
  });
});

it("a window that is read ahead and fails, after the steps have failed, ends nothing else", async (t) => {
  const unhandled: unknown[] = [];
  const listen = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", listen);
  t.after(() => process.off("unhandledRejection", listen));
  const { labels } = separable();
  const config = resolveHeadConfig({ optimizer: "adam", epochs: 1, shuffle: false });
  // The first window is too short for the steps.
  const read = async (start: number) => {
    if (start > 0) throw new Error("the disk has gone");
    return new Float32Array(1);
  };
  await assert.rejects(
    trainHead({ rows: 100, numFeatures: 5, windowRows: 50, read }, labels, config),
    /^(?!.*the disk has gone)/,
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(unhandled, []);
});

function startHead(): { weight: Float32Array; bias: Float32Array } {
  const random = createRandom(11);
  return {
    weight: Float32Array.from({ length: 10 }, () => 2 * random.uniform() - 1),
    bias: Float32Array.of(0.3, -0.2),
  };
}

/** Binary cross-entropy in float64, as the textbook has it. */
function referenceLoss(weights: Float64Array, { data }: FeatureMatrix, labels: LabelMatrix): number {
  let sum = 0;
  for (let cell = 0; cell < labels.data.length; cell++) {
    const [row, tag] = [Math.floor(cell / 2), cell % 2];
    let z = weights[10 + tag];
    for (let f = 0; f < 5; f++) z += data[row * 5 + f] * weights[f * 2 + tag];
    sum -= Math.log(sigmoid(labels.data[cell] === 1 ? z : -z));
  }
  return sum / labels.data.length;
}
