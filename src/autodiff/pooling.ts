/** Pools. */
import { intAttribute, intsAttribute } from "../onnx/editing.js";
import { TensorProto_DataType as DataType } from "../onnx/gen/onnx_pb.js";
import { dimsOf, inputOf, type Rule, type Site } from "./rule.js";
import { channelsOf, endsOf, mapSize, placeCount, spread, type Window, windowOf } from "./window.js";

/** The lowest float32. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127;

/** A mean over the whole map: each pixel gets an equal share. */
export const globalAveragePool: Rule = (site) => {
  const { emit, dy, node } = site;
  const x = inputOf(site, 0);
  const pixels = emit.op("Div", [emit.op("Size", [x]), emit.op("Size", [node.output[0]])]);
  return [emit.expandLike(emit.op("Div", [dy, emit.op("Cast", [pixels], { to: DataType.FLOAT })]), x)];
};

/** The largest of a whole map gets the gradient; of equal ones each an equal share. */
export const globalMaxPool: Rule = (site) => {
  const { emit, dy, node } = site;
  const x = inputOf(site, 0);
  const axes = dimsOf(site, x)
    .map((_, axis) => axis)
    .slice(2);
  const chosen = emit.indicator(emit.op("Equal", [x, node.output[0]]));
  return [emit.op("Mul", [chosen, emit.op("Div", [dy, emit.sum(chosen, axes)])])];
};

/** Each pixel of a window gets an equal share. */
export const averagePool: Rule = (site) => {
  const window = windowOf(site, intsAttribute(site.node, "kernel_shape") ?? []);
  const channels = channelsOf(site);
  const { emit, dy } = site;
  const taps = window.kernel.reduce((a, b) => a * b, 1);
  const ones = emit.floats([channels, 1, ...window.kernel], new Array(channels * taps).fill(1));
  const share = emit.op("Div", [dy, counts(site, window)]);
  return [spread(site, share, ones, window, channels)];
};

/** By how many pixels each place of the window divides: `[1, 1, ...]`. */
function counts(site: Site, window: Window): string {
  const perAxis = window.kernel.map((_, axis) => countsAlong(site, window, axis));
  const all = perAxis.reduce((products, counts) => products.flatMap((a) => counts.map((b) => a * b)), [1]);
  return site.emit.floats([1, 1, ...perAxis.map(({ length }) => length)], all);
}

function countsAlong(site: Site, window: Window, axis: number): number[] {
  const size = mapSize(site, axis);
  const withPads = intAttribute(site.node, "count_include_pad", 0) !== 0;
  const [first, last] = withPads ? [-window.begins[axis], size + window.ends[axis]] : [0, size];
  return Array.from({ length: placeCount(site, axis) }, (_, place) => {
    const begin = place * window.strides[axis] - window.begins[axis];
    const taps = Array.from({ length: window.kernel[axis] }, (_, tap) => begin + tap * window.dilations[axis]);
    return taps.filter((at) => at >= first && at < last).length;
  });
}

/**
 * The gradient goes to the pixel that was the largest of its window, the first of equal ones. MaxPool would say which it
 * was, but not on WebGPU; so one kernel for each pixel of the window takes that pixel out.
 */
export const maxPool: Rule = (site) => {
  const { emit, dy, node } = site;
  const x = inputOf(site, 0);
  const window = windowOf(site, intsAttribute(node, "kernel_shape") ?? []);
  const { kernel, strides, dilations } = window;
  const taps = kernel.reduce((a, b) => a * b, 1);
  const oneEach = Array.from({ length: taps ** 2 }, (_, i) => (i % (taps + 1) === 0 ? 1 : 0));
  const kernels = emit.floats([taps, 1, ...kernel], oneEach);
  // Each channel of each tile is a map by itself: WebGPU is wrong about some convolutions with groups.
  const maps = (value: string, sizes: readonly number[]) => emit.op("Reshape", [value, emit.ints([-1, 1, ...sizes])]);
  const places = kernel.map((_, axis) => placeCount(site, axis));
  const sizes = kernel.map((_, axis) => mapSize(site, axis));

  const pixels = emit.op("Conv", [padded(site, maps(x, sizes), window), kernels], { strides, dilations });
  const largest = emit.op("Cast", [emit.op("ArgMax", [pixels], { axis: 1, keepdims: 1 })], { to: DataType.FLOAT });
  const numbers = emit.floats(
    [taps, ...places.map(() => 1)],
    Array.from({ length: taps }, (_, tap) => tap),
  );
  const chosen = emit.indicator(emit.op("Equal", [largest, numbers]));
  const shares = emit.op("Mul", [chosen, maps(dy, places)]);
  return [emit.reshapeLike(spread(site, shares, kernels, window, 1), x)];
};

/** Maps with pads that are never the largest. They are finite, as a kernel multiplies them by 0. */
function padded(site: Site, maps: string, window: Window): string {
  const { emit } = site;
  const ends = endsOf(site, window).map((end) => Math.max(0, end));
  if ([...window.begins, ...ends].every((pad) => pad === 0)) return maps;
  return emit.op("Pad", [maps, emit.ints([0, 0, ...window.begins, 0, 0, ...ends]), LOWEST]);
}
