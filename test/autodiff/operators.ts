/** The operators of the reference evaluator, as https://onnx.ai/onnx/operators defines them. */
import type { NodeProto } from "../../src/onnx/gen/onnx_pb.js";
import { elementCount } from "../../src/onnx/tensor.js";
import { broadcastDims, build, get, getPadded, moved, type NdArray, type Place, places } from "./arrays.js";

/** A node with its inputs, of which those left out are undefined. */
export interface Call {
  node: NodeProto;
  inputs: NdArray[];
  int(name: string, fallback: number): number;
  ints(name: string): number[] | undefined;
  float(name: string, fallback: number): number;
}

type Operator = (call: Call) => NdArray | NdArray[];

const unary =
  (f: (x: number, call: Call) => number): Operator =>
  (call) => ({ dims: call.inputs[0].dims, data: call.inputs[0].data.map((x) => f(x, call)) });

const elementwise =
  (f: (...values: number[]) => number): Operator =>
  ({ inputs }) =>
    build(broadcastDims(inputs.map(({ dims }) => dims)), (place) => f(...inputs.map((each) => get(each, place))));

/** By its series, and far out by its limit. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const clamp = (x: number, low: number, high: number) => Math.min(high, Math.max(low, x));
const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

function gelu(x: number, { node }: Call): number {
  const approximate = node.attribute.some(({ name }) => name === "approximate");
  if (approximate) return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/** Sums `f` over the places of `axes`, for each place of the others. */
function reduceOver({ dims }: NdArray, axes: readonly number[], f: (places: Place[]) => number): NdArray {
  const inner = places(dims.map((size, axis) => (axes.includes(axis) ? size : 1)));
  const kept = dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return build(kept, (place) => f(inner.map((each) => each.map((at, axis) => at + place[axis]))));
}

const reduction =
  (f: (values: number[]) => number): Operator =>
  ({ inputs: [x, axesInput], int, ints }) => {
    const given = ints("axes") ?? (axesInput && [...axesInput.data]) ?? [...x.dims.keys()];
    const axes = given.map((axis) => (axis + x.dims.length) % x.dims.length);
    const { dims, data } = reduceOver(x, axes, (all) => f(all.map((place) => get(x, place))));
    return { dims: int("keepdims", 1) ? dims : dims.filter((_, axis) => !axes.includes(axis)), data };
  };

const mean = (values: readonly number[]) => total(values) / values.length;

function softmaxed(x: NdArray, axis: number): NdArray {
  const sums = reduceOver(x, [axis], (all) => total(all.map((place) => Math.exp(get(x, place)))));
  return build(x.dims, (place) => Math.exp(get(x, place)) / get(sums, place));
}

function normalised(x: NdArray, axes: readonly number[], epsilon: number): NdArray {
  const means = reduceOver(x, axes, (all) => mean(all.map((place) => get(x, place))));
  const variances = reduceOver(x, axes, (all) => mean(all.map((place) => (get(x, place) - get(means, place)) ** 2)));
  return build(x.dims, (place) => (get(x, place) - get(means, place)) / Math.sqrt(get(variances, place) + epsilon));
}

/** Scale and bias by the place along axis 1. */
const byChannel = (x: NdArray, scale: NdArray, bias: NdArray) =>
  build(x.dims, (place) => get(x, place) * get(scale, [place[1]]) + get(bias, [place[1]]));

