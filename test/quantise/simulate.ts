/** Runs an ONNX graph in float64, for tests: what a quantised network means, whatever kernels run it. */
import { constantTensor, indexGraph, intAttribute, intsAttribute } from "../../src/onnx/editing.js";
import type { NodeProto } from "../../src/onnx/gen/onnx_pb.js";
import { decodeModel } from "../../src/onnx/proto.js";

export interface Values {
  dims: number[];
  data: Float64Array;
}

/** The value `output` of `model` for `tiles` `[N, size, size, 3]`. */
export function simulate(model: Uint8Array, tiles: Uint8Array, size: number, output = "features"): Values {
  const { graph } = decodeModel(model, "model");
  const index = indexGraph(graph);
  const known = new Map<string, Values>();
  const count = tiles.length / (size * size * 3);
  known.set("tiles", { dims: [count, size, size, 3], data: Float64Array.from(tiles) });
  const find = (name: string): Values => {
    const constant = known.has(name) ? undefined : constantTensor(index, name);
    return constant === undefined
      ? (known.get(name) as Values)
      : { dims: [...constant.dims], data: Float64Array.from(constant.data, Number) };
  };
  for (const node of graph.node) {
    const rule = RULES[node.opType];
    if (rule === undefined) throw new Error(`no rule for ${node.opType}`);
    const inputs = node.input.filter((name) => name !== "").map(find);
    known.set(node.output[0], rule(node, inputs));
  }
  return find(output);
}

type Rule = (node: NodeProto, inputs: Values[]) => Values;

const each =
  (change: (x: number, node: NodeProto) => number): Rule =>
  (node, [x]) => ({ dims: x.dims, data: x.data.map((value) => change(value, node)) });

/** The second operand may be a scalar, one per channel, or have sizes of 1. */
const pairwise =
  (combine: (a: number, b: number) => number): Rule =>
  (_node, [a, b]) => {
    const [large, small] = a.data.length >= b.data.length ? [a, b] : [b, a];
    const dims = [...new Array(large.dims.length - small.dims.length).fill(1), ...small.dims];
    const data = large.data.map((value, i) => {
      let [rest, at, step] = [i, 0, 1];
      for (let axis = dims.length - 1; axis >= 0; axis--) {
        at += dims[axis] === 1 ? 0 : (rest % large.dims[axis]) * step;
        step *= dims[axis];
        rest = Math.floor(rest / large.dims[axis]);
      }
      return combine(value, small.data[at]);
    });
    return { dims: large.dims, data };
  };

const roundEven = (x: number) => {
  const low = Math.floor(x);
  return x - low > 0.5 || (x - low === 0.5 && low % 2 !== 0) ? low + 1 : low;
};

/** The scale and zero point of element `i`. */
function scaleAt(node: NodeProto, { dims }: Values, scale: Values, zero: Values, i: number): [number, number] {
  if (scale.data.length === 1) return [scale.data[0], zero.data[0]];
  const inner = dims.slice(intAttribute(node, "axis", 1) + 1).reduce((a, b) => a * b, 1);
  const slice = Math.floor(i / inner) % scale.data.length;
  return [scale.data[slice], zero.data[slice]];
}

/** Every window of a kernel over `[N, C, H, W]`: `[N, C, H2, W2]`, of `reduce` over its samples. */
function windows(node: NodeProto, x: Values, kernel: number[], reduce: (samples: number[]) => number): Values {
  const [count, channels, height, width] = x.dims;
  const [strideY, strideX] = intsAttribute(node, "strides") ?? [1, 1];
  const [top, left, bottom, right] = intsAttribute(node, "pads") ?? [0, 0, 0, 0];
  const rows = Math.floor((height + top + bottom - kernel[0]) / strideY) + 1;
  const columns = Math.floor((width + left + right - kernel[1]) / strideX) + 1;
  const data = new Float64Array(count * channels * rows * columns);
  for (let at = 0; at < data.length; at++) {
    const [column, row, plane] = [at % columns, Math.floor(at / columns) % rows, Math.floor(at / columns / rows)];
    const samples: number[] = [];
    for (let y = row * strideY - top; y < row * strideY - top + kernel[0]; y++) {
      for (let i = column * strideX - left; i < column * strideX - left + kernel[1]; i++) {
        const isInside = y >= 0 && y < height && i >= 0 && i < width;
        if (isInside) samples.push(x.data[(plane * height + y) * width + i]);
      }
    }
    data[at] = reduce(samples);
  }
  return { dims: [count, channels, rows, columns], data };
}

