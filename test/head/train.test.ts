import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadAddon } from "../../src/addon.js";
import { type GradientConfig, resolveHeadConfig } from "../../src/head/config.js";
import type { StepperKind } from "../../src/head/stepper.js";
import { trainHead } from "../../src/head/train.js";
import { needsShared } from "../helpers.js";
import { DRAWN, loadGolden, loadHead, optionsOf, REAL } from "./golden.js";

const native = loadAddon() === undefined ? { skip: "the addon is not built" } : {};

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const largest = Array.from(actual).reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i])), 0);
  assert.ok(largest < tolerance, `differs by ${largest}`);
}

async function assertKeras(folder: string, name: string, stepper: StepperKind): Promise<void> {
  const golden = loadGolden(folder);
  const { features, labels, runs } = golden;
  const config = resolveHeadConfig({ ...optionsOf(name, runs[name]), epochs: 5, shuffle: false }) as GradientConfig;
  const { head, history } = await trainHead(features, labels, config, {
    initial: loadHead(folder, "W0", golden),
    stepper,
  });
  const { history: keras } = runs[name];
  const column = (key: "loss" | "binaryAccuracy") => history.map((row) => row[key] ?? Number.NaN);
  assertClose(column("loss"), keras.loss, 1e-5);
  assertClose(column("binaryAccuracy"), keras.binary_accuracy, 1e-5);
  const expected = loadHead(folder, name, golden);
  assertClose(head.weight, expected.weight, 1e-4);
  assertClose(head.bias, expected.bias, 1e-4);
}

for (const stepper of ["native", "onnx"] as const satisfies StepperKind[]) {
  describe(`${stepper} steps`, stepper === "native" ? native : {}, () => {
    for (const name of Object.keys(loadGolden(DRAWN).runs)) {
      it(`${name} equals Keras: per-epoch loss and weights`, () => assertKeras(DRAWN, name, stepper));
    }
    for (const name of ["rmsprop", "adam", "sgd_momentum"]) {
      it(`${name} equals Keras on real tiles`, needsShared("golden"), () => assertKeras(REAL, name, stepper));
    }
  });
}

it("L-BFGS ends in scikit-learn's minimum", async () => {
  const golden = loadGolden(DRAWN);
  const config = resolveHeadConfig({ l2: 0.02, scaling: "none", tolerance: 1e-7 });
  const { head } = await trainHead(golden.features, golden.labels, config);
  const expected = loadHead(DRAWN, "minimum", golden);
  assertClose(head.weight, expected.weight, 1e-4);
  assertClose(head.bias, expected.bias, 1e-4);
});
