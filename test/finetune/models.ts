/** Small models and batches for the engines' tests. */
import type { TunableModel, TuningBatch } from "../../src/finetune/engine.js";
import { randoms } from "../onnx/run.js";
import { buildBackbone, FEATURES, type Network, SIDE } from "./networks.js";

export const TAGS = 3;

export function openModel(network: Network, opset?: number): TunableModel {
  const { bytes, weights } = buildBackbone(network, opset);
  return {
    network: bytes,
    size: SIDE,
    trainable: weights,
    head: { weights: randoms(FEATURES * TAGS, 77), bias: randoms(TAGS, 78) },
    numFeatures: FEATURES,
    numTags: TAGS,
  };
}

/** `count` tiles of noise, each around a brightness of its own, with tags by brightness. */
export function makeBatch(count: number): TuningBatch {
  const bytes = SIDE * SIDE * 3;
  return {
    tiles: Uint8Array.from(
      randoms(count * bytes, 79),
      (value, i) => 40 + (170 * Math.floor(i / bytes)) / count + 40 * value,
    ),
    count,
    targets: Float32Array.from({ length: count * TAGS }, (_, i) => Number(Math.floor(i / TAGS) > 1 + (i % TAGS))),
  };
}
