import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OptionError } from "../../src/errors.js";
import { resolveTrainSettings, type TrainOptions } from "../../src/training/settings.js";

const OPTIONS: TrainOptions = { tiles: ["tiles"], labels: "labels.csv", out: "model" };

describe("resolveTrainSettings", () => {
  it("sorts options by stage, with their defaults", () => {
    const { backbone, data, fit, readout } = resolveTrainSettings(OPTIONS);
    assert.deepEqual(backbone, {
      name: undefined,
      store: true,
      size: undefined,
      normalisation: undefined,
      tokens: undefined,
      features: "pyramid",
    });
    assert.deepEqual([data.tiles, data.labels, data.variants], [["tiles"], "labels.csv", [0]]);
    assert.equal(data.budget!.neededBy, null);
    const { head, headOnDisk, ...rest } = fit;
    assert.deepEqual([head.optimizer, headOnDisk.optimizer, headOnDisk.epochs], ["lbfgs", "adam", 20]);
    assert.deepEqual(rest, { holdOut: 0.2, augment: "none", tta: "none" });
    assert.deepEqual(readout, { beta: 2, exclusive: "auto", calibrate: "platt", targets: [] });
  });

  it("is plain data: nothing in it is a function", () => {
    const settings = resolveTrainSettings(OPTIONS);
    assert.deepEqual(structuredClone(settings), settings);
  });

  it("leaves the tutorial's head as Keras has it, unless told otherwise", () => {
    const tutorial = resolveTrainSettings({ ...OPTIONS, head: { recipe: "tutorial" } });
    assert.deepEqual([tutorial.readout.calibrate, tutorial.backbone.features], ["none", "last"]);
    assert.deepEqual(tutorial.readout.exclusive, []);
    const { readout } = resolveTrainSettings({ ...OPTIONS, head: { recipe: "tutorial" }, calibrate: "platt" });
    assert.equal(readout.calibrate, "platt");
  });

  it("says what needs its features in memory", () => {
    const neededBy = (more: Partial<TrainOptions>) =>
      resolveTrainSettings({ ...OPTIONS, ...more }).data.budget!.neededBy;
    assert.equal(neededBy({ tta: "d4" }), "variants");
    assert.equal(neededBy({ head: { l2: 1 } }), "lbfgs");
    assert.equal(neededBy({ head: { optimizer: "lbfgs" } }), "lbfgs");
    assert.equal(neededBy({ head: { optimizer: "adam" } }), null);
  });

  it("trains features on disk by the optimiser that was asked for, with the seed and scaling of L-BFGS otherwise", () => {
    const { headOnDisk } = resolveTrainSettings({ ...OPTIONS, head: { optimizer: "sgd", epochs: 3 } }).fit;
    assert.deepEqual([headOnDisk.optimizer, headOnDisk.epochs], ["sgd", 3]);
    const other = resolveTrainSettings({ ...OPTIONS, head: { seed: 7, scaling: "standard" } }).fit.headOnDisk;
    assert.deepEqual([other.optimizer, other.seed, other.scaling], ["adam", 7, "standard"]);
  });

  it("refuses what is out of range", () => {
    for (const wrong of [
      { val: 1 },
      { beta: 0 },
      { augment: "d8" },
      { tta: "yes" },
      { calibrate: "some" },
      { memory: 0 },
    ]) {
      assert.throws(() => resolveTrainSettings({ ...OPTIONS, ...wrong } as TrainOptions), OptionError);
    }
  });
});
