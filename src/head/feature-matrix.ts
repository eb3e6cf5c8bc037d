/** Features as the head takes them: a matrix in memory, or a source that reads windows of rows from disk. */

export interface FeatureMatrix {
  /** `[rows, numFeatures]` float32, row-major. */
  data: Float32Array;
  rows: number;
  numFeatures: number;
}

/** Features too many for memory: rows are read in windows, each small enough for memory. */
export interface FeatureSource {
  rows: number;
  numFeatures: number;
  /** Rows per window; the last one may be shorter. Shuffling mixes windows, and rows within a window. */
  windowRows: number;
  /** Rows `[start, start + count)`, within one window: `[count, numFeatures]` float32, valid until the next but one call. */
  read(start: number, count: number): Promise<Float32Array>;
}

/** A matrix in memory as a source of one window, without copying. */
export function toFeatureSource(features: FeatureMatrix | FeatureSource): FeatureSource {
  if ("read" in features) {
    return features;
  }
  const { data, rows, numFeatures } = features;
  const read = async (start: number, count: number) =>
    data.subarray(start * numFeatures, (start + count) * numFeatures);
  return { rows, numFeatures, windowRows: Math.max(1, rows), read };
}

/** The rows `indices` of `features`, copied, in that order. */
export function selectFeatures(features: FeatureMatrix, indices: ArrayLike<number>): FeatureMatrix {
  const { numFeatures } = features;
  const data = new Float32Array(indices.length * numFeatures);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i] * numFeatures;
    data.set(features.data.subarray(from, from + numFeatures), i * numFeatures);
  }
  return { data, rows: indices.length, numFeatures };
}
