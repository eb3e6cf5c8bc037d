/** The recipe of a fine-tuning. */
import { checkInRange, checkInteger } from "../check.js";
import type { AugmentationRanges } from "../decode/augmentation.js";
import { OptionError } from "../errors.js";
import type { Blocks } from "./tunable.js";

/** What a user may set. */
export interface FinetuneOptions {
  /** Passes over the tiles at most. @default 15 */
  epochs?: number | undefined;
  /** Highest learning rate of the backbone; the head's is three times that. @default what its card recommends, else 1e-4 */
  learningRate?: number | undefined;
  /** How many blocks of the backbone learn, counted from its end. @default "all" */
  blocks?: number | "all" | undefined;
}

export interface FinetuneConfig {
  epochs: number;
  learningRate: number;
  headRate: number;
  blocks: Blocks;
  /** The least L2 penalty of the head to begin with. */
  startPenalty: number;
  weightDecay: number;
  batchSize: number;
  /** Share of features that a step leaves out before the head. */
  dropout: number;
  /** Share of the steps in which rates rise. */
  warmUp: number;
  /** Epochs that the average of the weights reaches back. */
  averagedEpochs: number;
  /** A training ends after so many epochs in which the loss on unseen tiles is higher than the lowest so far ... */
  patience: number;
  /** ... by more than this share of it. */
  tolerance: number;
  augmentation: AugmentationRanges;
  /** Decides order, augmentation and dropout. */
  seed: number;
}

const HEAD_FACTOR = 3;
/** Chosen by out-of-fold scores, see docs/finetuning.md. */
const RECIPE = {
  startPenalty: 3,
  weightDecay: 0.01,
  batchSize: 32,
  dropout: 0.2,
  warmUp: 0.2,
  averagedEpochs: 2,
  tolerance: 0.25,
  augmentation: { leastArea: 0.8, aspect: 1.1, light: 0.15 },
} as const;

/**
 * The recipe, with `recommended` as the rate where the options name none.
 * @throws OptionError for a value out of range
 */
export function resolveFinetune(options: FinetuneOptions, seed: number, recommended = 1e-4): FinetuneConfig {
  const { epochs = 15, learningRate = recommended, blocks = "all" } = options;
  checkInteger("finetune.epochs", epochs, 1, 1000);
  checkInRange("finetune.learningRate", learningRate, 1e-9, 1);
  if (blocks !== "all" && !(Number.isInteger(blocks) && blocks >= 1)) {
    throw new OptionError(`Expected \`finetune.blocks\` to be all or a number from 1, got ${JSON.stringify(blocks)}.`);
  }
  const patience = Math.max(3, Math.ceil(epochs / 4));
  return { epochs, learningRate, headRate: HEAD_FACTOR * learningRate, blocks, ...RECIPE, patience, seed };
}
