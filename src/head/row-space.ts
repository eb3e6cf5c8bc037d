/**
 * Row space: with fewer rows than features, the weights that minimise an L2-penalised loss are sums of rows (the
 * representer theorem), so there are only as many unknowns as rows. With X the standardised features and X Xᵀ = L Lᵀ
 * (Cholesky), weights w = Xᵀ L⁻ᵀ u give the logits X w = L u and have the norm |w| = |u|: the problem with rows of L is
 * the problem with rows of X, but smaller.
 */
import { loadAddon, type NativeFeatures } from "../addon.js";
import { usableCores } from "../machine.js";
import type { FeatureMatrix } from "./feature-matrix.js";
import type { Standardization } from "./standardize.js";
import { addScaled, dot } from "./vectors.js";

/** The features a solver is given, and the way back from its solutions. */
export interface Space {
  features: FeatureMatrix;
  standardization: Standardization | undefined;
  /** Solutions `[features.numFeatures + 1]`, bias last, as weights of standardised features, bias last. */
  toWeights(points: readonly Float64Array[]): Float64Array[];
}

/** Above this ratio of rows to features the factorisation costs more than it saves. */
const MOST_ROWS_PER_FEATURE = 0.75;
/**
 * Above this number of rows the factorisation, which never yields, would block its thread for more than two seconds.
 */
const MOST_ROWS = 2048;
/** What is added to the squared norm of each row, as a share of their mean: rows may depend on each other, as centred ones do. */
const JITTER = 1e-10;

/** Row space if it is small enough, else the features as they are. */
export async function chooseSpace(
  features: FeatureMatrix,
  standardization: Standardization | undefined,
  threads?: number,
): Promise<Space> {
  return features.rows <= Math.min(MOST_ROWS, MOST_ROWS_PER_FEATURE * features.numFeatures)
    ? toRowSpace(features, standardization, threads)
    : { features, standardization, toWeights: (points) => [...points] };
}

export async function toRowSpace(
  features: FeatureMatrix,
  standardization: Standardization | undefined,
  threads = usableCores(),
): Promise<Space> {
  const { rows } = features;
  const standardized = { ...features, ...standardization };
  const lower = await computeGram(standardized, threads);
  factorize(lower, rows);
  return {
    features: { data: new Float32Array(lower), rows, numFeatures: rows },
    standardization: undefined,
    toWeights: (points) => toWeights(points, lower, standardized),
  };
}

/** Inner products of the rows `[rows, rows]`, the lower triangle; the other is not defined. */
export async function computeGram(features: NativeFeatures, threads: number): Promise<Float64Array> {
  const { rows } = features;
  const gram = new Float64Array(rows * rows);
  const addon = loadAddon();
  if (addon !== undefined) {
    await addon.headGram(features, threads, gram);
    return gram;
  }
  const x = Array.from({ length: rows }, (_, row) => standardizedRow(features, row));
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) gram[i * rows + j] = dot(x[i], x[j]);
  }
  return gram;
}

function standardizedRow({ data, numFeatures, mean, scale }: NativeFeatures, row: number): Float64Array {
  const values = new Float64Array(data.subarray(row * numFeatures, (row + 1) * numFeatures));
  if (mean === undefined || scale === undefined) return values;
  for (let f = 0; f < numFeatures; f++) values[f] = (values[f] - mean[f]) * scale[f];
  return values;
}

/**
 * Turns the lower triangle of `a` `[size, size]` into its Cholesky factor, row by row, jitter included; what is above
 * becomes 0.
 */
function factorize(a: Float64Array, size: number): void {
  let trace = 0;
  for (let i = 0; i < size; i++) trace += a[i * size + i];
  const jitter = trace > 0 ? (JITTER * trace) / size : 1;
  for (let i = 0; i < size; i++) {
    const row = a.subarray(i * size, (i + 1) * size);
    row[i] += jitter;
    for (let j = 0; j <= i; j++) {
      const other = a.subarray(j * size, (j + 1) * size);
      const rest = row[j] - dot(row, other, j);
      // If a row depends on others, rounding may leave less than the jitter.
      row[j] = j === i ? Math.sqrt(Math.max(rest, jitter)) : rest / other[j];
    }
    row.fill(0, i + 1);
  }
}

/** w = Xᵀ a for each point, where Lᵀ a = u. */
function toWeights(points: readonly Float64Array[], lower: Float64Array, features: NativeFeatures): Float64Array[] {
  const { rows, numFeatures } = features;
  const shares = points.map((point) => substituteBack(point, lower, rows));
  const weights = points.map((point) => {
    const weight = new Float64Array(numFeatures + 1);
    weight[numFeatures] = point[rows];
    return weight;
  });
  for (let i = 0; i < rows; i++) {
    const row = standardizedRow(features, i);
    weights.forEach((weight, point) => {
      addScaled(weight, shares[point][i], row, numFeatures);
    });
  }
  return weights;
}

function substituteBack(point: Float64Array, lower: Float64Array, rows: number): Float64Array {
  const shares = point.slice(0, rows);
  for (let i = rows - 1; i >= 0; i--) {
    const row = lower.subarray(i * rows, (i + 1) * rows);
    shares[i] /= row[i];
    addScaled(shares, -shares[i], row, i);
  }
  return shares;
}
