/**
 * A step of fine-tuning as a contender: MobileNetV2 with random weights, a head, made-up tiles. The number of a round's indices is
 * the number of steps.
 */
import { loadAddon } from "../addon.js";
import { createTuningEngine } from "../finetune/create-engine.js";
import type { TunableModel, TuningBatch, TuningEngine } from "../finetune/engine.js";
import { buildMobileNetV2, untrainedWeights } from "../models/mobilenetv2.js";
import { prepareBackbone } from "../onnx/prepare.js";
import { createRandom } from "../random.js";
import { onnxRuntimeVersion } from "../versions.js";
import { TAGS } from "./made-up.js";
import { type Contender, type SetupRequest, WHOLE } from "./protocol.js";

/** Tiles of a step. */
export const TUNING_BATCH = 32;
const FEATURES = 1280;
const RATES = { backbone: 1e-4, head: 3e-4, weightDecay: 0.01 };

export function openTuning(name: TuningEngine["name"]): (setup: SetupRequest) => Promise<Contender> {
  return async ({ size, threads }) => {
    const options = { threads, device: "cpu", batchSize: TUNING_BATCH, engine: name } as const;
    const { engine } = await createTuningEngine(makeModel(size), options);
    const batch = makeBatch(size);
    return {
      version: name === "native" ? `addon, ${loadAddon()?.simd}` : `onnxruntime-node ${onnxRuntimeVersion()}`,
      async round(indices) {
        const start = performance.now();
        for (const _ of indices) await engine.step(batch, RATES);
        return { [WHOLE]: (performance.now() - start) / 1000 };
      },
    };
  };
}

function makeModel(size: number): TunableModel {
  const weights = untrainedWeights(1);
  const input = { name: "input", layout: "NCHW", channels: "RGB", scale: 127.5, fixedSize: null } as const;
  const card = {
    name: "MobileNetV2",
    input: { ...input, mean: [1, 1, 1], std: [1, 1, 1] } as const,
    features: { output: null, count: FEATURES },
  };
  const random = createRandom(2, 0);
  return {
    network: prepareBackbone(buildMobileNetV2(weights), card, size),
    size,
    trainable: [...weights.keys()],
    head: {
      weights: Float32Array.from({ length: FEATURES * TAGS }, () => 0.02 * (random.uniform() - 0.5)),
      bias: new Float32Array(TAGS),
    },
    numFeatures: FEATURES,
    numTags: TAGS,
  };
}

function makeBatch(size: number): TuningBatch {
  const random = createRandom(3, 0);
  return {
    tiles: Uint8Array.from({ length: TUNING_BATCH * size * size * 3 }, () => 256 * random.uniform()),
    count: TUNING_BATCH,
    targets: Float32Array.from({ length: TUNING_BATCH * TAGS }, () => (random.uniform() < 0.2 ? 1 : 0)),
  };
}
