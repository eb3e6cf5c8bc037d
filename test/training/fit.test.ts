import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InputError, InterruptedError } from "../../src/errors.js";
import { resolveHeadConfig } from "../../src/head/config.js";
import { type FeatureMatrix, selectFeatures } from "../../src/head/feature-matrix.js";
import { predictProbabilities } from "../../src/head/logits.js";
import { computeMetrics } from "../../src/head/metrics.js";
import { trainHead } from "../../src/head/train.js";
import { createRandom } from "../../src/random.js";
import { summarise } from "../../src/report/summary.js";
import { type LabelMatrix, selectLabels } from "../../src/tiles/label-matrix.js";
import { fitHead, type ScoredTiles } from "../../src/training/fit.js";
import { selectRows } from "../../src/training/rows.js";
import { fitThresholds } from "../../src/training/thresholds.js";
import type { TrainingStates } from "../../src/training/trainings.js";
import { DRAWN, loadGolden, REAL } from "../head/golden.js";
import { needsShared } from "../helpers.js";

/** Three noisy tags over eight features. */
function noisy(rows = 120): { features: FeatureMatrix; labels: LabelMatrix } {
  const random = createRandom(3);
  const data = Float32Array.from({ length: rows * 8 }, () => 2 * random.uniform() - 1);
  const cells = Array.from({ length: rows * 3 }, (_, cell) => {
    const z = data[Math.floor(cell / 3) * 8 + (cell % 3)] + 0.3 * (random.uniform() - 0.5);
    return z > (cell % 3) * 0.3 - 0.2 ? 1 : 0;
  });
  return {
    features: { data, rows, numFeatures: 8 },
    labels: { data: Uint8Array.from(cells), rows, tags: ["a", "b", "c"] },
  };
}

