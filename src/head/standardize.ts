/** Standardisation of features, and how it is folded back into a head. */
import type { FeatureSource } from "./feature-matrix.js";
import type { Head } from "./head.js";

/** A feature is read as `(x - mean) * scale`; both `[numFeatures]` float32. */
export interface Standardization {
  mean: Float32Array;
  scale: Float32Array;
}

/** Mean and 1 / standard deviation (of the population) of each feature; a constant feature gets scale 0 and so no weight. */
export async function measureStandardization(source: FeatureSource): Promise<Standardization> {
  const { numFeatures, rows } = source;
  const sum = new Float64Array(numFeatures);
  const squares = new Float64Array(numFeatures);
  // Sums are taken around the first row: far from zero, squares of raw values would cancel.
  const origin = Float64Array.from((await source.read(0, 1)).subarray(0, numFeatures));
  for (let start = 0; start < rows; start += source.windowRows) {
    const count = Math.min(source.windowRows, rows - start);
    addMoments(await source.read(start, count), count, origin, sum, squares);
  }
  const mean = Float32Array.from(sum, (total, f) => origin[f]! + total / rows);
  const scale = Float32Array.from(sum, (total, f) => {
    const variance = squares[f]! / rows - (total / rows) ** 2;
    return variance > 1e-12 ? 1 / Math.sqrt(variance) : 0;
  });
  return { mean, scale };
}

/** The head that gives for raw features the logits `head` gives for standardised ones. */
export function foldStandardization(head: Head, { mean, scale }: Standardization): Head {
  const { numFeatures, numTags } = head;
  const weight = new Float32Array(head.weight.length);
  const bias = Float64Array.from(head.bias);
  for (let feature = 0; feature < numFeatures; feature++) {
    for (let tag = 0; tag < numTags; tag++) {
      const folded = head.weight[feature * numTags + tag]! * scale[feature]!;
      weight[feature * numTags + tag] = folded;
      bias[tag]! -= folded * mean[feature]!;
    }
  }
  return { weight, bias: Float32Array.from(bias), numFeatures, numTags };
}

function addMoments(
  data: Float32Array,
  rows: number,
  origin: Float64Array,
  sum: Float64Array,
  squares: Float64Array,
): void {
  const numFeatures = sum.length;
  for (let row = 0; row < rows; row++) {
    const from = row * numFeatures;
    for (let feature = 0; feature < numFeatures; feature++) {
      const value = data[from + feature]! - origin[feature]!;
      sum[feature]! += value;
      squares[feature]! += value * value;
    }
  }
}
