import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DECODE_DEFAULTS } from "../../src/decode/decoder.js";
import { DecodePool } from "../../src/decode/pool.js";
import { InterruptedError } from "../../src/errors.js";
import { resolveFinetune } from "../../src/finetune/config.js";
import type { NetworkInput, TuningEngine, TuningState } from "../../src/finetune/engine.js";
import { ratesOf } from "../../src/finetune/schedule.js";
import { logitsOf, type TuneState, type TuneTask, tune } from "../../src/finetune/tune.js";
import { TuningTiles } from "../../src/finetune/tuning-tiles.js";
import { WeightAverage } from "../../src/finetune/weight-average.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";
import { suiteFolder } from "../helpers.js";
import { writeTiles } from "../images.js";

const SIZE = 8;
const pool = new DecodePool({ workers: 1 });
after(() => pool.close());
const tiles = await writeTiles(suiteFolder(), 40, 12);
const labels: LabelMatrix = { tags: ["a"], rows: 40, data: Uint8Array.from({ length: 40 }, (_, i) => i % 2) };
const rows = (from: number, to: number) => Uint32Array.from({ length: to - from }, (_, i) => from + i);

/** Its only weight grows by 1 a step; the logit of a tile is `bias`, and the loss what the test says. */
function fakeEngine(lossOf: (step: number) => number = () => 0.5, logitOf: (weight: number) => number = () => 0) {
  let state: TuningState = empty(0);
  const seen: { targets: number[]; dropout: number[]; sum: number }[] = [];
  const engine: TuningEngine = {
    name: "onnx",
    step: async ({ tiles: pixels, targets, dropout }) => {
      seen.push({ targets: [...targets], dropout: [...(dropout ?? [])], sum: sumOf(pixels) });
      const steps = state.steps + 1;
      state = { ...empty(weightOf(state) + 1), steps };
      return lossOf(steps);
    },
    logits: async (_, count) => new Float32Array(count).fill(logitOf(weightOf(state))),
    weights: async () => structuredClone(state.weights),
    state: async () => structuredClone(state),
    restore: async (given) => {
      state = structuredClone(given);
    },
    close: async () => {},
  };
  return { engine, seen };
}

const sumOf = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0);
const weightOf = ({ weights }: TuningState) => weights.get("head.weights")?.[0] ?? Number.NaN;
function empty(weight: number): TuningState {
  const weights = new Map([["head.weights", Float32Array.of(weight, 0)]]);
  return { steps: 0, weights, firstMoments: new Map(), secondMoments: new Map() };
}

function taskFor(engine: TuningEngine, more: Partial<TuneTask> = {}): TuneTask {
  const config = { ...resolveFinetune({ epochs: 6 }, 1), averagedEpochs: 0 };
  const decode = { ...DECODE_DEFAULTS, size: SIZE };
  return {
    engine,
    source: new TuningTiles({ pool, tiles, decode, batchSize: 32 }),
    labels,
    train: rows(0, 34),
    watched: rows(34, 40),
    start: empty(0).weights,
    rounded: (weights) => structuredClone(weights),
    config,
    stream: 0,
    keep: async () => {},
    ...more,
  };
}

test("all epochs are done while the loss on unseen tiles falls, and the last weights are taken", async () => {
  // Half of the labels are 1, so that the loss grows with the distance of the logit from 0.
  const { engine, seen } = fakeEngine(undefined, (weight) => 20 - weight);
  const tuned = await tune(taskFor(engine));
  assert.equal(tuned?.epoch, 6);
  assert.equal(seen.length, 12);
  assert.equal(tuned.weights.get("head.weights")?.[0], 12);
  assert.deepEqual(
    tuned.history.map(({ epoch, loss }) => [epoch, loss]),
    [1, 2, 3, 4, 5, 6].map((epoch) => [epoch, 0.5]),
  );
  for (const { valLoss, valF2 } of tuned.history) assert.ok(valLoss !== null && valF2 !== null);
});

test("it ends when the loss on unseen tiles has risen for too long, with the best weights", async () => {
  const { engine, seen } = fakeEngine(undefined, (weight) => weight - 4);
  const task = taskFor(engine);
  const tuned = await tune(task);
  assert.equal(task.config.patience, 3);
  assert.equal(tuned?.epoch, 2);
  assert.equal(tuned.weights.get("head.weights")?.[0], 4);
  assert.equal(seen.length, 10);
});

test("a loss that is no number ends it with the best weights so far, or with none", async () => {
  const late = fakeEngine((step) => (step === 6 ? Number.NaN : 0.5));
  const tuned = await tune(taskFor(late.engine));
  assert.deepEqual([tuned?.epoch, tuned?.divergedIn], [1, 3]);
  const early = fakeEngine(() => Number.POSITIVE_INFINITY);
  assert.equal(await tune(taskFor(early.engine)), undefined);
  const blind = fakeEngine(undefined, () => Number.NaN);
  assert.equal(await tune(taskFor(blind.engine)), undefined);
});

