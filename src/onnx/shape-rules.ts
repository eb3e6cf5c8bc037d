/** The shapes of results, by operator. */
import { intAttribute, intsAttribute, stringAttribute } from "./editing.js";
import type { NodeProto } from "./gen/onnx_pb.js";

/** Sizes per axis, undefined if not fixed. */
export type Dims = (number | undefined)[];

/** The integers of a value, by its name, if they are known. */
type KnownIntegers = (name: string) => readonly number[] | undefined;

type Rule = (node: NodeProto, inputs: (Dims | undefined)[], ints: KnownIntegers) => Dims | undefined;

/** The shape of output `at` of `node`; undefined if not even the rank is known. */
export function outputDims(
  node: NodeProto,
  inputs: (Dims | undefined)[],
  at: number,
  ints: KnownIntegers,
): Dims | undefined {
  if (node.opType === "Split") return splitDims(node, inputs[0], ints, at);
  return at === 0 ? RULES[node.opType]?.(node, inputs, ints) : undefined;
}

const same: Rule = (_node, [x]) => x;

const broadcast: Rule = (_node, inputs) => {
  if (inputs.some((each) => each === undefined)) return undefined;
  const shapes = inputs as Dims[];
  const rank = Math.max(...shapes.map((each) => each.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((each) => (axis < rank - each.length ? 1 : each[axis - rank + each.length]));
    return (
      sizes.find((size) => size !== undefined && size !== 1) ?? (sizes.every((size) => size === 1) ? 1 : undefined)
    );
  });
};

const convolution: Rule = (node, [x, w]) => w && [x?.[0], w[0], ...spatial(node, x?.slice(2) ?? [], w.slice(2))];

/** QLinearConv: data and weight each with scale and zero point. */
const quantisedConvolution: Rule = (node, [x, , , w], ints) => convolution(node, [x, w], ints);

const globalPool: Rule = (_node, [x]) => x?.map((size, axis) => (axis < 2 ? size : 1));

const localPool: Rule = (node, [x]) =>
  x && [...x.slice(0, 2), ...spatial(node, x.slice(2), intsAttribute(node, "kernel_shape") ?? [])];

/** Height and width after a kernel has passed over them. */
function spatial(node: NodeProto, sizes: Dims, kernel: Dims): Dims {
  const each = (name: string, fallback: number) => intsAttribute(node, name) ?? kernel.map(() => fallback);
  const [strides, dilations] = [each("strides", 1), each("dilations", 1)];
  const automatic = stringAttribute(node, "auto_pad");
  const pads = automatic === "VALID" ? [] : each("pads", 0);
  const round = intAttribute(node, "ceil_mode", 0) === 0 ? Math.floor : Math.ceil;
  return kernel.map((width, axis) => {
    const [size, stride = 1, dilation = 1, begin = 0] = [sizes[axis], strides[axis], dilations[axis], pads[axis]];
    if (size === undefined || width === undefined) return undefined;
    if (automatic.startsWith("SAME")) return Math.ceil(size / stride);
    const padded = size + begin + (pads[axis + kernel.length] ?? 0);
    const places = round((padded - dilation * (width - 1) - 1) / stride) + 1;
    // Rounded up, the last window must still begin before the padding behind the map.
    return round === Math.ceil && (places - 1) * stride >= size + begin ? places - 1 : places;
  });
}

const gemm: Rule = (node, [x, w]) => [
  intAttribute(node, "transA", 0) ? x?.[1] : x?.[0],
  intAttribute(node, "transB", 0) ? w?.[0] : w?.[1],
];

const matMul: Rule = (node, [x, w], ints) => {
  if (x === undefined || w === undefined) return undefined;
  const batch = broadcast(node, [x.slice(0, -2), w.slice(0, -2)], ints) ?? [];
  return [...batch, ...x.slice(-2, -1), w.at(intAttribute(node, "transB", 0) ? -2 : -1)];
};

/** QGemm and QLinearMatMul: each operand with scale and zero point. */
const quantisedGemm: Rule = (node, [x, , , w], ints) => gemm(node, [x, w], ints);
const quantisedMatMul: Rule = (node, [x, , , w], ints) => matMul(node, [x, w], ints);

const flatten: Rule = (node, [x]) => {
  const axis = intAttribute(node, "axis", 1);
  return x === undefined ? [undefined, undefined] : [product(x.slice(0, axis)), product(x.slice(axis))];
};