/** Where a window's taps are, for each place of the result. */
function windows({ inputs: [x], int, ints, node }: Call, kernel: readonly number[]) {
  const [strides, dilations] = [ints("strides") ?? kernel.map(() => 1), ints("dilations") ?? kernel.map(() => 1)];
  const automatic = /^SAME.*/.exec(
    new TextDecoder().decode(node.attribute.find(({ name }) => name === "auto_pad")?.s),
  )?.[0];
  const same = kernel.map((width, i) => {
    const size = x.dims[i + 2];
    return Math.max(0, (Math.ceil(size / strides[i]) - 1) * strides[i] + dilations[i] * (width - 1) + 1 - size);
  });
  const half = automatic === "SAME_UPPER" ? Math.floor : Math.ceil;
  const begins = automatic
    ? same.map((all) => half(all / 2))
    : (ints("pads") ?? same.map(() => 0)).slice(0, kernel.length);
  const ends = automatic
    ? same.map((all, i) => all - begins[i])
    : (ints("pads") ?? [...same, ...same].map(() => 0)).slice(kernel.length);
  const round = int("ceil_mode", 0) ? Math.ceil : Math.floor;
  const counts = kernel.map((width, i) => {
    const room = x.dims[i + 2] + begins[i] + ends[i] - dilations[i] * (width - 1) - 1;
    const count = round(room / strides[i]) + 1;
    return round === Math.ceil && (count - 1) * strides[i] >= x.dims[i + 2] + begins[i] ? count - 1 : count;
  });
  const taps = places(kernel);
  const tapsAt = (place: Place) =>
    taps.map((tap) => tap.map((t, i) => place[i] * strides[i] + t * dilations[i] - begins[i]));
  return { counts, taps, tapsAt, begins, ends };
}

const conv: Operator = (call) => {
  const [x, w, bias] = call.inputs;
  const group = call.int("group", 1);
  const [outputs, inputs, ...kernel] = w.dims;
  const { counts, taps, tapsAt } = windows(call, kernel);
  return build([x.dims[0], outputs, ...counts], ([n, m, ...place]) => {
    const first = Math.floor(m / (outputs / group)) * inputs;
    let sum = bias === undefined ? 0 : get(bias, [m]);
    for (const [t, at] of tapsAt(place).entries()) {
      for (let c = 0; c < inputs; c++) sum += getPadded(x, [n, first + c, ...at], 0) * get(w, [m, c, ...taps[t]]);
    }
    return sum;
  });
};

const averagePool: Operator = (call) => {
  const [x] = call.inputs;
  const { counts, tapsAt, begins, ends } = windows(call, call.ints("kernel_shape") ?? []);
  const withPads = call.int("count_include_pad", 0) !== 0;
  return build([x.dims[0], x.dims[1], ...counts], ([n, c, ...place]) => {
    const inside = (at: Place) => at.every((a, i) => a >= 0 && a < x.dims[i + 2]);
    const padded = (at: Place) => at.every((a, i) => a >= -begins[i] && a < x.dims[i + 2] + ends[i]);
    const taps = tapsAt(place).filter(withPads ? padded : inside);
    return total(taps.map((at) => getPadded(x, [n, c, ...at], 0))) / taps.length;
  });
};

const maxPool: Operator = (call) => {
  const [x] = call.inputs;
  const { counts, tapsAt } = windows(call, call.ints("kernel_shape") ?? []);
  return build([x.dims[0], x.dims[1], ...counts], ([n, c, ...place]) =>
    Math.max(...tapsAt(place).map((at) => getPadded(x, [n, c, ...at], Number.NEGATIVE_INFINITY))),
  );
};

const overMap =
  (f: (values: number[]) => number): Operator =>
  ({ inputs: [x] }) =>
    reduceOver(x, [...x.dims.keys()].slice(2), (all) => f(all.map((place) => get(x, place))));

const matMul: Operator = ({ inputs: [a, b] }) => {
  const [rows, inner, columns] = [a.dims.at(-2) ?? 1, a.dims.at(-1) ?? 1, b.dims.at(-1) ?? 1];
  const batch = broadcastDims([a.dims.slice(0, -2), b.dims.slice(0, -2)]);
  return build([...batch, rows, columns], (place) => {
    const [lead, i, j] = [place.slice(0, -2), place.at(-2) ?? 0, place.at(-1) ?? 0];
    return total(Array.from({ length: inner }, (_, k) => get(a, [...lead, i, k]) * get(b, [...lead, k, j])));
  });
};

const gemm: Operator = ({ inputs: [a, b, c], int, float }) => {
  const [turnA, turnB] = [int("transA", 0), int("transB", 0)];
  const dims = [a.dims[turnA ? 1 : 0], b.dims[turnB ? 0 : 1]];
  return build(dims, ([i, j]) => {
    const inner = Array.from({ length: a.dims[turnA ? 0 : 1] }, (_, k) => k);
    const product = total(inner.map((k) => get(a, turnA ? [k, i] : [i, k]) * get(b, turnB ? [j, k] : [k, j])));
    return float("alpha", 1) * product + (c === undefined ? 0 : float("beta", 1) * get(c, [i, j]));
  });
};

