import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InputError, InterruptedError } from "../../src/errors.js";
import { type GradientConfig, resolveHeadConfig } from "../../src/head/config.js";
import { selectFeatures } from "../../src/head/feature-matrix.js";
import { trainHead } from "../../src/head/train.js";
import { createRandom } from "../../src/random.js";
import { selectLabels } from "../../src/tiles/label-matrix.js";
import { fitHead } from "../../src/training/fit.js";
import type { TrainingStates } from "../../src/training/trainings.js";

const random = createRandom(5);
const ROWS = 500;
const features = {
  data: Float32Array.from({ length: ROWS * 4 }, () => random.uniform() - 0.5),
  rows: ROWS,
  numFeatures: 4,
};
const data = Uint8Array.from({ length: ROWS * 2 }, (_, i) => (features.data[(i >> 1) * 4 + (i & 1)] > 0.05 ? 1 : 0));
const labels = { data, rows: ROWS, tags: ["a", "b"] };

function windows(windowRows: number) {
  const read = async (start: number, count: number) => features.data.slice(start * 4, (start + count) * 4);
  return { rows: ROWS, numFeatures: 4, windowRows, read };
}

function config(shuffle: boolean): GradientConfig {
  return resolveHeadConfig({ optimizer: "adam", learningRate: 0.05, epochs: 10, shuffle }) as GradientConfig;
}

describe("fitHead with features on disk", () => {
  it("learns window by window and scores tiles it has not seen", async () => {
    const { holdOut, scored, split, history } = await fitHead(windows(64), labels, config(true));
    assert.deepEqual(
      [holdOut!.tiles, scored.measuredOn, scored.rows],
      [split.heldOut.length, "hold-out", split.heldOut],
    );
    assert.ok(holdOut!.binaryAccuracy > 0.9, `${holdOut!.binaryAccuracy}`);
    assert.equal(history.length, 10);
  });

  it("scores evenly spaced tiles of very many for validation, and trains on none of them", async () => {
    const rows = 100_100;
    const source = { rows, numFeatures: 1, windowRows: rows, read: async () => new Float32Array(rows) };
    const labels = { data: Uint8Array.from({ length: rows }, (_, i) => i & 1), rows, tags: ["a"] };
    const validation = Uint32Array.from({ length: 100_001 }, (_, i) => 99 + i);
    const one = resolveHeadConfig({ optimizer: "sgd", epochs: 1, batchSize: 65536 });
    const { split } = await fitHead(source, labels, one, { validation });
    assert.deepEqual(
      split.train,
      Uint32Array.from({ length: 99 }, (_, i) => i),
    );
    assert.deepEqual([split.heldOut.length, ...split.heldOut.slice(0, 3)], [33_334, 99, 102, 105]);
  });

  it("never trains on the tiles held out", async () => {
    const { head, split, history } = await fitHead(windows(ROWS), labels, config(false));
    const alone = await trainHead(
      selectFeatures(features, split.train),
      selectLabels(labels, split.train),
      config(false),
    );
    assert.deepEqual(head, alone.head);
    assert.ok(Math.abs(history[0].loss - alone.history[0].loss) < 1e-12);
  });

  it("stopped at any epoch goes on to the same bits", async () => {
    const whole = await fitHead(windows(64), labels, config(true));
    const states: TrainingStates = new Map();
    const seen: number[] = [];
    for (const last of [3, 7]) {
      const stop = new AbortController();
      const onEpoch = ({ epoch }: { epoch: number }) => {
        seen.push(epoch);
        if (epoch === last) stop.abort();
      };
      const options = { states, signal: stop.signal, onEpoch };
      await assert.rejects(fitHead(windows(64), labels, config(true), options), InterruptedError);
    }
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(await fitHead(windows(64), labels, config(true), { states }), whole);
  });

  it("says that L-BFGS cannot", async () => {
    await assert.rejects(
      fitHead(windows(64), labels, resolveHeadConfig({ l2: 1 })),
      /L-BFGS needs all features in memory/,
    );
  });

  it("says when too few tiles would be held out", async () => {
    await assert.rejects(fitHead(windows(64), labels, config(true), { holdOut: 0.005 }), InputError);
  });
});