describe("fitHead", () => {
  it("gives head, thresholds, history and honest scores", async () => {
    const { features, labels } = noisy();
    const config = resolveHeadConfig({ optimizer: "adam", learningRate: 0.05, epochs: 20 });
    const fitted = await fitHead(features, labels, config);
    assert.equal(fitted.history.length, 20);
    assert.equal(fitted.holdOut!.tiles, fitted.split.heldOut.length);
    assert.equal(fitted.scored.metrics.tiles, 120);
    assert.ok(fitted.scored.metrics.f2 > 0.7, `${fitted.scored.metrics.f2}`);
    assert.equal(fitted.scored.probabilities.length, 360);
  });

  it("trains the head on all tiles, whether some are held out for the history or not", async () => {
    const { features, labels } = noisy();
    const config = resolveHeadConfig({ l2: 0.1 });
    const some = await fitHead(features, labels, config);
    const none = await fitHead(features, labels, config, { holdOut: 0 });
    const { head } = await trainHead(features, labels, config);
    assert.deepEqual([some.head.weight, none.head.weight], [head.weight, head.weight]);
    assert.deepEqual([some.holdOut?.tiles, none.holdOut], [some.split.heldOut.length, undefined]);
  });

  it("scores held-out tiles by a head and thresholds that have not seen them", async () => {
    const { features, labels } = noisy();
    const config = resolveHeadConfig({ l2: 0.1 });
    const { split, holdOut, scored } = await fitHead(features, labels, config);
    const seen = selectLabels(labels, split.train);
    const { head } = await trainHead(selectFeatures(features, split.train), seen, config);
    const { thresholds } = fitThresholds(selectRows(scored.probabilities, 3, split.train), seen);
    const probabilities = await predictProbabilities(head, selectFeatures(features, split.heldOut));
    assert.deepEqual(holdOut, computeMetrics(probabilities, selectLabels(labels, split.heldOut), thresholds));
  });

  it("calibrates without changing a decision", async () => {
    const { features, labels } = noisy();
    const config = resolveHeadConfig({ l2: 0.5 });
    const plain = await fitHead(features, labels, config);
    const calibrated = await fitHead(features, labels, config, { calibrate: "platt" });
    const error = ({ probabilities, metrics }: ScoredTiles) =>
      summarise({
        names: Array.from(labels.data.subarray(0, labels.rows), String),
        tags: labels.tags,
        probabilities,
        labels: labels.data,
        thresholds: metrics.perTag.map(({ threshold }) => threshold),
      }).reliability.ece;
    assert.ok(error(calibrated.scored) < error(plain.scored));
    assert.deepEqual(calibrated.scored.decisions, plain.scored.decisions);
    assert.ok(Math.abs(calibrated.holdOut!.f2 - plain.holdOut!.f2) < 1e-9);
    assert.notDeepEqual(calibrated.thresholds, plain.thresholds);
  });

  it("keeps variants of a tile together, and scores their mean", async () => {
    const { features, labels } = noisy();
    const config = resolveHeadConfig({ l2: 0.1 });
    const same = await fitHead([features, features], labels, config, { augment: "d4", tta: "d4" });
    const once = await fitHead(features, labels, config);
    assert.ok(Math.abs(same.scored.metrics.f2 - once.scored.metrics.f2) < 1e-9);
    await assert.rejects(fitHead([features, noisy(60).features], labels, config), RangeError);
  });

  it("stopped at any epoch goes on to the same bits", async () => {
    const { features, labels } = noisy(60);
    const config = resolveHeadConfig({ optimizer: "rmsprop", epochs: 3 });
    const whole = await fitHead(features, labels, config);
    const states: TrainingStates = new Map();
    for (const trainings of [0, 2, 6]) {
      const stop = new AbortController();
      const options =
        trainings === 0
          ? { onEpoch: () => stop.abort() }
          : { onTraining: (done: number) => void (done === trainings && stop.abort()) };
      await assert.rejects(
        fitHead(features, labels, config, { ...options, states, signal: stop.signal }),
        InterruptedError,
      );
    }
    const rest = await fitHead(features, labels, config, { states });
    assert.deepEqual([rest.head, rest.thresholds, rest.history], [whole.head, whole.thresholds, whole.history]);
    assert.deepEqual(rest.scored, whole.scored);
    assert.deepEqual([...states.keys()], ["history", ...[1, 2, 3, 4, 5].map((fold) => `fold ${fold}`), "final"]);
  });

  it("says when there are too few tiles", async () => {
    const { features, labels } = noisy(3);
    await assert.rejects(fitHead(features, labels, resolveHeadConfig({ l2: 1 })), InputError);
  });

  // Recorded; the features are golden files, so that nothing but the head and what follows it decides.
  for (const { name, options, f2, map } of [
    { name: "default", options: {}, f2: 0.7627, map: 0.6364 },
    { name: "tutorial's", options: { recipe: "tutorial", learningRate: 1e-2 }, f2: 0.7803, map: 0.6432 },
  ] as const) {
    it(`scores golden features to the digit with the ${name} recipe`, async () => {
      const { features, labels } = loadGolden(DRAWN);
      const { metrics } = (await fitHead(features, labels, resolveHeadConfig(options))).scored;
      assert.deepEqual([metrics.f2.toFixed(4), metrics.map!.toFixed(4)], [f2.toFixed(4), map.toFixed(4)]);
    });
  }

  it("scores real tiles as well as plain Python does, with the default recipe", needsShared("golden"), async () => {
    const { features, labels } = loadGolden(REAL);
    const { scored, l2 } = await fitHead(features, labels, resolveHeadConfig());
    assert.ok(scored.metrics.f2 > 0.865, `F2 ${scored.metrics.f2} with l2 ${l2}`);
    assert.ok(scored.metrics.map! > 0.535, `mAP ${scored.metrics.map}`);
  });

  it("scores real tiles as the tutorial's recipe should", needsShared("golden"), async () => {
    const { features, labels } = loadGolden(REAL);
    const { scored } = await fitHead(features, labels, resolveHeadConfig({ recipe: "tutorial" }));
    assert.ok(scored.metrics.f2 > 0.845, `F2 ${scored.metrics.f2}`);
  });
});