const reshape: Rule = (node, [x, shapeDims], ints) => {
  const target = ints(node.input[1] ?? "");
  if (target === undefined) {
    return shapeDims?.[0] === undefined ? undefined : new Array(shapeDims[0]).fill(undefined);
  }
  const sizes = target.map((size, axis) => (size === 0 ? x?.[axis] : size));
  const rest = product(sizes.filter((size) => size !== -1));
  const all = x && product(x);
  return sizes.map((size) => (size !== -1 ? size : all === undefined || !rest ? undefined : all / rest));
};

/** If only the last axis is normalised, scale and bias give its length. */
const layerNorm: Rule = (node, [x, scale]) => {
  if (x === undefined || scale?.length !== 1 || intAttribute(node, "axis", -1) !== -1) return x;
  return [...x.slice(0, -1), x.at(-1) ?? scale[0]];
};

const reduce: Rule = (node, [x], ints) => {
  const axes = axesOf(node, ints, x?.length);
  if (x === undefined || axes === undefined) return undefined;
  const kept = x.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return intAttribute(node, "keepdims", 1) ? kept : kept.filter((_, axis) => !axes.includes(axis));
};

const squeeze: Rule = (node, [x], ints) => {
  const axes = axesOf(node, ints, x?.length);
  return x && axes && x.filter((_, axis) => !axes.includes(axis));
};

const unsqueeze: Rule = (node, [x], ints) => {
  const count = intsAttribute(node, "axes")?.length ?? ints(node.input[1] ?? "")?.length;
  const axes = x && count !== undefined ? axesOf(node, ints, x.length + count) : undefined;
  if (x === undefined || axes === undefined) return undefined;
  const rest = [...x];
  return Array.from({ length: x.length + axes.length }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()));
};

const transpose: Rule = (node, [x]) => {
  const perm = intsAttribute(node, "perm");
  return x && (perm === undefined ? [...x].reverse() : perm.map((axis) => x[axis]));
};

const concat: Rule = (node, inputs) => {
  const first = inputs.find((each) => each !== undefined);
  if (first === undefined) return undefined;
  const at = (intAttribute(node, "axis", 0) + first.length) % first.length;
  return first.map((size, axis) => (axis === at ? sum(inputs.map((each) => each?.[axis])) : size));
};

const gather: Rule = (node, [x, indices]) => {
  if (x === undefined || indices === undefined) return undefined;
  const axis = (intAttribute(node, "axis", 0) + x.length) % x.length;
  return [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)];
};

/** Axes that are not cut keep their sizes; of others the size is known if the bounds are constant. */
const slice: Rule = (node, [x], ints) => {
  const bounds = (name: string, at: number) => intsAttribute(node, name) ?? ints(node.input[at] ?? "");
  const [starts, ends] = [bounds("starts", 1), bounds("ends", 2)];
  const axes = bounds("axes", 3) ?? starts?.map((_, i) => i);
  if (x === undefined || axes === undefined) return x?.map(() => undefined);
  const steps = bounds("steps", 4) ?? axes.map(() => 1);
  return x.map((size, axis) => {
    const at = axes.findIndex((each) => (each + x.length) % x.length === axis);
    if (at === -1 || size === undefined) return size;
    return slicedSize(size, starts?.[at], ends?.[at], steps[at]);
  });
};

function slicedSize(size: number, start = Number.NaN, end = Number.NaN, step = 1): number | undefined {
  const bound = (place: number) => Math.min(size, Math.max(0, place < 0 ? place + size : place));
  const length = Math.ceil((bound(end) - bound(start)) / step);
  return step > 0 && Number.isFinite(length) ? Math.max(0, length) : undefined;
}

/** Output `part` of a Split has a size of its own along the axis, or an equal share. */
function splitDims(node: NodeProto, x: Dims | undefined, ints: KnownIntegers, part: number): Dims | undefined {
  if (x === undefined) return undefined;
  const at = (intAttribute(node, "axis", 0) + x.length) % x.length;
  const sizes = intsAttribute(node, "split") ?? ints(node.input[1] ?? "");
  const isEqual = sizes === undefined && (node.input[1] ?? "") === "";
  const size = isEqual ? equalShare(x[at], node.output.length, part) : sizes?.[part];
  return x.map((each, axis) => (axis === at ? size : each));
}

