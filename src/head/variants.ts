/**
 * Variants: features of the flips and quarter turns of each tile (the dihedral group). All variants of a tile stay on
 * one side of every split.
 */
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { type FeatureMatrix, selectFeatures } from "./feature-matrix.js";

/** One matrix per variant, row i of each being tile i; the first is the tile as it is. */
export type FeatureVariants = readonly [FeatureMatrix, ...FeatureMatrix[]];

export interface VariantUse {
  /** "none" trains on tiles as they are, "d4" on every variant as a row of its own. @default "none" */
  augment: "none" | "d4";
  /** "none" scores tiles as they are, "d4" the mean of their variants' features (a linear head: the mean of their logits). @default "none" */
  tta: "none" | "d4";
}

/** Checks that variants fit each other and the labels. */
export function toVariants(features: FeatureMatrix | readonly FeatureMatrix[], rows: number): FeatureVariants {
  const variants = "data" in features ? [features] : [...features];
  const first = variants[0];
  if (first === undefined || variants.some((each) => each.rows !== rows || each.numFeatures !== first.numFeatures)) {
    throw new RangeError(`Expected features of the same ${rows} tiles in every variant.`);
  }
  return variants as [FeatureMatrix, ...FeatureMatrix[]];
}

/** The rows to train on for the tiles `rows`. */
export function trainingRows(
  variants: FeatureVariants,
  labels: LabelMatrix,
  rows: Uint32Array,
  { augment }: Pick<VariantUse, "augment">,
): { features: FeatureMatrix; labels: LabelMatrix } {
  const used = augment === "none" ? variants.slice(0, 1) : variants;
  const { numFeatures } = variants[0];
  const data = new Float32Array(used.length * rows.length * numFeatures);
  used.forEach((variant, i) => {
    data.set(selectFeatures(variant, rows).data, i * rows.length * numFeatures);
  });
  const repeated = Array.from({ length: used.length }, () => [...rows]).flat();
  return { features: { data, rows: repeated.length, numFeatures }, labels: selectLabels(labels, repeated) };
}

/** Folds for `trainingRows`: each tile's fold, once per variant used. */
export function trainingFolds(folds: Uint8Array, trainingRowCount: number): Uint8Array {
  return Uint8Array.from({ length: trainingRowCount }, (_, i) => folds[i % folds.length]);
}

/** The features that the tiles `rows` are scored by. */
export function scoringRows(
  variants: FeatureVariants,
  rows: Uint32Array,
  { tta }: Pick<VariantUse, "tta">,
): FeatureMatrix {
  return tta === "none" ? selectFeatures(variants[0], rows) : meanFeatures(variants, rows);
}

/** The mean of the variants' features for the tiles `rows`. */
export function meanFeatures(variants: FeatureVariants, rows: Uint32Array): FeatureMatrix {
  const mean = selectFeatures(variants[0], rows);
  for (const variant of variants.slice(1)) {
    const { data } = selectFeatures(variant, rows);
    for (let i = 0; i < data.length; i++) mean.data[i] += data[i];
  }
  for (let i = 0; i < mean.data.length; i++) mean.data[i] /= variants.length;
  return mean;
}
