/** What docs/networks.md lists: a network, and what its features should be. */
import type { FileModelOptions } from "../../src/models/file-model.js";

export interface Kind {
  /** What is special about it, as docs/networks.md says it. */
  name: string;
  model: Uint8Array;
  /** @default normalisation "unit" */
  options?: FileModelOptions;
  /** Milliseconds it may take to be tried out. @default as for everybody */
  timeLimit?: number;
  /** Pixels per side. @default 16 */
  size?: number;
  /**
   * Its features: the body's map averaged over its area ("pooled"), or what the model `features` gives for the same input;
   * a message where it is to be refused.
   */
  gives: "pooled" | { features: Uint8Array } | { refusal: RegExp };
  /** Largest difference, as a share of the largest feature. @default 1e-5 */
  tolerance?: number;
  /** It runs tile by tile. @default false */
  oneByOne?: boolean;
}

export const SIZE = 16;
/** Height and width of the body's map. */
export const SIDE = 7;
