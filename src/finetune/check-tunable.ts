/** Whether a network can be fine-tuned: asked before a training does any work. */
import { ModelError } from "../errors.js";
import type { ResolvedBackbone } from "../models/registry.js";
import { buildTrainingGraphs } from "./training-graph.js";
import { type Blocks, openTunable } from "./tunable.js";

/** @throws OptionError for more blocks than there are; ModelError if no weight can learn, or an operator is in the way */
export function checkTunable(backbone: ResolvedBackbone, size: number, blocks: Blocks): void {
  const { card } = backbone;
  if (card.input.oneByOne) {
    const remedy = "export it with a free batch dimension";
    throw new ModelError(`${card.file} cannot be fine-tuned: it takes one tile at a time; ${remedy}.`);
  }
  const tunable = openTunable(backbone, size, blocks);
  if (tunable.trainable.length === 0) {
    const remedy = "export it with floats, or train its head alone, without `finetune`";
    throw new ModelError(`${card.file} cannot be fine-tuned: it has no float32 weights that could learn; ${remedy}.`);
  }
  const numFeatures = card.features.count;
  const head = { weights: new Float32Array(numFeatures), bias: new Float32Array(1) };
  try {
    buildTrainingGraphs({ ...tunable, head, numFeatures, numTags: 1 });
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelError(`${card.file} cannot be fine-tuned: ${error.message}`, { cause: error });
  }
}
