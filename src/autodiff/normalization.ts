/** Softmax and normalisations. */
import { intAttribute } from "../onnx/editing.js";
import { unbroadcast } from "./broadcast.js";
import { axesBut, dimsOf, fail, fromFront, inputOf, type Rule, type Site, sizeOf } from "./rule.js";

/** dx = y (dy - sum(dy y)). */
export const softmax: Rule = (site) => {
  const { emit, dy, node } = site;
  const y = node.output[0];
  const sum = emit.sum(emit.op("Mul", [dy, y]), [softmaxAxis(site)]);
  return [emit.op("Mul", [emit.op("Sub", [dy, sum]), y])];
};

/** dx = dy - e^y sum(dy). */
export const logSoftmax: Rule = (site) => {
  const { emit, dy, node } = site;
  const shares = emit.op("Exp", [node.output[0]]);
  return [emit.op("Sub", [dy, emit.op("Mul", [shares, emit.sum(dy, [softmaxAxis(site)])])])];
};

function softmaxAxis(site: Site): number {
  return fromFront(intAttribute(site.node, "axis", -1), dimsOf(site, inputOf(site, 0)).length);
}

/** Of z = (x - mean) / deviation: dx = (dz - mean(dz) - z mean(dz z)) / deviation, means over the normalised axes. */
export const layerNormalization: Rule = (site) => {
  const { emit, dy, node } = site;
  const x = inputOf(site, 0);
  const rank = dimsOf(site, x).length;
  const axes = axesBut(rank).slice(fromFront(intAttribute(node, "axis", -1), rank));
  const { z, deviation } = normalised(site, x, axes);
  const dz = emit.op("Mul", [dy, inputOf(site, 1)]);
  return [
    site.wants(0) ? throughNormalisation(site, dz, z, deviation, axes) : undefined,
    site.wants(1) ? unbroadcast(site, emit.op("Mul", [dy, z]), 1) : undefined,
    site.wants(2) ? unbroadcast(site, dy, 2) : undefined,
  ];
};

/** The same over height and width of each map, with scale and bias by channel. */
export const instanceNormalization: Rule = (site) => {
  const { emit, dy } = site;
  const x = inputOf(site, 0);
  const rank = dimsOf(site, x).length;
  const axes = axesBut(rank, 0, 1);
  const { z, deviation } = normalised(site, x, axes);
  const dz = emit.op("Mul", [dy, byChannel(site, inputOf(site, 1), rank)]);
  const others = axesBut(rank, 1);
  return [
    site.wants(0) ? throughNormalisation(site, dz, z, deviation, axes) : undefined,
    site.wants(1) ? emit.sum(emit.op("Mul", [dy, z]), others, 0) : undefined,
    site.wants(2) ? emit.sum(dy, others, 0) : undefined,
  ];
};

function normalised(site: Site, x: string, axes: readonly number[]): { z: string; deviation: string } {
  const { emit, node } = site;
  const centred = emit.op("Sub", [x, mean(site, x, axes)]);
  const variance = mean(site, emit.op("Mul", [centred, centred]), axes);
  const deviation = emit.op("Sqrt", [emit.op("Add", [variance, epsilonOf(node)])]);
  return { z: emit.op("Div", [centred, deviation]), deviation };
}

function throughNormalisation(site: Site, dz: string, z: string, deviation: string, axes: readonly number[]): string {
  const { emit } = site;
  const common = emit.op("Sub", [dz, mean(site, dz, axes)]);
  const along = emit.op("Mul", [z, mean(site, emit.op("Mul", [dz, z]), axes)]);
  return emit.op("Div", [emit.op("Sub", [common, along]), deviation]);
}

/** Over `axes` of a value that has the shape of the node's input. */
function mean(site: Site, value: string, axes: readonly number[]): string {
  const count = axes.reduce((product, axis) => product * sizeOf(site, inputOf(site, 0), axis), 1);
  return site.emit.op("Div", [site.emit.sum(value, axes), count]);
}

/** As in inference: mean and variance are fixed, and do not learn. */
export const batchNormalization: Rule = (site) => {
  const { emit, dy, node } = site;
  const [x, scale, , average, variance] = node.input;
  const rank = dimsOf(site, x).length;
  if (site.wants(3) || site.wants(4)) fail(node, "its mean and variance cannot learn");
  const deviation = emit.op("Sqrt", [emit.op("Add", [variance, epsilonOf(node)])]);
  const others = axesBut(rank, 1);
  const z = () =>
    emit.op("Div", [emit.op("Sub", [x, byChannel(site, average, rank)]), byChannel(site, deviation, rank)]);
  return [
    site.wants(0) ? emit.op("Mul", [dy, byChannel(site, emit.op("Div", [scale, deviation]), rank)]) : undefined,
    site.wants(1) ? emit.sum(emit.op("Mul", [dy, z()]), others, 0) : undefined,
    site.wants(2) ? emit.sum(dy, others, 0) : undefined,
  ];
};

/** `[C]` as `[C, 1, ...]`, to go with maps of rank `rank`. */
function byChannel({ emit }: Site, value: string, rank: number): string {
  return emit.op("Reshape", [value, emit.ints([-1, ...new Array(rank - 2).fill(1)])]);
}

function epsilonOf(node: Site["node"]): number {
  return node.attribute.find(({ name }) => name === "epsilon")?.f ?? 1e-5;
}
