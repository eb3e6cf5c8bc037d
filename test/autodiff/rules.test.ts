/** Every gradient rule against central differences in float64. */

import assert from "node:assert/strict";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { appendGradients } from "../../src/autodiff/gradients.js";
import { RULES } from "../../src/autodiff/rules.js";
import { type Attributes, GraphBuilder, valueInfo } from "../../src/onnx/graph.js";
import { decodeModel, encodeModel, toTensorProto } from "../../src/onnx/proto.js";
import { float32, int64 } from "../../src/onnx/tensor.js";
import { maxDifference, runModel } from "../onnx/run.js";
import { Case, compareGradients } from "./compare.js";

type Make = (network: Case) => string;

let constants = 0;

function ints(network: Case, ...values: number[]): string {
  return network.graph.initializer(`ints${constants++}`, int64([values.length], values));
}

function number(network: Case, value: number): string {
  return network.graph.initializer(`number${constants++}`, float32([], [value]));
}

/** An operator on maps `[N, 2, 5, 4]`. */
function onMaps(op: string, attributes: Attributes = {}, from?: number, to?: number): Make {
  return (network) => network.graph.node(op, [network.maps([2, 5, 4], from, to)], attributes);
}

/** A convolution of maps `[N, ...map]` by a weight with bias. */
function convolution(map: number[], weight: number[], attributes: Attributes = {}): Make {
  return (network) => {
    const inputs = [network.maps(map), network.weight(weight), network.weight(weight.slice(0, 1))];
    return network.graph.node("Conv", inputs, attributes);
  };
}

/** An operator of two values; dims that begin with 0 are those of maps with any number of tiles. */
function ofTwo(op: string, a: number[], b: number[], attributes: Attributes = {}, from?: number, to?: number): Make {
  return (network) => {
    const value = ([first, ...rest]: number[]) =>
      first === 0
        ? network.maps(rest, from, to)
        : network.weight(first === undefined ? [] : [first, ...rest], from, to);
    return network.graph.node(op, [value(a), value(b)], attributes);
  };
}

/** An operator on maps `[N, 2, 5, 4]` with further inputs of integers. */
function withInts(op: string, lists: number[][], attributes: Attributes = {}): Make {
  return (network) => {
    const inputs = [network.maps([2, 5, 4]), ...lists.map((list) => (list.length === 0 ? "" : ints(network, ...list)))];
    return network.graph.node(op, inputs, attributes);
  };
}

const pool = (kernel_shape: number[], attributes: Attributes = {}) => ({ kernel_shape, ...attributes });

