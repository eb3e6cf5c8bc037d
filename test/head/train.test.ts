import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadAddon } from "../../src/addon.js";
import { type GradientConfig, resolveHeadConfig } from "../../src/head/config.js";
import type { StepperKind } from "../../src/head/stepper.js";
import { trainHead } from "../../src/head/train.js";
import { needsShared } from "../helpers.js";
import { goldenFloats, loadGolden } from "./golden.js";

const RUNS = {
  rmsprop: { optimizer: "rmsprop" },
  adam: { optimizer: "adam" },
  sgd_momentum: { optimizer: "sgd", learningRate: 0.1, momentum: 0.9 },
} as const;

const native = loadAddon() === undefined ? { skip: "the addon is not built" } : {};

function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i])), 0);
}

for (const stepper of ["native", "onnx"] as const satisfies StepperKind[]) {
  describe(`${stepper} steps`, stepper === "native" ? native : {}, () => {
    for (const name of ["rmsprop", "adam", "sgd_momentum"] as const) {
      it(`${name} equals Keras: per-epoch loss and weights`, needsShared("golden"), async () => {
        const { features, labels, runs } = loadGolden();
        const config = resolveHeadConfig({ ...RUNS[name], epochs: 5, shuffle: false }) as GradientConfig;
        const initial = { weight: goldenFloats("W0"), bias: new Float32Array(17), numFeatures: 1280, numTags: 17 };
        const { head, history } = await trainHead(features, labels, config, { initial, stepper });
        const { history: keras } = runs[name];
        assert.ok(
          maxDifference(
            history.map((row) => row.loss),
            keras.loss,
          ) < 1e-5,
        );
        assert.ok(
          maxDifference(
            history.map((row) => row.binaryAccuracy),
            keras.binary_accuracy,
          ) < 1e-5,
        );
        assert.ok(maxDifference(head.weight, goldenFloats(`${name}_W`)) < 1e-4);
        assert.ok(maxDifference(head.bias, goldenFloats(`${name}_b`)) < 1e-4);
      });
    }
  });
}
