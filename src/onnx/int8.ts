/** Weights as int8 with a scale for each output channel. */
import type { Tensor } from "./tensor.js";

/** Greatest magnitude of each channel along `axis` of the float32 tensor `weight`. */
export function largestMagnitudes(weight: Tensor, axis: number): Float64Array {
  const largest = new Float64Array(weight.dims[axis]);
  forEachWeight(weight.dims, axis, (i, channel) => {
    const magnitude = Math.abs(Number(weight.data[i]));
    if (magnitude > largest[channel]) largest[channel] = magnitude;
  });
  return largest;
}

/** The nearest int8 of each weight / the scale of its channel; -128 is not used, so that scales are the same on both sides of 0. */
export function roundToInt8({ data, dims }: Tensor, axis: number, scales: Float32Array): Tensor {
  const weights = data as Float32Array;
  const integers = new Int8Array(weights.length);
  forEachWeight(dims, axis, (i, channel) => {
    integers[i] = Math.max(-127, Math.min(127, nearest(weights[i] / scales[channel])));
  });
  return { type: "int8", dims, data: integers };
}

/** Calls `visit` with the place of each weight of `dims`, in order, and its channel along `axis`. */
export function forEachWeight(dims: readonly number[], axis: number, visit: (i: number, channel: number) => void) {
  const channels = dims[axis];
  const run = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const count = dims.reduce((product, dim) => product * dim, 1);
  for (let i = 0, channel = 0; i < count; channel = (channel + 1) % channels) {
    for (const end = i + run; i < end; i++) visit(i, channel);
  }
}

/** Halves go to the even neighbour, as in ONNX. */
export function nearest(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}
