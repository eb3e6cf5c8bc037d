/** TuningEngine: does the steps of a fine-tuning. Forward, loss, gradients and update of a backbone with its head. */

/** What is fine-tuned: a backbone with its weights as named parameters, and a linear head on its features. */
export interface TunableModel {
  /**
   * ONNX bytes of a prepared backbone (see prepareBackbone): `tiles` uint8 `[N, size, size, 3]` RGB in, `features` float32
   * `[N, numFeatures]` out. BatchNormalization stays as inference has it. Of a split one (see splitNetwork) it is the upper part.
   */
  network: Uint8Array;
  /** Pixels per side of the tiles. */
  size: number;
  /** Of the upper part of a split network: how many floats it reads of a tile. */
  stored?: number;
  /** Names of the float32 initializers that learn. */
  trainable: readonly string[];
  /** `weights` `[numFeatures, numTags]` row-major and `bias` `[numTags]`, which act on the features as they are. */
  head: { weights: Float32Array; bias: Float32Array };
  numFeatures: number;
  numTags: number;
}

/** uint8 `[count, size, size, 3]` RGB, or float32 `[count, stored]`. */
export type NetworkInput = Uint8Array | Float32Array;

export interface TuningBatch {
  tiles: NetworkInput;
  count: number;
  /** `[count, numTags]`, 0 or 1. */
  targets: Float32Array;
  /** `[count, numFeatures]` factors of the features before the head: 0 or 1 / (1 - p). @default no dropout */
  dropout?: Float32Array;
}

/** AdamW as PyTorch defines it: decoupled decay on every parameter, betas 0.9 and 0.999, epsilon 1e-8. */
export interface StepRates {
  /** Learning rate of the backbone's weights. */
  backbone: number;
  /** Learning rate of the head. */
  head: number;
  weightDecay: number;
}

/** All there is to know to go on with the same bits. The maps have the keys of `weights()`. */
export interface TuningState {
  /** Steps done so far. */
  steps: number;
  weights: Map<string, Float32Array>;
  firstMoments: Map<string, Float32Array>;
  secondMoments: Map<string, Float32Array>;
}

/** One call at a time: wait for a promise before the next call. */
export interface TuningEngine {
  readonly name: "native" | "onnx";
  /** One step. Returns the mean binary cross-entropy over tiles and tags before the update. The arrays may be used again afterwards. */
  step(batch: TuningBatch, rates: StepRates): Promise<number>;
  /** `[count, numTags]` under the current weights, without dropout. */
  logits(tiles: NetworkInput, count: number): Promise<Float32Array>;
  /** Copies, by name; the head as HEAD_WEIGHTS and HEAD_BIAS. */
  weights(): Promise<Map<string, Float32Array>>;
  state(): Promise<TuningState>;
  restore(state: TuningState): Promise<void>;
  close(): Promise<void>;
}

/** The head's names among an engine's weights. */
export const HEAD_WEIGHTS = "head.weights";
export const HEAD_BIAS = "head.bias";