const CASES: Readonly<Record<string, Make>> = {
  "Conv of one pixel": convolution([3, 4, 5], [2, 3, 1, 1]),
  "Conv 3x3": convolution([2, 5, 6], [3, 2, 3, 3]),
  "Conv with pads that differ": convolution([2, 5, 6], [3, 2, 3, 2], { pads: [1, 0, 2, 1] }),
  "Conv with strides that leave pixels out": convolution([2, 6, 7], [3, 2, 2, 3], {
    strides: [2, 3],
    pads: [0, 1, 0, 1],
  }),
  "Conv of one pixel with strides": convolution([2, 5, 6], [3, 2, 1, 1], { strides: [2, 2] }),
  "Conv with dilations": convolution([2, 7, 6], [2, 2, 3, 2], { dilations: [2, 3], pads: [2, 1, 2, 1] }),
  "Conv with groups": convolution([4, 5, 5], [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1], strides: [2, 1] }),
  "Conv by channel": convolution([3, 5, 6], [3, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1] }),
  "Conv by channel with strides": convolution([3, 6, 5], [3, 1, 3, 3], {
    group: 3,
    pads: [1, 1, 1, 1],
    strides: [2, 2],
  }),
  "Conv by channel, two for each": convolution([2, 5, 5], [4, 1, 3, 3], { group: 2, pads: [1, 1, 1, 1] }),
  "Conv with more pads than the kernel": convolution([2, 4, 4], [2, 1, 2, 2], { group: 2, pads: [2, 2, 2, 2] }),
  "Conv padded to the same size": convolution([2, 6, 5], [2, 2, 3, 2], { auto_pad: "SAME_UPPER", strides: [2, 2] }),
  "Conv padded at the front": convolution([2, 5, 5], [2, 2, 2, 2], { auto_pad: "SAME_LOWER" }),
  "Conv without pads": convolution([2, 5, 5], [2, 2, 2, 2], { auto_pad: "VALID" }),
  "Conv along one axis": convolution([2, 9], [3, 2, 3], { strides: [2], pads: [1, 1] }),
  Gemm: (network) => network.graph.node("Gemm", [network.maps([4]), network.weight([4, 3]), network.weight([3])]),
  "Gemm, both turned and scaled": (network) =>
    network.graph.node("Gemm", [network.weight([4, 2]), network.weight([3, 4]), network.weight([2, 1])], {
      transA: 1,
      transB: 1,
      alpha: { float: 0.5 },
      beta: { float: 3 },
    }),
  "Gemm, the first turned": ofTwo("Gemm", [4, 2], [4, 3], { transA: 1 }),
  "Gemm, the second turned": ofTwo("Gemm", [0, 4], [3, 4], { transB: 1 }),
  "MatMul by one matrix": ofTwo("MatMul", [0, 2, 5, 4], [4, 3]),
  "MatMul of two matrices": ofTwo("MatMul", [0, 4], [4, 3]),
  "MatMul of batches": ofTwo("MatMul", [0, 2, 5, 4], [0, 2, 4, 3]),
  "MatMul of batches, one repeated": ofTwo("MatMul", [0, 2, 5, 4], [2, 4, 3]),
  "MatMul, the first repeated": ofTwo("MatMul", [5, 4], [0, 2, 4, 3]),
  Add: ofTwo("Add", [0, 2, 3], [2, 1]),
  "Add of a scalar": ofTwo("Add", [0, 2, 3], []),
  Sub: ofTwo("Sub", [3], [0, 2, 3]),
  Mul: ofTwo("Mul", [0, 2, 3], [1, 2, 1]),
  "Mul of a value by itself": (network) => {
    const x = network.maps([3]);
    return network.graph.node("Mul", [x, x]);
  },
  Div: ofTwo("Div", [0, 2, 3], [2, 1], {}, 0.5, 2),
  "Pow 2": (network) => network.graph.node("Pow", [network.maps([3]), number(network, 2)]),
  "Pow 1.7": (network) => network.graph.node("Pow", [network.maps([3], 0.5, 2), number(network, 1.7)]),
  Sum: (network) => network.graph.node("Sum", [network.maps([3]), network.weight([3]), network.weight([1])]),
  Mean: (network) => network.graph.node("Mean", [network.maps([3]), network.weight([3]), network.weight([1])]),
  Max: ofTwo("Max", [0, 2, 3], [2, 1]),
  Min: ofTwo("Min", [0, 2, 3], [2, 1]),
  Where: (network) => {
    const [a, b] = [network.maps([2, 3]), network.weight([3])];
    return network.graph.node("Where", [network.graph.node("Greater", [a, number(network, 0)]), a, b]);
  },
  Expand: (network) => network.graph.node("Expand", [network.weight([2, 1]), ints(network, 4, 2, 3)]),
  Relu: onMaps("Relu"),
  LeakyRelu: onMaps("LeakyRelu", { alpha: { float: 0.1 } }),
  Elu: onMaps("Elu", { alpha: { float: 1.5 } }),
  "Clip to an interval": (network) =>
    network.graph.node("Clip", [network.maps([9]), number(network, -1), number(network, 0.5)]),
  "Clip from above": (network) => network.graph.node("Clip", [network.maps([9]), "", number(network, 0.5)]),
  Sigmoid: onMaps("Sigmoid"),
  HardSigmoid: onMaps("HardSigmoid", { alpha: { float: 0.4 } }),
  HardSwish: onMaps("HardSwish", {}, -5, 5),
  Softplus: onMaps("Softplus"),
  Tanh: onMaps("Tanh"),
  Gelu: onMaps("Gelu", {}, -3, 3),
  "Gelu by tanh": onMaps("Gelu", { approximate: "tanh" }, -3, 3),
  Erf: onMaps("Erf"),
  Exp: onMaps("Exp"),
  Log: onMaps("Log", {}, 0.5, 2),
  Sqrt: onMaps("Sqrt", {}, 0.5, 2),
  Reciprocal: onMaps("Reciprocal", {}, 0.5, 2),
  Neg: onMaps("Neg"),
  Abs: onMaps("Abs"),
  Identity: onMaps("Identity"),
  Dropout: onMaps("Dropout"),
  Cast: onMaps("Cast", { to: 1 }),
  Softmax: onMaps("Softmax"),
  "Softmax over channels": onMaps("Softmax", { axis: 1 }),
  LogSoftmax: onMaps("LogSoftmax"),
  LayerNormalization: (network) =>
    network.graph.node("LayerNormalization", [network.maps([2, 6]), network.weight([6]), network.weight([6])]),
  "LayerNormalization over two axes": (network) =>
    network.graph.node("LayerNormalization", [network.maps([2, 3, 4]), network.weight([3, 4])], {
      axis: 2,
      epsilon: { float: 0.1 },
    }),
  InstanceNormalization: (network) =>
    network.graph.node("InstanceNormalization", [network.maps([2, 3, 4]), network.weight([2]), network.weight([2])]),
  BatchNormalization: (network) => {
    const fixed = (values: number[]) => network.graph.initializer(`fixed${constants++}`, float32([2], values));
    const statistics = [fixed([0.5, -1]), fixed([0.3, 2])];
    return network.graph.node("BatchNormalization", [
      ...[network.maps([2, 3, 3]), network.weight([2]), network.weight([2])],
      ...statistics,
    ]);
  },
  GlobalAveragePool: onMaps("GlobalAveragePool"),
  GlobalMaxPool: onMaps("GlobalMaxPool"),
  AveragePool: onMaps("AveragePool", pool([2, 2], { strides: [2, 2] })),
  "AveragePool, pads left out": onMaps("AveragePool", pool([3, 2], { pads: [1, 1, 1, 0], strides: [2, 1] })),
  "AveragePool, pads counted": onMaps("AveragePool", pool([3, 3], { pads: [1, 1, 1, 1], count_include_pad: 1 })),
  "AveragePool with dilations": onMaps("AveragePool", pool([2, 2], { dilations: [2, 2], strides: [1, 2] })),
  "AveragePool, pads counted and rounded up": onMaps(
    "AveragePool",
    pool([3, 3], { strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1, count_include_pad: 1 }),
  ),
  "AveragePool, rounded up": onMaps("AveragePool", pool([2, 3], { strides: [2, 2], ceil_mode: 1 })),
  MaxPool: onMaps("MaxPool", pool([3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] })),
  "MaxPool with dilations": onMaps("MaxPool", pool([2, 2], { dilations: [2, 2], strides: [1, 2] })),
  "MaxPool that numbers by columns": onMaps("MaxPool", pool([2, 2], { storage_order: 1 })),
  "MaxPool of values that pads must not beat": onMaps("MaxPool", pool([2, 3], { pads: [0, 1, 1, 1] }), -4, -2),
  "MaxPool, rounded up": onMaps("MaxPool", pool([2, 2], { strides: [2, 2], ceil_mode: 1 })),
  ReduceSum: withInts("ReduceSum", [[1, 3]]),
  "ReduceSum without the axes": withInts("ReduceSum", [[2]], { keepdims: 0 }),
  ReduceMean: withInts("ReduceMean", [[2, -1]], { keepdims: 0 }),
  "ReduceMean of tokens": withInts("ReduceMean", [[1]]),
  ReduceMax: withInts("ReduceMax", [[2, 3]], { keepdims: 0 }),
  ReduceL2: withInts("ReduceL2", [[1]]),
  "ReduceL2 without the axes": withInts("ReduceL2", [[1, -1]], { keepdims: 0 }),
  Reshape: withInts("Reshape", [[0, -1, 10]]),
  Flatten: onMaps("Flatten", { axis: 2 }),
  Squeeze: (network) => network.graph.node("Squeeze", [network.maps([3, 1, 1]), ints(network, 2, 3)]),
  Unsqueeze: withInts("Unsqueeze", [[1]]),
  Transpose: onMaps("Transpose", { perm: [0, 2, 3, 1] }),
  "Transpose of all axes": onMaps("Transpose"),
  "Concat along the last axis": ofTwo("Concat", [0, 2, 3], [0, 2, 4], { axis: -1 }),
  Concat: ofTwo("Concat", [0, 2, 3], [0, 4, 3], { axis: 1 }),
  Split: (network) => {
    const [a, , c] = network.graph.nodes(
      "Split",
      [network.maps([6, 2]), ints(network, 1, 2, 3)],
      ["part0", "part1", "part2"],
      { axis: 1 },
    );
    return network.graph.node("Mul", [a, c]);
  },
  "Split into parts of one size": (network) => {
    const [a, b] = network.graph.nodes("Split", [network.maps([2, 7])], ["a", "b"], { axis: -1, num_outputs: 2 });
    return network.graph.node("Concat", [b, a], { axis: 2 });
  },
  "Slice along axes from behind": withInts("Slice", [
    [1, -3],
    [-1, -1],
    [-2, -1],
  ]),
  Slice: withInts("Slice", [
    [1, -3],
    [4, 100],
    [2, 3],
  ]),
  "Slice of every second": withInts("Slice", [
    [0, 1],
    [5, 4],
    [2, 3],
    [2, 2],
  ]),
  "Slice backwards": withInts("Slice", [[-1], [-100], [3], [-1]]),
  Gather: withInts("Gather", [[2, 0, 2, -1]], { axis: 2 }),
  "Gather along the last axis": withInts("Gather", [[0, -1, 1]], { axis: -1 }),
  "Gather of one": (network) => {
    const at = network.graph.initializer("at", int64([], [1]));
    return network.graph.node("Gather", [network.maps([4, 3]), at], { axis: 1 });
  },
  "Gather by computed indices": (network) => {
    const { graph } = network;
    const x = network.maps([3]);
    const isAbove = graph.node("Greater", [x, number(network, 0)]);
    const taken = graph.node("Gather", [network.weight([4]), graph.node("Cast", [isAbove], { to: 7 })]);
    return graph.node("Mul", [taken, x]);
  },
  "Gather by a table": (network) => {
    const table = network.graph.initializer("table", int64([2, 3], [0, 1, 1, 3, 0, 0]));
    return network.graph.node("Gather", [network.weight([4, 2]), table]);
  },
  Pad: withInts("Pad", [[0, 0, 1, 2, 0, 1, 0, 3]]),
  "Pad that cuts": withInts("Pad", [[0, 0, -2, 1, 0, 0, -1, -2]]),
  "Pad of some axes": withInts("Pad", [[1, 2, 3, -1], [], [-1, 2]]),
};