const reshape: Operator = ({ inputs: [x, shape] }) => {
  const sizes = [...shape.data].map((size, axis) => (size === 0 ? x.dims[axis] : size));
  const rest = -elementCount(sizes);
  return { dims: sizes.map((size) => (size === -1 ? x.data.length / rest : size)), data: x.data };
};

const flatten: Operator = ({ inputs: [x], int }) => {
  const axis = int("axis", 1);
  return { dims: [elementCount(x.dims.slice(0, axis)), elementCount(x.dims.slice(axis))], data: x.data };
};

const squeeze: Operator = ({ inputs: [x, axes] }) => ({
  dims: x.dims.filter((_, axis) => !axes.data.includes(axis)),
  data: x.data,
});

const unsqueeze: Operator = ({ inputs: [x, axes] }) => {
  const dims = [...x.dims];
  for (const axis of axes.data) dims.splice(axis, 0, 1);
  return { dims, data: x.data };
};

const transpose: Operator = ({ inputs: [x], ints }) => {
  const perm = ints("perm") ?? [...x.dims.keys()].reverse();
  return build(
    perm.map((axis) => x.dims[axis]),
    (place) =>
      get(
        x,
        x.dims.map((_, axis) => place[perm.indexOf(axis)]),
      ),
  );
};

/** Axis -1 is the last one. */
const fromFront = (axis: number, { dims }: NdArray) => (axis + dims.length) % dims.length;

const concat: Operator = ({ inputs, int }) => {
  const axis = fromFront(int("axis", 0), inputs[0]);
  const sizes = inputs.map(({ dims }) => dims[axis]);
  return build(moved(inputs[0].dims, axis, total(sizes)), (place) => {
    let [part, at] = [0, place[axis]];
    while (at >= sizes[part]) at -= sizes[part++];
    return get(inputs[part], moved(place, axis, at));
  });
};

/** Without sizes into parts of one size, of which the last may be smaller. */
const split: Operator = ({ inputs: [x, parts], int }) => {
  const axis = fromFront(int("axis", 0), x);
  const count = int("num_outputs", 1);
  const share = Math.ceil(x.dims[axis] / count);
  const equal = Array.from({ length: count }, (_, i) => Math.min(share, x.dims[axis] - i * share));
  let end = 0;
  return (parts === undefined ? equal : [...parts.data]).map((size) => {
    const start = end;
    end += size;
    return build(moved(x.dims, axis, size), (place) => get(x, moved(place, axis, place[axis] + start)));
  });
};

const slice: Operator = ({ inputs: [x, starts, ends, axes, steps] }) =>
  [...axes.data].reduce((value, each, i) => {
    const axis = fromFront(each, x);
    const [size, step] = [value.dims[axis], steps === undefined ? 1 : steps.data[i]];
    const bound = (at: number) => clamp(at < 0 ? at + size : at, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
    const [from, to] = [bound(starts.data[i]), bound(ends.data[i])];
    const count = Math.ceil((to - from) / step);
    return build(moved(value.dims, axis, count), (place) => get(value, moved(place, axis, from + place[axis] * step)));
  }, x);

const gather: Operator = ({ inputs: [x, indices], int }) => {
  const axis = fromFront(int("axis", 0), x);
  const dims = [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)];
  return build(dims, (place) => {
    const index = get(indices, place.slice(axis, axis + indices.dims.length));
    const at = index < 0 ? index + x.dims[axis] : index;
    return get(x, [...place.slice(0, axis), at, ...place.slice(axis + indices.dims.length)]);
  });
};

const pad: Operator = ({ inputs: [x, pads, , given] }) => {
  const axes = given === undefined ? [...x.dims.keys()] : [...given.data].map((axis) => fromFront(axis, x));
  const padOf = (axis: number, end: 0 | 1) =>
    axes.includes(axis) ? pads.data[axes.indexOf(axis) + end * axes.length] : 0;
  const dims = x.dims.map((size, axis) => size + padOf(axis, 0) + padOf(axis, 1));
  return build(dims, (place) =>
    getPadded(
      x,
      place.map((at, axis) => at - padOf(axis, 0)),
      0,
    ),
  );
};

