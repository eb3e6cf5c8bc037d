/** The levels of a backbone's network beside its last features. */
import { findLevels } from "../onnx/pyramid.js";
import type { ModelCard } from "./card.js";

/** `card` with the levels of its network in `bytes`; unchanged if that has none. */
export function withPyramid(card: ModelCard, bytes: Uint8Array): ModelCard {
  const levels = findLevels(bytes, card.name, card.features.output);
  if (levels.length === 0) return card;
  const count = levels.reduce((sum, level) => sum + level.count, card.features.count);
  return { ...card, features: { ...card.features, count, levels } };
}

/** Widths of the blocks of features: the last features, then each level. */
export function featureBlocks({ features: { count, levels = [] } }: ModelCard): number[] {
  const counts = levels.map((level) => level.count);
  return [counts.reduce((rest, each) => rest - each, count), ...counts];
}