const convolution: Rule = (node, [x, w, b]) => {
  const [count, channels, height, width] = x.dims;
  const [outputs, depth, kernelY, kernelX] = w.dims;
  const groups = intAttribute(node, "group", 1);
  const shape = windows(node, x, [kernelY, kernelX], () => 0);
  const [, , rows, columns] = shape.dims;
  const [strideY, strideX] = intsAttribute(node, "strides") ?? [1, 1];
  const [top, left] = intsAttribute(node, "pads") ?? [0, 0, 0, 0];
  const data = new Float64Array(count * outputs * rows * columns);
  for (let at = 0; at < data.length; at++) {
    const [column, row] = [at % columns, Math.floor(at / columns) % rows];
    const output = Math.floor(at / columns / rows) % outputs;
    const tile = Math.floor(at / columns / rows / outputs);
    let sum = b?.data[output] ?? 0;
    for (let c = 0; c < depth; c++) {
      const channel = Math.floor(output / (outputs / groups)) * depth + c;
      for (let i = 0; i < kernelY * kernelX; i++) {
        const [y, z] = [row * strideY - top + Math.floor(i / kernelX), column * strideX - left + (i % kernelX)];
        if (y < 0 || y >= height || z < 0 || z >= width) continue;
        const weight = w.data[(output * depth + c) * kernelY * kernelX + i];
        sum += weight * x.data[((tile * channels + channel) * height + y) * width + z];
      }
    }
    data[at] = sum;
  }
  return { dims: [count, outputs, rows, columns], data };
};

const product: Rule = (node, [x, w, b]) => {
  const [rows, inner] = x.dims;
  const isTransposed = intAttribute(node, "transB", 0) === 1;
  const columns = w.dims[isTransposed ? 0 : 1];
  const place = (k: number, column: number) => (isTransposed ? column * inner + k : k * columns + column);
  const data = Float64Array.from({ length: rows * columns }, (_, at) => {
    let sum = b?.data[at % columns] ?? 0;
    for (let k = 0; k < inner; k++)
      sum += x.data[Math.floor(at / columns) * inner + k] * w.data[place(k, at % columns)];
    return sum;
  });
  return { dims: [rows, columns], data };
};

const mean = (samples: number[]) => samples.reduce((a, b) => a + b, 0) / samples.length;

const RULES: Readonly<Record<string, Rule>> = {
  Cast: each((x) => x),
  Identity: each((x) => x),
  Relu: each((x) => Math.max(0, x)),
  Sigmoid: each((x) => 1 / (1 + Math.exp(-x))),
  LeakyRelu: each((x, node) => (x < 0 ? x * (node.attribute[0]?.f ?? 0.01) : x)),
  Softplus: each((x) => Math.log1p(Math.exp(x))),
  Clip: (_node, [x, low, high]) => ({
    dims: x.dims,
    data: x.data.map((v) => Math.min(high.data[0], Math.max(low.data[0], v))),
  }),
  Add: pairwise((a, b) => a + b),
  Mul: pairwise((a, b) => a * b),
  QuantizeLinear: (node, [x, scale, zero]) => {
    const round = (value: number, i: number) => {
      const [step, middle] = scaleAt(node, x, scale, zero, i);
      return Math.min(255, Math.max(0, roundEven(value / step) + middle));
    };
    return { dims: x.dims, data: x.data.map(round) };
  },
  DequantizeLinear: (node, [x, scale, zero]) => {
    const restore = (value: number, i: number) => {
      const [step, middle] = scaleAt(node, x, scale, zero, i);
      return (value - middle) * step;
    };
    return { dims: x.dims, data: x.data.map(restore) };
  },
  Conv: convolution,
  Gemm: product,
  MatMul: product,
  MaxPool: (node, [x]) => windows(node, x, intsAttribute(node, "kernel_shape") as number[], (s) => Math.max(...s)),
  AveragePool: (node, [x]) => windows(node, x, intsAttribute(node, "kernel_shape") as number[], mean),
  GlobalAveragePool: (node, [x]) => windows(node, x, x.dims.slice(2), mean),
  Flatten: (_node, [x]) => ({ dims: [x.dims[0], x.data.length / x.dims[0]], data: x.data }),
  Reshape: (_node, [x, shape]) => {
    const sizes = [...shape.data];
    const rest = -x.data.length / sizes.reduce((a, b) => a * b, 1);
    return { dims: sizes.map((size) => (size === -1 ? rest : size)), data: x.data };
  },
  Transpose: (node, [x]) => {
    const [a, b, c, d] = x.dims;
    if (intsAttribute(node, "perm")?.join() !== "0,3,1,2") throw new Error("no such transposition");
    const data = x.data.map((_, i) => {
      const [column, row] = [i % c, Math.floor(i / c) % b];
      const [plane, tile] = [Math.floor(i / c / b) % d, Math.floor(i / c / b / d)];
      return x.data[((tile * b + row) * c + column) * d + plane];
    });
    return { dims: [a, d, b, c], data };
  },
  Concat: (_node, inputs) => {
    const [count, , ...rest] = inputs[0].dims;
    const parts = Array.from({ length: count }, (_, tile) =>
      inputs.flatMap(({ dims, data }) => {
        const length = data.length / dims[0];
        return [...data.subarray(tile * length, (tile + 1) * length)];
      }),
    );
    const channels = inputs.reduce((sum, { dims }) => sum + dims[1], 0);
    return { dims: [count, channels, ...rest], data: Float64Array.from(parts.flat()) };
  },
};
