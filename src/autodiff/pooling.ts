/** Pools. */
import { intAttribute, intsAttribute } from "../onnx/editing.js";
import { TensorProto_DataType as DataType } from "../onnx/gen/onnx_pb.js";
import { dimsOf, fail, inputOf, type Rule, type Site } from "./rule.js";
import { channelsOf, mapSize, placeCount, spread, type Window, windowOf } from "./window.js";

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

/** The gradient goes to the pixel that was the largest, whose number ONNX's MaxPool gives. */
export const maxPool: Rule = (site) => {
  const { emit, dy, node } = site;
  if (intAttribute(node, "storage_order", 0) !== 0) fail(node, "it numbers pixels by columns");
  const x = inputOf(site, 0);
  const flat = (value: string) => emit.op("Reshape", [value, emit.ints([-1])]);
  const places = flat(emit.claim(node, 1));
  const zeros = emit.op("Mul", [flat(x), 0]);
  const sums = emit.op("ScatterElements", [zeros, places, flat(dy)], { axis: 0, reduction: "add" });
  return [emit.reshapeLike(sums, x)];
};