/** What a rule cannot do. */
const REFUSED: Readonly<Record<string, [Make, RegExp]>> = {
  "a mean that LayerNormalization gives beside its result": [
    (network) => {
      const inputs = [network.maps([6]), network.weight([6])];
      const [, mean] = network.graph.nodes("LayerNormalization", inputs, ["y", "mean"]);
      return network.graph.node("Identity", [mean]);
    },
    /another output than its first/,
  ],
};

for (const [name, [make, message]] of Object.entries(REFUSED)) {
  test(`there is no gradient of ${name}, and it says so`, () => {
    const network = new Case(20);
    const output = make(network);
    const { graph } = decodeModel(network.graph.build(), "The case");
    assert.throws(() => appendGradients(graph, { output, gradient: "seed", of: network.weights }), message);
  });
}

test("outputs that are left out are not taken for inputs that are", () =>
  compareGradients((network) => {
    const [pooled] = network.graph.nodes("MaxPool", [network.maps([2, 4, 4])], ["pooled", ""], pool([4, 4]));
    return network.graph.node("Gemm", [network.graph.node("Flatten", [pooled]), network.weight([2, 3])]);
  }));

test("gradient of ReduceL2 of zeros, which is 0", async () => {
  const graph = new GraphBuilder("zeros", { opset: 20 });
  const x = graph.input("x", "float32", ["N", 3]);
  const w = graph.initializer("w", float32([3], [1, 1, 1]));
  const axes = graph.initializer("axes", int64([1], [1]));
  graph.node("ReduceL2", [graph.node("Mul", [x, w]), axes], {}, "y");
  const model = decodeModel(graph.build(), "The case");
  model.graph.initializer.push(toTensorProto("seed", float32([2, 1], [1, 1])));
  const gradient = appendGradients(model.graph, { output: "y", gradient: "seed", of: ["w"] }).get("w") ?? "";
  model.graph.output = [valueInfo(gradient, "float32", [3])];
  const tiles = new ort.Tensor("float32", Float32Array.of(0, 0, 0, 3, 0, 4), [2, 3]);
  const found = await runModel(encodeModel(model), { x: tiles });
  assert.ok(maxDifference(found[gradient].data, Float32Array.of(9 / 5, 0, 16 / 5)) < 1e-6, `${found[gradient].data}`);
});

for (const [name, make] of Object.entries(CASES)) {
  test(`gradient of ${name}`, () => compareGradients(make));
}

test("every rule has a case", () => {
  // Resize has a test of its own.
  const compared = new Set(["Resize", ...Object.keys(CASES).map((name) => name.split(/[ ,]/)[0])]);
  assert.deepEqual(
    Object.keys(RULES).filter((op) => !compared.has(op)),
    [],
  );
});