const expand: Operator = ({ inputs: [x, shape] }) =>
  build(broadcastDims([x.dims, [...shape.data]]), (place) => get(x, place));

export const OPERATORS: Readonly<Record<string, Operator>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: matMul,
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => a / b),
  Pow: elementwise((a, b) => a ** b),
  Sum: elementwise((...all) => total(all)),
  Mean: elementwise((...all) => mean(all)),
  Max: elementwise(Math.max),
  Min: elementwise(Math.min),
  Where: elementwise((condition, a, b) => (condition ? a : b)),
  Greater: elementwise((a, b) => Number(a > b)),
  Relu: unary((x) => Math.max(0, x)),
  LeakyRelu: unary((x, { float }) => (x < 0 ? float("alpha", 0.01) * x : x)),
  Elu: unary((x, { float }) => (x < 0 ? float("alpha", 1) * (Math.exp(x) - 1) : x)),
  Clip: ({ inputs: [x, low, high] }) => ({
    dims: x.dims,
    data: x.data.map((value) =>
      clamp(value, low?.data[0] ?? Number.NEGATIVE_INFINITY, high?.data[0] ?? Number.POSITIVE_INFINITY),
    ),
  }),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  HardSigmoid: unary((x, { float }) => clamp(float("alpha", 0.2) * x + float("beta", 0.5), 0, 1)),
  HardSwish: unary((x) => x * clamp(x / 6 + 0.5, 0, 1)),
  Softplus: unary((x) => Math.log(1 + Math.exp(x))),
  Tanh: unary((x) => Math.tanh(x)),
  Gelu: unary(gelu),
  Erf: unary(erf),
  Exp: unary((x) => Math.exp(x)),
  Log: unary((x) => Math.log(x)),
  Sqrt: unary((x) => Math.sqrt(x)),
  Reciprocal: unary((x) => 1 / x),
  Neg: unary((x) => -x),
  Abs: unary((x) => Math.abs(x)),
  Identity: unary((x) => x),
  Dropout: unary((x) => x),
  Cast: unary((x) => x),
  Softmax: ({ inputs: [x], int }) => softmaxed(x, (int("axis", -1) + x.dims.length) % x.dims.length),
  LogSoftmax: ({ inputs: [x], int }) => {
    const shares = softmaxed(x, (int("axis", -1) + x.dims.length) % x.dims.length);
    return { dims: shares.dims, data: shares.data.map((each) => Math.log(each)) };
  },
  LayerNormalization: ({ inputs: [x, scale, bias], int, float }) => {
    const first = (int("axis", -1) + x.dims.length) % x.dims.length;
    const z = normalised(x, [...x.dims.keys()].slice(first), float("epsilon", 1e-5));
    return build(x.dims, (at) => get(z, at) * get(scale, at) + (bias === undefined ? 0 : get(bias, at)));
  },
  InstanceNormalization: ({ inputs: [x, scale, bias], float }) =>
    byChannel(normalised(x, [...x.dims.keys()].slice(2), float("epsilon", 1e-5)), scale, bias),
  BatchNormalization: ({ inputs: [x, scale, bias, average, variance], float }) => {
    const z = build(x.dims, (at) => {
      const deviation = Math.sqrt(get(variance, [at[1]]) + float("epsilon", 1e-5));
      return (get(x, at) - get(average, [at[1]])) / deviation;
    });
    return byChannel(z, scale, bias);
  },
  GlobalAveragePool: overMap(mean),
  GlobalMaxPool: overMap((values) => Math.max(...values)),
  AveragePool: averagePool,
  MaxPool: maxPool,
  ReduceSum: reduction(total),
  ReduceMean: reduction(mean),
  ReduceMax: reduction((values) => Math.max(...values)),
  ReduceL2: reduction((values) => Math.hypot(...values)),
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  Pad: pad,
  Expand: expand,
  Shape: ({ inputs: [x] }) => ({ dims: [x.dims.length], data: Float64Array.from(x.dims) }),
};
