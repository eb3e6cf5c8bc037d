/**
 * As much shape inference as surgery needs: the rank of a value and its fixed sizes. An operator it does not know gives
 * "unknown", which is always safe.
 */
import { constantTensor, type GraphIndex, intAttribute, intsAttribute, stringAttribute } from "./editing.js";
import type { NodeProto, ValueInfoProto } from "./gen/onnx_pb.js";

/** Sizes per axis, undefined if not fixed. */
export type Dims = (number | undefined)[];

type Rule = (node: NodeProto, inputs: (Dims | undefined)[], index: GraphIndex) => Dims | undefined;

const inferred = new WeakMap<GraphIndex, ReadonlyMap<string, Dims>>();

/** Sizes of the value `name`, or undefined if not even its rank is known. */
export function inferDims(index: GraphIndex, name: string): Dims | undefined {
  const known = inferred.get(index) ?? inferAll(index);
  inferred.set(index, known);
  return known.get(name);
}

/** Sizes a ValueInfoProto declares. */
export function declaredDims(info: ValueInfoProto | undefined): Dims | undefined {
  return info?.type?.tensorType?.shape?.dim.map(({ value }) =>
    value.case === "dimValue" && value.value > 0n ? Number(value.value) : undefined,
  );
}

/** Nodes are in topological order, so one pass forward finds what can be found. */
function inferAll(index: GraphIndex): Map<string, Dims> {
  const { input, output, valueInfo, node: nodes } = index.graph;
  const declared = new Map([...input, ...output, ...valueInfo].map((each) => [each.name, declaredDims(each)]));
  const known = new Map<string, Dims>();
  const learn = (name: string, dims: Dims | undefined) => {
    const both = merge(declared.get(name), dims);
    if (both !== undefined) known.set(name, both);
  };
  for (const { name } of input) learn(name, undefined);
  for (const [name, { dims }] of index.initializers) known.set(name, dims.map(Number));
  for (const node of nodes) {
    const inputs = node.input.map((each) => known.get(each));
    const [first = "", ...rest] = node.output;
    learn(first, RULES[node.opType]?.(node, inputs, index));
    for (const [i, name] of rest.entries()) {
      learn(name, node.opType === "Split" ? splitDims(node, inputs[0], index, i + 1) : undefined);
    }
  }
  return known;
}

