/** Steps by the addon's kernels, a whole window of rows per call, off the main thread. */
import { loadAddon } from "../addon.js";
import { ModelError } from "../errors.js";
import type { GradientConfig } from "./config.js";
import type { Stepper, StepperShape } from "./stepper.js";

/** ModelError if the addon is not built. */
export function createNativeStepper(config: GradientConfig, shape: StepperShape): Stepper {
  const addon = loadAddon();
  if (addon === undefined) {
    throw new ModelError("The native training kernels are not built; `npm run build:native` builds them.");
  }
  const settings = { ...config, ...shape };
  return {
    kind: "native",
    async run(state, features, labels, order) {
      const { iterations, ...sums } = await addon.trainSteps(state, features, labels, order, settings);
      state.iterations = iterations;
      return sums;
    },
    async close() {},
  };
}
