/**
 * As much shape inference as surgery needs: the rank of a value and those of its sizes that are fixed. Not a full ONNX shape
 * inference; an operator it does not know gives "unknown", which is always a safe answer.
 */
import { constantTensor, type GraphIndex, intAttribute, intsAttribute } from "./editing.js";
import type { NodeProto, ValueInfoProto } from "./gen/onnx_pb.js";

/** Sizes per axis, undefined where not fixed. */
export type Dims = (number | undefined)[];

type Rule = (node: NodeProto, inputs: (Dims | undefined)[], index: GraphIndex) => Dims | undefined;

/** Sizes of the value `name`, or undefined where not even its rank is known. */
export function inferDims(index: GraphIndex, name: string): Dims | undefined {
  return infer(index, name, new Map());
}

/** Sizes a ValueInfoProto declares. */
export function declaredDims(info: ValueInfoProto | undefined): Dims | undefined {
  return info?.type?.tensorType?.shape?.dim.map(({ value }) =>
    value.case === "dimValue" && value.value > 0n ? Number(value.value) : undefined,
  );
}

function infer(index: GraphIndex, name: string, memo: Map<string, Dims | undefined>): Dims | undefined {
  if (memo.has(name)) return memo.get(name);
  memo.set(name, undefined);
  const dims = known(index, name) ?? computed(index, name, memo);
  memo.set(name, dims);
  return dims;
}

function known(index: GraphIndex, name: string): Dims | undefined {
  const initializer = index.initializers.get(name);
  if (initializer !== undefined) return initializer.dims.map(Number);
  const { input, output, valueInfo } = index.graph;
  return declaredDims([...input, ...output, ...valueInfo].find((each) => each.name === name));
}

function computed(index: GraphIndex, name: string, memo: Map<string, Dims | undefined>): Dims | undefined {
  const node = index.producers.get(name);
  const rule = node === undefined ? undefined : (RULES[node.opType] ?? undefined);
  if (node === undefined || rule === undefined || node.output[0] !== name) return undefined;
  const inputs = node.input.map((each) => (each === "" ? undefined : infer(index, each, memo)));
  return rule(node, inputs, index);
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

/** Spatial sizes stay known only where a 1x1 kernel meets a pooled 1x1 map. */
const convolution: Rule = (_node, [x, w]) =>
  w && [x?.[0], w[0], ...w.slice(2).map((size, axis) => (size === 1 && x?.[axis + 2] === 1 ? 1 : undefined))];

const globalPool: Rule = (_node, [x]) => x?.map((size, axis) => (axis < 2 ? size : 1));

const localPool: Rule = (_node, [x]) => x?.map((size, axis) => (axis < 2 ? size : undefined));

const gemm: Rule = (node, [x, w]) => [
  intAttribute(node, "transA", 0) ? x?.[1] : x?.[0],
  intAttribute(node, "transB", 0) ? w?.[0] : w?.[1],
];

const matMul: Rule = (_node, [x, w]) => x && w && [...x.slice(0, -1), w.at(-1)];

const flatten: Rule = (node, [x]) => {
  const axis = intAttribute(node, "axis", 1);
  return x === undefined ? [undefined, undefined] : [product(x.slice(0, axis)), product(x.slice(axis))];
};

const reshape: Rule = (node, [x, shapeDims], index) => {
  const target = constantTensor(index, node.input[1] ?? "");
  if (target === undefined) {
    return shapeDims?.[0] === undefined ? undefined : new Array(shapeDims[0]).fill(undefined);
  }
  return Array.from(target.data, Number).map((size, axis) => (size > 0 ? size : size === 0 ? x?.[axis] : undefined));
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
  const first = inputs[0];
  if (first === undefined || inputs.some((each) => each === undefined)) return undefined;
  const at = (intAttribute(node, "axis", 0) + first.length) % first.length;
  return first.map((size, axis) => (axis === at ? sum(inputs.map((each) => each?.[axis])) : size));
};

const gather: Rule = (node, [x, indices]) => {
  if (x === undefined || indices === undefined) return undefined;
  const axis = (intAttribute(node, "axis", 0) + x.length) % x.length;
  return [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)];
};

const shapeOf: Rule = (_node, [x]) => [x?.length];

const constant: Rule = (node, _inputs, index) => constantTensor(index, node.output[0] ?? "")?.dims.slice();

const RULES: Readonly<Record<string, Rule>> = {
  ...rulesFor(
    same,
    "Clip Relu LeakyRelu PRelu Sigmoid HardSigmoid HardSwish Tanh Elu Selu Gelu Erf Mish Softplus Sqrt",
  ),
  ...rulesFor(same, "Softmax LogSoftmax BatchNormalization InstanceNormalization LayerNormalization LRN Dropout"),
  ...rulesFor(same, "Identity Cast DequantizeLinear QuantizeLinear LpNormalization"),
  ...rulesFor(broadcast, "Add Sub Mul Div Pow Max Min"),
  ...rulesFor(globalPool, "GlobalAveragePool GlobalMaxPool"),
  ...rulesFor(localPool, "AveragePool MaxPool"),
  ...rulesFor(reduce, "ReduceMean ReduceMax ReduceSum"),
  Conv: convolution,
  Gemm: gemm,
  MatMul: matMul,
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