/** The declared shape, with open sizes filled in by inference. */
function merge(declared: Dims | undefined, computed: Dims | undefined): Dims | undefined {
  if (declared === undefined || computed?.length !== declared.length) return declared ?? computed;
  return declared.map((size, axis) => size ?? computed[axis]);
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
const quantisedConvolution: Rule = (node, [x, , , w], index) => convolution(node, [x, w], index);

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

const matMul: Rule = (node, [x, w], index) => {
  if (x === undefined || w === undefined) return undefined;
  const batch = broadcast(node, [x.slice(0, -2), w.slice(0, -2)], index) ?? [];
  return [...batch, ...x.slice(-2, -1), w.at(intAttribute(node, "transB", 0) ? -2 : -1)];
};

/** QGemm and QLinearMatMul: each operand with scale and zero point. */
const quantisedGemm: Rule = (node, [x, , , w], index) => gemm(node, [x, w], index);
const quantisedMatMul: Rule = (node, [x, , , w], index) => matMul(node, [x, w], index);

const flatten: Rule = (node, [x]) => {
  const axis = intAttribute(node, "axis", 1);
  return x === undefined ? [undefined, undefined] : [product(x.slice(0, axis)), product(x.slice(axis))];
};

const reshape: Rule = (node, [x, shapeDims], index) => {
  const target = constantTensor(index, node.input[1] ?? "");
  if (target === undefined) {
    return shapeDims?.[0] === undefined ? undefined : new Array(shapeDims[0]).fill(undefined);
  }
  const sizes = Array.from(target.data, Number).map((size, axis) => (size === 0 ? x?.[axis] : size));
  const rest = product(sizes.filter((size) => size !== -1));
  const all = x && product(x);
  return sizes.map((size) => (size !== -1 ? size : all === undefined || !rest ? undefined : all / rest));
};

/** If only the last axis is normalised, scale and bias give its length. */
const layerNorm: Rule = (node, [x, scale]) => {
  if (x === undefined || scale?.length !== 1 || intAttribute(node, "axis", -1) !== -1) return x;
  return [...x.slice(0, -1), x.at(-1) ?? scale[0]];
};

const reduce: Rule = (node, [x], index) => {
  const axes = axesOf(node, index, x?.length);
  if (x === undefined || axes === undefined) return undefined;
  const kept = x.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return intAttribute(node, "keepdims", 1) ? kept : kept.filter((_, axis) => !axes.includes(axis));
};

const squeeze: Rule = (node, [x], index) => {
  const axes = axesOf(node, index, x?.length);
  return x && axes && x.filter((_, axis) => !axes.includes(axis));
};

const unsqueeze: Rule = (node, [x], index) => {
  const count = intsAttribute(node, "axes")?.length ?? constantTensor(index, node.input[1] ?? "")?.data.length;
  const axes = x && count !== undefined ? axesOf(node, index, x.length + count) : undefined;
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
const slice: Rule = (node, [x], index) => {
  const ints = (name: string, at: number) => {
    const data = constantTensor(index, node.input[at] ?? "")?.data;
    return intsAttribute(node, name) ?? (data && Array.from(data, Number));
  };
  const [starts, ends] = [ints("starts", 1), ints("ends", 2)];
  const axes = ints("axes", 3) ?? starts?.map((_, i) => i);
  if (x === undefined || axes === undefined) return x?.map(() => undefined);
  const steps = ints("steps", 4) ?? axes.map(() => 1);
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
function splitDims(node: NodeProto, x: Dims | undefined, index: GraphIndex, part: number): Dims | undefined {
  if (x === undefined) return undefined;
  const at = (intAttribute(node, "axis", 0) + x.length) % x.length;
  const given = constantTensor(index, node.input[1] ?? "");
  const sizes = intsAttribute(node, "split") ?? (given && Array.from(given.data, Number));
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

const split: Rule = (node, [x], index) => splitDims(node, x, index, 0);

const expand: Rule = (node, [x, shapeDims], index) => {
  const target = constantTensor(index, node.input[1] ?? "");
  if (target !== undefined) return broadcast(node, [x, Array.from(target.data, Number)], index);
  const rank = shapeDims?.[0];
  return rank === undefined ? undefined : broadcast(node, [x, new Array(rank).fill(undefined)], index);
};

const resized: Rule = (_node, [x]) => x?.map((size, axis) => (axis < 2 ? size : undefined));

const shapeOf: Rule = (_node, [x]) => [x?.length];

const constant: Rule = (node, _inputs, index) => constantTensor(index, node.output[0] ?? "")?.dims.slice();

const RULES: Readonly<Record<string, Rule>> = {
  ...rulesFor(
    same,
    "Clip Relu LeakyRelu PRelu Sigmoid HardSigmoid HardSwish Tanh Elu Selu Gelu Erf Mish Softplus Sqrt Log Reciprocal Sign Not",
  ),
  ...rulesFor(same, "Softmax LogSoftmax BatchNormalization InstanceNormalization LRN Dropout"),
  ...rulesFor(same, "Identity Cast DequantizeLinear QuantizeLinear DynamicQuantizeLinear LpNormalization Neg Exp Abs"),
  ...rulesFor(same, "GroupNormalization QLinearSigmoid QLinearLeakyRelu QLinearSoftmax"),
  ...rulesFor(broadcast, "Add Sub Mul Div Pow Max Min Sum Mean Where Equal Greater Less And Or"),
  ...rulesFor((node, [x, , , y], index) => broadcast(node, [x, y], index), "QLinearAdd QLinearMul"),
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
  Split: split,
  Expand: expand,
  ...rulesFor(resized, "Resize Upsample"),
  Flatten: flatten,
  Reshape: reshape,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Gather: gather,
  Shape: shapeOf,
  Constant: constant,
};

function rulesFor(rule: Rule, operators: string): Record<string, Rule> {
  return Object.fromEntries(operators.split(" ").map((operator) => [operator, rule]));
}

/** Axes from the attribute (older opsets) or the second input, counted from the front. */
function axesOf(node: NodeProto, index: GraphIndex, rank: number | undefined): number[] | undefined {
  const input = constantTensor(index, node.input[1] ?? "");
  const axes = intsAttribute(node, "axes") ?? (input && Array.from(input.data, Number));
  return rank === undefined ? undefined : axes?.map((axis) => (axis + rank) % rank);
}

function product(sizes: Dims): number | undefined {
  return sizes.reduce((total, size) => (total === undefined || size === undefined ? undefined : total * size), 1);
}

function sum(sizes: Dims): number | undefined {
  return sizes.reduce((total, size) => (total === undefined || size === undefined ? undefined : total + size), 0);
}
