/**
 * Head training as a contender, on made-up features: the number of a round's indices is the number of optimiser steps,
 * or of whole trainings for L-BFGS.
 */
import { loadAddon } from "../addon.js";
import { type GradientConfig, momentCount, resolveHeadConfig } from "../head/config.js";
import { createStepper } from "../head/create-stepper.js";
import { initHead } from "../head/init.js";
import type { StepperKind } from "../head/stepper.js";
import { trainHead } from "../head/train.js";
import { onnxRuntimeVersion } from "../versions.js";
import { makeUp, TAGS } from "./made-up.js";
import { type Contender, type SetupRequest, WHOLE } from "./protocol.js";

export const BATCH_SIZE = 32;
/** Rows that the steps use. */
const STEP_ROWS = 2048;

export function openStepper(kind: StepperKind): (setup: SetupRequest) => Promise<Contender> {
  return async ({ size: numFeatures }) => {
    const config = resolveHeadConfig({ optimizer: "rmsprop", batchSize: BATCH_SIZE }) as GradientConfig;
    const stepper = await createStepper(config, { numFeatures, numTags: TAGS }, kind);
    const { features, labels } = makeUp(STEP_ROWS, numFeatures);
    const moments = Array.from({ length: momentCount(config) }, () => new Float32Array((numFeatures + 1) * TAGS));
    const state = { ...initHead(numFeatures, TAGS, 1), moments, iterations: 0 };
    return {
      version: kind === "native" ? `addon, ${loadAddon()!.headSimd}` : `onnxruntime-node ${onnxRuntimeVersion()}`,
      async round(indices) {
        const order = Uint32Array.from({ length: indices.length * BATCH_SIZE }, (_, i) => i % STEP_ROWS);
        const start = performance.now();
        await stepper.run(state, features, labels.data, order);
        return { [WHOLE]: (performance.now() - start) / 1000 };
      },
    };
  };
}

export async function openLbfgs({ size: numFeatures, rows }: SetupRequest): Promise<Contender> {
  const { features, labels } = makeUp(rows!, numFeatures);
  const config = resolveHeadConfig({ optimizer: "lbfgs" });
  return {
    version: loadAddon() === undefined ? `onnxruntime-node ${onnxRuntimeVersion()}` : `addon, ${loadAddon()!.headSimd}`,
    async round(indices) {
      const start = performance.now();
      for (const _ of indices) await trainHead(features, labels, config);
      return { [WHOLE]: (performance.now() - start) / 1000 };
    },
  };
}