test("each epoch shows every tile once, in another order and altered otherwise; dropout leaves out its share", async () => {
  const { engine, seen } = fakeEngine();
  await tune(taskFor(engine, { epochs: 2 }));
  assert.deepEqual(
    seen.map(({ targets }) => targets.length),
    [32, 2, 32, 2],
  );
  assert.notDeepEqual(seen[0].targets, seen[2].targets);
  assert.notEqual(seen[0].sum + seen[1].sum, seen[2].sum + seen[3].sum);
  for (const [i, { dropout, targets }] of seen.entries()) {
    assert.equal(dropout.length, targets.length * 2);
    assert.ok(
      dropout.every((each) => each === 0 || each === 1.25),
      `step ${i}`,
    );
  }
  const out = seen.flatMap(({ dropout }) => dropout).filter((each) => each === 0).length;
  assert.ok(out > 10 && out < 50, `${out} of 136`);
});

test("stopped after any step, it goes on with what a whole training sees", async () => {
  const whole = fakeEngine();
  const expected = await tune(taskFor(whole.engine, { epochs: 3 }));
  for (const last of [1, 2, 3, 5]) {
    const stop = new AbortController();
    let steps = 0;
    let saved: TuneState | undefined;
    const first = fakeEngine();
    const stopped = taskFor(first.engine, {
      epochs: 3,
      signal: stop.signal,
      onStep: () => ++steps === last && stop.abort(),
      keep: async (state) => {
        saved = structuredClone(state);
      },
    });
    await assert.rejects(tune(stopped), InterruptedError);
    const second = fakeEngine();
    assert.deepEqual(await tune(taskFor(second.engine, { epochs: 3 }), saved), expected);
    assert.deepEqual([...first.seen, ...second.seen], whole.seen, `after ${last} steps`);
  }
});

test("stopped while tiles are read or scored, it keeps where it is, too", async () => {
  const expected = await tune(taskFor(fakeEngine().engine, { epochs: 2 }));
  // An epoch reads two batches to learn and one that is unseen. The steps that are done when each is read:
  for (const [last, steps] of [0, 1, 2, 2, 3, 4].entries()) {
    const stop = new AbortController();
    let reads = 0;
    let saved: TuneState | undefined;
    const { engine } = fakeEngine();
    const task = taskFor(engine, { epochs: 2, signal: stop.signal });
    const read: typeof task.source.read = async function* (...args) {
      for await (const batch of task.source.read(...args)) {
        if (reads++ === last) stop.abort();
        if (stop.signal.aborted) throw new InterruptedError();
        yield batch;
      }
    };
    const keep = async (state: TuneState) => {
      saved = structuredClone(state);
    };
    await assert.rejects(tune({ ...task, source: { read }, keep }), InterruptedError);
    assert.equal(saved?.engine.steps, steps, `${last}`);
    assert.deepEqual(await tune(taskFor(fakeEngine().engine, { epochs: 2 }), saved), expected, `${last}`);
  }
});

test("weights that are no numbers end it also without unseen tiles", async () => {
  const { engine } = fakeEngine();
  const broken = { ...engine, weights: async () => new Map([["head.weights", Float32Array.of(Number.NaN, 0)]]) };
  assert.equal(await tune(taskFor(broken, { watched: rows(0, 0) })), undefined);
});

test("killed after any state that was kept, it goes on to the same end", async () => {
  const states: TuneState[] = [];
  const keep = async (state: TuneState) => {
    states.push(structuredClone(state));
  };
  const expected = await tune(taskFor(fakeEngine().engine, { epochs: 3, isKeepDue: () => true, keep }));
  // After each of two steps, and after the epoch.
  assert.equal(states.length, 9);
  for (const state of states)
    assert.deepEqual(await tune(taskFor(fakeEngine().engine, { epochs: 3 }), state), expected);
});

test("logits are the mean over the views of each tile", async () => {
  const { engine } = fakeEngine();
  const sums = { ...engine, logits: async (pixels: NetworkInput, count: number) => firstPixels(pixels, count) };
  const firstPixels = (pixels: NetworkInput, count: number) =>
    Float32Array.from({ length: count }, (_, i) => pixels[i * SIZE * SIZE * 3]);
  const task = taskFor(sums);
  const some = rows(3, 8);
  const [left, right] = [await logitsOf(task, some, [0]), await logitsOf(task, some, [4])];
  assert.notDeepEqual(left, right);
  const mean = await logitsOf(task, some, [0, 4]);
  assert.deepEqual(
    mean,
    left.map((value, i) => (value + right[i]) / 2),
  );
});

test("rates rise in a fifth of the steps and fall to nothing; the head's are three times the backbone's", () => {
  const config = resolveFinetune({ learningRate: 1e-3 }, 1);
  const rates = Array.from({ length: 100 }, (_, step) => ratesOf(step, 100, config));
  const backbone = rates.map((each) => each.backbone);
  assert.equal(Math.max(...backbone), backbone[20]);
  assert.ok(Math.abs(backbone[20] - 1e-3) < 1e-9 && backbone[0] < 1e-4 && backbone[99] < 1e-5);
  for (const { head, backbone: own, weightDecay } of rates) {
    assert.ok(Math.abs(head - 3 * own) < 1e-12);
    assert.equal(weightDecay, 0.01);
  }
});

test("an average is the plain mean at first, then forgets", () => {
  const average = new WeightAverage(4);
  const meanOf = () => average.state.mean?.get("w")?.[0] ?? Number.NaN;
  for (const value of [1, 2, 6]) average.add(new Map([["w", Float32Array.of(value)]]));
  assert.equal(meanOf(), 3);
  for (let i = 0; i < 40; i++) average.add(new Map([["w", Float32Array.of(10)]]));
  assert.ok(meanOf() > 9.99);
});
