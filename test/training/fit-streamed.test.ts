import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InputError } from "../../src/errors.js";
import { type GradientConfig, resolveHeadConfig } from "../../src/head/config.js";
import { selectFeatures } from "../../src/head/feature-matrix.js";
import { trainHead } from "../../src/head/train.js";
import { createRandom } from "../../src/random.js";
import { selectLabels } from "../../src/tiles/label-matrix.js";
import { fitStreamedHead } from "../../src/training/fit-streamed.js";

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

describe("fitStreamedHead", () => {
  it("learns window by window and scores tiles it has not seen", async () => {
    const { holdOut, split, history } = await fitStreamedHead(windows(64), labels, config(true));
    assert.equal(holdOut.tiles, split.heldOut.length);
    assert.ok(holdOut.binaryAccuracy > 0.9, `${holdOut.binaryAccuracy}`);
    assert.equal(history.length, 10);
  });

  it("never trains on the tiles held out", async () => {
    const { head, split, history } = await fitStreamedHead(windows(ROWS), labels, config(false));
    const alone = await trainHead(
      selectFeatures(features, split.train),
      selectLabels(labels, split.train),
      config(false),
    );
    assert.deepEqual(head, alone.head);
    assert.ok(Math.abs(history[0].loss - alone.history[0].loss) < 1e-12);
  });

  it("says when too few tiles would be held out", async () => {
    await assert.rejects(fitStreamedHead(windows(64), labels, config(true), { holdOut: 0.005 }), InputError);
  });
});
