/** Backbones as sessions run them: prepared, and quantised if that is asked for. */
import { ModelError } from "../errors.js";
import { type BackboneDescription, type PrepareOptions, prepareBackbone } from "../onnx/prepare.js";
import { inHalves } from "./half.js";
import type { IntegerForm, Precision } from "./precision.js";
import { quantise } from "./quantise.js";
import type { Ranges } from "./ranges.js";
import { inWholeNumbers } from "./whole.js";

/** A card that may know the ranges of its network's values. */
export interface RangedDescription extends BackboneDescription {
  ranges?: Ranges;
}

export interface PrepareWithOptions extends PrepareOptions {
  /** @default "pairs" */
  form?: IntegerForm;
}

/**
 * As prepareBackbone. Throws a ModelError with "int8" if the card has no ranges, or those of another network; with "fp16" if there is no
 * layer.
 */
export function prepareWith(
  precision: Precision,
  model: Uint8Array,
  card: RangedDescription,
  size: number,
  { form = "pairs", ...options }: PrepareWithOptions = {},
): Uint8Array {
  const prepared = prepareBackbone(model, card, size, options);
  if (precision === "fp32") return prepared;
  if (precision === "fp16") return inHalves(prepared);
  if (card.ranges === undefined) {
    throw new ModelError(
      `Nothing says which ranges the values of ${card.name} have, so it cannot run with 8-bit integers.`,
    );
  }
  const quantised = quantise(prepared, card.ranges).model;
  return form === "pairs" ? quantised : inWholeNumbers(quantised);
}
