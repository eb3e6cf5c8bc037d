/** Runs ONNX bytes once, for tests. */
import ort from "onnxruntime-node";
import { DEVICES, type Device } from "../../src/features/device.js";

/** Where tests of gradients and of ONNX graphs run. `CANOPY_TEST_DEVICE=cuda|webgpu` tries a GPU. */
export const TEST_DEVICE: Device = readDevice(process.env["CANOPY_TEST_DEVICE"] ?? "cpu");

function readDevice(name: string): Device {
  const device = DEVICES.find((known): known is Device => known === name && known !== "auto");
  if (device === undefined) throw new Error(`There is no device ${name}.`);
  return device;
}

export type Feeds = Record<string, ort.Tensor>;

/** Creates a one-thread session over `model` and returns its outputs for `feeds` as plain arrays with their dims. */
export async function runModel(
  model: Uint8Array,
  feeds: Feeds,
): Promise<Record<string, { dims: readonly number[]; data: Float32Array }>> {
  const executionProviders = [TEST_DEVICE];
  const options = { executionProviders, intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
  const session = await ort.InferenceSession.create(model, options);
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
