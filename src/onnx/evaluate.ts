/** Computes nodes whose inputs are all constant: the few operators that networks make their weights with. */
import { constantOf, intAttribute, intsAttribute } from "./editing.js";
import { TensorProto_DataType as DataType, type NodeProto } from "./gen/onnx_pb.js";
import { elementCount, float32, type Tensor } from "./tensor.js";

type Inputs = readonly (Tensor | undefined)[];

export function canEvaluate({ opType }: NodeProto): boolean {
  return Object.hasOwn(RULES, opType);
}

/** The result of `node` for `inputs`; undefined if canopy does not know how to compute it. */
export function evaluate(node: NodeProto, inputs: Inputs): Tensor | undefined {
  return RULES[node.opType]?.(node, inputs);
}

const arithmetic =
  (combine: (a: number, b: number) => number) =>
  (_node: NodeProto, [a, b]: Inputs): Tensor | undefined =>
    a?.type === "float32" && b?.type === "float32" ? broadcast(a, b, combine) : undefined;

const RULES: Readonly<Record<string, (node: NodeProto, inputs: Inputs) => Tensor | undefined>> = {
  Constant: constantOf,
  Identity: (_node, [x]) => x,
  Cast: (node, [x]) => {
    const isKnown = x !== undefined && x.type !== "float16" && intAttribute(node, "to", 0) === DataType.FLOAT;
    if (!isKnown) return undefined;
    const { data } = x;
    return float32(x.dims, data instanceof BigInt64Array ? Float32Array.from(data, Number) : new Float32Array(data));
  },
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic((a, b) => a / b),
  DequantizeLinear: dequantise,
  Transpose: (node, [x]) =>
    x && transpose(x, intsAttribute(node, "perm") ?? x.dims.map((_, i) => x.dims.length - 1 - i)),
  Reshape: reshape,
};

/** Element by element in float32, sizes of 1 repeated. */
function broadcast(a: Tensor, b: Tensor, combine: (a: number, b: number) => number): Tensor | undefined {
  const rank = Math.max(a.dims.length, b.dims.length);
  const [left, right] = [a, b].map(({ dims }) => [...new Array<number>(rank - dims.length).fill(1), ...dims]);
  const dims = left.map((size, axis) => Math.max(size, right[axis]));
  if (dims.some((size, axis) => [left, right].some((each) => each[axis] !== size && each[axis] !== 1)))
    return undefined;
  const data = new Float32Array(elementCount(dims));
  // Never bigints: both are float32.
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  forEachRun(dims, [stepsOf(left, dims), stepsOf(right, dims)], (to, [i, j], length, [stepA, stepB]) => {
    for (let k = 0; k < length; k++) data[to + k] = combine(x[i + k * stepA], y[j + k * stepB]);
  });
  return float32(dims, data);
}

/** How far an element is from its neighbour along each axis of `dims`; 0 where the tensor repeats. */
function stepsOf(own: readonly number[], dims: readonly number[]): number[] {
  let step = elementCount(own);
  return own.map((size, axis) => {
    step /= size;
    return size === 1 && dims[axis] !== 1 ? 0 : step;
  });
}

/**
 * Visits the elements of `dims` in their order, in runs: `visit` gets the place of the first, its places in tensors of
 * other steps, the length of the run, and the step of each tensor in it.
 */
function forEachRun(
  dims: readonly number[],
  steps: readonly (readonly number[])[],
  visit: (at: number, places: readonly number[], length: number, runSteps: readonly number[]) => void,
): void {
  const { outer, length, inner } = splitRun(dims, steps);
  const places = steps.map(() => 0);
  const indices = outer.map(() => 0);
  const last = steps.map((each) => each[inner] ?? 0);
  for (let at = 0; at < elementCount(dims); at += length) {
    visit(at, places, length, last);
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      const wraps = ++indices[axis] === outer[axis];
      for (const [t, each] of steps.entries()) places[t] += wraps ? -each[axis] * (outer[axis] - 1) : each[axis];
      if (!wraps) break;
      indices[axis] = 0;
    }
  }
}

/** The last axes that all tensors go through with one step, as one run; `inner` is the axis whose step that is. */
function splitRun(dims: readonly number[], steps: readonly (readonly number[])[]) {
  let inner = dims.length - 1;
  while (inner > 0 && dims[inner] === 1) inner--;
  let first = inner;
  let length = dims[inner] ?? 1;
  const goesOn = (axis: number) => steps.every((each) => dims[axis] === 1 || each[axis] === each[inner] * length);
  while (first > 0 && goesOn(first - 1)) length *= dims[--first];
  return { outer: dims.slice(0, Math.max(0, first)), length, inner };
}

/** `(x - zeroPoint) * scale`, both for the whole tensor or for each slice of an axis. */
function dequantise(node: NodeProto, [x, scale, zeroPoint]: Inputs): Tensor | undefined {
  if (x === undefined || scale?.type !== "float32" || intAttribute(node, "block_size", 0) !== 0) return undefined;
  const axis = (intAttribute(node, "axis", 1) + x.dims.length) % Math.max(1, x.dims.length);
  const inner = elementCount(x.dims.slice(axis + 1));
  const slice = (i: number) => (scale.data.length === 1 ? 0 : Math.floor(i / inner) % scale.data.length);
  const value = (i: number) =>
    (Number(x.data[i]) - Number(zeroPoint?.data[slice(i)] ?? 0)) * Number(scale.data[slice(i)]);
  return float32(
    x.dims,
    Float32Array.from({ length: x.data.length }, (_, i) => value(i)),
  );
}

/** The tensor with its axes in another order. */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  const dims = perm.map((axis) => x.dims[axis]);
  const own = stepsOf(x.dims, x.dims);
  const data = x.data.slice();
  forEachRun(dims, [perm.map((axis) => own[axis])], (to, [from], length, [step]) => {
    for (let k = 0; k < length; k++) data[to + k] = x.data[from + k * step];
  });
  return { type: x.type, dims, data };
}

function reshape(node: NodeProto, [x, shape]: Inputs): Tensor | undefined {
  if (x === undefined || shape === undefined || intAttribute(node, "allowzero", 0) !== 0) return undefined;
  const sizes = Array.from(shape.data, Number).map((size, axis) => (size === 0 ? x.dims[axis] : size));
  const rest = elementCount(sizes.filter((size) => size !== -1));
  return { ...x, dims: sizes.map((size) => (size === -1 ? elementCount(x.dims) / rest : size)) };
}
