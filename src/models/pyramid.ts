/** A backbone with the levels of its network beside its last features. */
import { findLevels } from "../onnx/pyramid.js";
import type { ModelCard } from "./card.js";
import type { ResolvedBackbone } from "./registry.js";

/** `backbone` with a card that names its levels; the file is the same. Unchanged where its network has no levels. */
export function withPyramid({ card, bytes }: ResolvedBackbone): ResolvedBackbone {
  const levels = findLevels(bytes, card.name, card.features.output);
  if (levels.length === 0) return { card, bytes };
  const count = levels.reduce((sum, level) => sum + level.count, card.features.count);
  return { card: { ...card, features: { ...card.features, count, levels } }, bytes };
}

/** How many features come from where: the last features, then each level. */
export function featureBlocks({ features: { count, levels = [] } }: ModelCard): number[] {
  const counts = levels.map((level) => level.count);
  return [counts.reduce((rest, each) => rest - each, count), ...counts];
}
