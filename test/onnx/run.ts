/** Runs ONNX bytes once, for tests. */
import ort from "onnxruntime-node";

export type Feeds = Record<string, ort.Tensor>;

/** Creates a one-thread session over `model` and returns its outputs for `feeds` as plain arrays with their dims. */
export async function runModel(
  model: Uint8Array,
  feeds: Feeds,
): Promise<Record<string, { dims: readonly number[]; data: Float32Array }>> {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const results = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, each]) => [name, { dims: each.dims, data: each.data as Float32Array }]),
    );
  } finally {
    await session.release();
  }
}

/** Largest absolute difference of two arrays of equal length. */
export function maxDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] as number))), 0);
}

/** Seeded numbers in [-1, 1): mulberry32. */
export function randoms(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}
