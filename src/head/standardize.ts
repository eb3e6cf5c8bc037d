/** Standardisation of features, and how it is folded back into a head. */
import type { Scaling } from "./config.js";
import type { FeatureSource } from "./feature-matrix.js";
import type { Head } from "./head.js";

/** A feature is read as `(x - mean) * scale`; both `[numFeatures]` float32. */
export interface Standardization {
  mean: Float32Array;
  scale: Float32Array;
}

/** Below this a feature counts as constant. */
const SMALLEST_DEVIATION = 1e-6;

/**
 * Mean and factor of each feature; undefined for no scaling. A constant feature gets scale 0 and so no weight. Pareto
 * scales are relative to the median deviation, so that a penalty has about the same effect under either scaling. Each
 * of several `blocks` (widths, summing to the number of features) gets the same share of the variance, whatever its
 * width.
 */
export async function measureStandardization(
  source: FeatureSource,
  scaling: Scaling,
  blocks: readonly number[] = [],
): Promise<Standardization | undefined> {
  if (scaling === "none") return undefined;
  const { numFeatures, rows } = source;
  const sum = new Float64Array(numFeatures);
  const squares = new Float64Array(numFeatures);
  // Sums are relative to the first row: squares of raw values far from zero would cancel.
  const origin = Float64Array.from((await source.read(0, 1)).subarray(0, numFeatures));
  for (let start = 0; start < rows; start += source.windowRows) {
    const count = Math.min(source.windowRows, rows - start);
    addMoments(await source.read(start, count), count, origin, sum, squares);
  }
  const mean = Float32Array.from(sum, (total, f) => origin[f] + total / rows);
  const deviations = sum.map((total, f) => Math.sqrt(Math.max(0, squares[f] / rows - (total / rows) ** 2)));
  return { mean, scale: blocks.length < 2 ? toScale(deviations, scaling) : toBlockScales(deviations, scaling, blocks) };
}

/** The total variance is the number of features; blocks share it equally. */
function toBlockScales(deviations: Float64Array, scaling: Scaling, blocks: readonly number[]): Float32Array {
  const scale = new Float32Array(deviations.length);
  let from = 0;
  for (const width of blocks) {
    const own = deviations.subarray(from, from + width);
    const plain = toScale(own, scaling);
    const variance = plain.reduce((sum, each, f) => sum + (each * own[f]) ** 2, 0);
    const share = variance === 0 ? 0 : Math.sqrt(deviations.length / blocks.length / variance);
    scale.set(
      plain.map((each) => each * share),
      from,
    );
    from += width;
  }
  if (from !== deviations.length)
    throw new RangeError(`Blocks of ${from} features, but there are ${deviations.length}.`);
  return scale;
}

/** The head that gives for raw features the same logits as `head` for standardised ones. */
export function foldStandardization(head: Head, { mean, scale }: Standardization): Head {
  const { numFeatures, numTags } = head;
  const weight = new Float32Array(head.weight.length);
  const bias = Float64Array.from(head.bias);
  for (let feature = 0; feature < numFeatures; feature++) {
    for (let tag = 0; tag < numTags; tag++) {
      const folded = head.weight[feature * numTags + tag] * scale[feature];
      weight[feature * numTags + tag] = folded;
      bias[tag] -= folded * mean[feature];
    }
  }
  return { weight, bias: Float32Array.from(bias), numFeatures, numTags };
}

function toScale(deviations: Float64Array, scaling: Scaling): Float32Array {
  const varying = deviations.filter((deviation) => deviation > SMALLEST_DEVIATION).sort();
  const median = varying[Math.floor(varying.length / 2)] ?? 1;
  return Float32Array.from(deviations, (deviation) => {
    if (deviation <= SMALLEST_DEVIATION) return 0;
    return scaling === "standard" ? 1 / deviation : 1 / Math.sqrt(deviation * median);
  });
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
      const value = data[from + feature] - origin[feature];
      sum[feature] += value;
      squares[feature] += value * value;
    }
  }
}
