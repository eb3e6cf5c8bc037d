/** The backbone of a fine-tuning: its weights as parameters, and the file it becomes. */

import { OptionError } from "../errors.js";
import type { ModelCard } from "../models/card.js";
import type { ResolvedBackbone } from "../models/registry.js";
import { sha256Of } from "../models/sha256.js";
import { compactWeights, weightRounder } from "../onnx/compact-weights.js";
import { exposeWeights } from "../onnx/fold.js";
import type { TensorProto } from "../onnx/gen/onnx_pb.js";
import { weightBlocks } from "../onnx/learnable.js";
import { prepareBackbone } from "../onnx/prepare.js";
import { decodeModel, encodeModel, fromTensorProto, type Model, toTensorProto } from "../onnx/proto.js";
import { cutModel } from "../onnx/surgery.js";
import { float32 } from "../onnx/tensor.js";
import type { Ranges } from "../quantise/ranges.js";
import { HEAD_BIAS, HEAD_WEIGHTS, type TunableModel } from "./engine.js";
import type { Weights } from "./weight-average.js";

/** Name of a model's own backbone in its folder. */
export const BACKBONE_FILE = "backbone.onnx";

export type Blocks = number | "all";

export interface TunableBackbone extends Pick<TunableModel, "network" | "size" | "trainable"> {
  /** Names of all weights that could learn, block by block; those of the last ones do. */
  blocks: readonly string[][];
  /** The trainable weights to begin with. */
  weights: Weights;
  /** The backbone that these weights make: compact, up to its features. `ranges` are those of its own values. */
  save: (weights: Weights, ranges?: Ranges) => ResolvedBackbone;
  /** The weights of that backbone as it runs: rounded as they are saved. */
  rounded: (weights: Weights) => Weights;
}

/**
 * Prepares `backbone` for a fine-tuning at `size` pixels. Weights begin rounded as they will be saved.
 * @throws OptionError for more blocks than there are
 */
export function openTunable({ card, bytes }: ResolvedBackbone, size: number, blocks: Blocks): TunableBackbone {
  const model = decodeModel(bytes, card.name);
  const { output, tokens, levels } = card.features;
  const cut = cutModel(model, { path: card.name, ...(output !== null && { output }), ...(tokens && { tokens }) });
  exposeWeights(model);
  compactWeights(model);
  exposeWeights(model);
  const own: ModelCard = {
    ...card,
    features: { output: cut.output, count: card.features.count, ...(levels && { levels }) },
  };
  const all = weightBlocks(model.graph);
  const trainable = lastBlocks(all, blocks, card.name);
  const base = encodeModel(model);
  const round = weightRounder(model.graph);
  return {
    network: prepareBackbone(base, own, size),
    size,
    trainable,
    blocks: all,
    weights: weightsOf(model, trainable),
    save: (weights, ranges) => save(base, ownSize(own, size), weights, ranges),
    rounded: (weights) => new Map([...weights].map(([name, values]) => [name, round(name, values)])),
  };
}

/** What is known of the tuned weights is of the size that they were tuned at. */
function ownSize(card: ModelCard, size: number): ModelCard {
  return { ...card, input: { ...card.input, defaultSize: size, recommendedSizes: [size] } };
}

function lastBlocks(all: readonly string[][], blocks: Blocks, name: string): string[] {
  if (blocks === "all") return all.flat();
  if (blocks > all.length) {
    throw new OptionError(
      `Expected \`finetune.blocks\` to be at most ${all.length}, the blocks of ${name}, got ${blocks}.`,
    );
  }
  return all.slice(-blocks).flat();
}

function save(base: Uint8Array, card: ModelCard, weights: Weights, ranges: Ranges | undefined): ResolvedBackbone {
  const model = decodeModel(base, card.name);
  setWeights(model, weights);
  compactWeights(model);
  const bytes = encodeModel(model);
  // Ranges are those of the weights before.
  const { url: _url, untrained: _untrained, scores: _scores, ranges: _ranges, ...rest } = card;
  const description = `${card.name} fine-tuned by canopy. ${card.description}`;
  const identity = { file: BACKBONE_FILE, byteLength: bytes.byteLength, sha256: sha256Of(bytes) };
  const own = { ...rest, name: `${card.name}-tuned`, ...identity, description, ...(ranges && { ranges }) };
  return { card: own, bytes };
}

function weightsOf({ graph }: Model, names: readonly string[]): Weights {
  const tensors = new Map(graph.initializer.map((each) => [each.name, each]));
  return new Map(
    names.map((name) => [name, fromTensorProto(tensors.get(name) as TensorProto).data.slice() as Float32Array]),
  );
}

function setWeights({ graph }: Model, weights: Weights): void {
  graph.initializer = graph.initializer.map((proto) => {
    const values = weights.get(proto.name);
    const isHead = proto.name === HEAD_WEIGHTS || proto.name === HEAD_BIAS;
    return values === undefined || isHead ? proto : toTensorProto(proto.name, float32(proto.dims.map(Number), values));
  });
}