/** The last part is smaller where the size cannot be divided. */
function equalShare(size: number | undefined, parts: number, part: number): number | undefined {
  if (size === undefined) return undefined;
  const share = Math.ceil(size / parts);
  return Math.min(share, size - part * share);
}

const expand: Rule = (node, [x, shapeDims], ints) => {
  const target = ints(node.input[1] ?? "");
  if (target !== undefined) return broadcast(node, [x, [...target]], ints);
  const rank = shapeDims?.[0];
  return rank === undefined ? undefined : broadcast(node, [x, new Array(rank).fill(undefined)], ints);
};

/** By given sizes, or by factors. */
const resized: Rule = (node, [x], ints) => {
  const [factors, sizes] = [ints(node.input[2] ?? ""), ints(node.input[3] ?? "")];
  const axes = intsAttribute(node, "axes")?.map((axis) => (axis + (x?.length ?? 0)) % (x?.length ?? 1));
  return x?.map((size, axis) => {
    const at = axes === undefined ? axis : axes.indexOf(axis);
    const factor = factors?.[at];
    if (at === -1 || factor === 1) return size;
    return sizes?.[at] ?? (factor === undefined || size === undefined ? undefined : Math.floor(size * factor));
  });
};

const shapeOf: Rule = (_node, [x]) => [x?.length];

const RULES: Readonly<Record<string, Rule>> = {
  ...rulesFor(
    same,
    "Clip Relu LeakyRelu PRelu Sigmoid HardSigmoid HardSwish Tanh Elu Selu Gelu Erf Mish Softplus Sqrt Log Reciprocal Sign Not",
  ),
  ...rulesFor(same, "Softmax LogSoftmax BatchNormalization InstanceNormalization LRN Dropout"),
  ...rulesFor(same, "Identity Cast DequantizeLinear QuantizeLinear DynamicQuantizeLinear LpNormalization Neg Exp Abs"),
  ...rulesFor(same, "GroupNormalization QLinearSigmoid QLinearLeakyRelu QLinearSoftmax"),
  ...rulesFor(broadcast, "Add Sub Mul Div Pow Max Min Sum Mean Where Equal Greater Less And Or"),
  ...rulesFor((node, [x, , , y], ints) => broadcast(node, [x, y], ints), "QLinearAdd QLinearMul"),
  ...rulesFor(globalPool, "GlobalAveragePool GlobalMaxPool QLinearGlobalAveragePool"),
  ...rulesFor(localPool, "AveragePool MaxPool QLinearAveragePool"),
  ...rulesFor(reduce, "ReduceMean ReduceMax ReduceSum ReduceL2 QLinearReduceMean"),
  ...rulesFor(convolution, "Conv FusedConv ConvInteger"),
  QLinearConv: quantisedConvolution,
  ...rulesFor(gemm, "Gemm FusedGemm"),
  ...rulesFor(matMul, "MatMul FusedMatMul MatMulInteger DynamicQuantizeMatMul"),
  QGemm: quantisedGemm,
  QLinearMatMul: quantisedMatMul,
  ...rulesFor(layerNorm, "LayerNormalization RMSNormalization"),
  Slice: slice,
  Expand: expand,
  Resize: resized,
  Upsample: (_node, [x]) => x?.map((size, axis) => (axis < 2 ? size : undefined)),
  Flatten: flatten,
  Reshape: reshape,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Gather: gather,
  Shape: shapeOf,
  Range: () => [undefined],
};

function rulesFor(rule: Rule, operators: string): Record<string, Rule> {
  return Object.fromEntries(operators.split(" ").map((operator) => [operator, rule]));
}

/** Axes from the attribute (older opsets) or the second input, counted from the front. */
function axesOf(node: NodeProto, ints: KnownIntegers, rank: number | undefined): number[] | undefined {
  const axes = intsAttribute(node, "axes") ?? ints(node.input[1] ?? "");
  return rank === undefined ? undefined : axes?.map((axis) => (axis + rank) % rank);
}

function product(sizes: Dims): number | undefined {
  return sizes.reduce((total, size) => (total === undefined || size === undefined ? undefined : total * size), 1);
}

function sum(sizes: Dims): number | undefined {
  return sizes.reduce((total, size) => (total === undefined || size === undefined ? undefined : total + size), 0);
}
