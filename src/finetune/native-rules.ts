/** From ONNX operators to operations of the native trainer: one rule each. */

import type { NativeActivation } from "../native-trainer.js";
import { constantTensor, intAttribute, intsAttribute } from "../onnx/editing.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";
import { convolution, gemm, matMul } from "./native-layers.js";
import { castPixels, gatherPixels, scalePixels, transposePixels } from "./native-pixels.js";
import {
  addOperation,
  floatAttribute,
  type MapValue,
  mapInput,
  type NativeRule,
  notNative,
  type Planner,
  shapeOf,
} from "./native-planner.js";
import { reshapeStored, sliceStored } from "./native-stored.js";

function isOnePixel(planner: Planner, value: MapValue): boolean {
  const [height, width] = shapeOf(planner, value);
  return height === 1 && width === 1;
}

const alias: NativeRule = (planner, node) => {
  const value = planner.values.get(node.input[0] ?? "");
  if (value === undefined) throw notNative(node, "reads what is no map of a layer");
  return value;
};

function activationRule(kindOf: (planner: Planner, node: NodeProto) => NativeActivation): NativeRule {
  return (planner, node) => {
    const input = mapInput(planner, node);
    const operation = { kind: "activation" as const, inputs: [input.index], activation: kindOf(planner, node) };
    return { ...input, index: addOperation(planner, shapeOf(planner, input), operation) };
  };
}

const relu = activationRule(() => ({ kind: "clip", low: 0, high: Number.POSITIVE_INFINITY }));
const sigmoid = activationRule(() => ({ kind: "sigmoid", low: 0, high: 0 }));
const hardSwish = activationRule(() => ({ kind: "hard-swish", low: 0, high: 0 }));
const hardSigmoid = activationRule((_planner, node) => ({
  kind: "hard-sigmoid",
  low: floatAttribute(node, "alpha", 0.2),
  high: floatAttribute(node, "beta", 0.5),
}));
const clip = activationRule((planner, node) => ({
  kind: "clip",
  low: clipBound(planner, node, 1, "min", Number.NEGATIVE_INFINITY),
  high: clipBound(planner, node, 2, "max", Number.POSITIVE_INFINITY),
}));

function clipBound(planner: Planner, node: NodeProto, at: number, attribute: string, fallback: number): number {
  const name = node.input[at] ?? "";
  if (name === "") return floatAttribute(node, attribute, fallback);
  const bound = constantTensor(planner.index, name)?.data[0];
  if (bound === undefined) throw notNative(node, "has a bound that is no constant");
  return Number(bound);
}

const add: NativeRule = (planner, node) => {
  if (planner.values.get(node.input[0] ?? "")?.kind === "pixels") return scalePixels(planner, node);
  const [a, b] = [mapInput(planner, node, 0), mapInput(planner, node, 1)];
  const shape = shapeOf(planner, a);
  if (a.isFlat !== b.isFlat || shapeOf(planner, b).join() !== shape.join()) throw notNative(node, "adds unlike maps");
  return { ...a, index: addOperation(planner, shape, { kind: "add", inputs: [a.index, b.index] }) };
};

const multiply: NativeRule = (planner, node) => {
  if (planner.values.get(node.input[0] ?? "")?.kind === "pixels") return scalePixels(planner, node);
  const [a, b] = [mapInput(planner, node, 0), mapInput(planner, node, 1)];
  const [map, factor] = isOnePixel(planner, a) ? [b, a] : [a, b];
  const shape = shapeOf(planner, map);
  const [height, width, channels] = shapeOf(planner, factor);
  const fits = channels === shape[2] && (isOnePixel(planner, factor) || (height === shape[0] && width === shape[1]));
  if (a.isFlat !== b.isFlat || !fits) throw notNative(node, "multiplies unlike maps");
  return { ...map, index: addOperation(planner, shape, { kind: "multiply", inputs: [map.index, factor.index] }) };
};

function meanOf(planner: Planner, input: MapValue, isFlat: boolean): MapValue {
  const operation = { kind: "mean" as const, inputs: [input.index] };
  return { kind: "map", isFlat, index: addOperation(planner, [1, 1, shapeOf(planner, input)[2]], operation) };
}

const globalAveragePool: NativeRule = (planner, node) => meanOf(planner, mapInput(planner, node), false);

const reduceMean: NativeRule = (planner, node) => {
  const input = mapInput(planner, node);
  const axes = axesOf(planner, node, "axes")?.map((axis) => (axis + 4) % 4);
  if (input.isFlat || axes?.sort().join() !== "2,3")
    throw notNative(node, "takes the mean over other axes than 2 and 3");
  return meanOf(planner, input, intAttribute(node, "keepdims", 1) === 0);
};

function axesOf(planner: Planner, node: NodeProto, name: string): number[] | undefined {
  const input = constantTensor(planner.index, node.input[1] ?? "");
  return intsAttribute(node, name) ?? (input && Array.from(input.data, Number));
}

/** Moving the values of one pixel moves nothing. */
function viewRule(rankOf: (planner: Planner, node: NodeProto, input: MapValue) => number | undefined): NativeRule {
  return (planner, node) => {
    const input = mapInput(planner, node);
    const rank = rankOf(planner, node, input);
    if (rank !== 2 && rank !== 4) throw notNative(node, "makes what is neither a map nor features");
    if (!isOnePixel(planner, input)) throw notNative(node, "changes the shape of a map of more than one pixel");
    return { ...input, isFlat: rank === 2 };
  };
}

const flatten = viewRule((_planner, node) => (intAttribute(node, "axis", 1) === 1 ? 2 : undefined));
const reshapePixel = viewRule((planner, node, { index }) => {
  const sizes = Array.from(constantTensor(planner.index, node.input[1] ?? "")?.data ?? [], Number);
  const channels = planner.maps[index][2];
  const keepsChannels = sizes[1] === channels || sizes[1] === -1 || sizes[1] === 0;
  const isUnbatched = sizes[0] === -1 || sizes[0] === 0;
  return keepsChannels && isUnbatched && sizes.slice(2).every((size) => Math.abs(size) === 1)
    ? sizes.length
    : undefined;
});
const reshape: NativeRule = (planner, node) =>
  planner.values.get(node.input[0] ?? "")?.kind === "stored"
    ? reshapeStored(planner, node)
    : reshapePixel(planner, node);
const squeeze = viewRule((planner, node, { isFlat }) => {
  const axes = axesOf(planner, node, "axes")?.map((axis) => (axis + 4) % 4);
  return !isFlat && axes?.sort().join() === "2,3" ? 2 : undefined;
});
const unsqueeze = viewRule((planner, node, { isFlat }) => {
  const axes = axesOf(planner, node, "axes")?.map((axis) => (axis + 4) % 4);
  return isFlat && axes?.sort().join() === "2,3" ? 4 : undefined;
});

const concat: NativeRule = (planner, node) => {
  const inputs = node.input.map((_, at) => mapInput(planner, node, at));
  const [first] = inputs;
  const rank = first.isFlat ? 2 : 4;
  const [height, width] = shapeOf(planner, first);
  const fits = inputs.every((each) => {
    const shape = shapeOf(planner, each);
    return each.isFlat === first.isFlat && shape[0] === height && shape[1] === width;
  });
  if (!fits || (intAttribute(node, "axis", 0) + rank) % rank !== 1) throw notNative(node, "joins other than channels");
  const channels = inputs.reduce((sum, each) => sum + shapeOf(planner, each)[2], 0);
  const operation = { kind: "concat" as const, inputs: inputs.map(({ index }) => index) };
  return { ...first, index: addOperation(planner, [height, width, channels], operation) };
};

export const NATIVE_RULES: Readonly<Record<string, NativeRule>> = {
  Conv: convolution,
  Gemm: gemm,
  MatMul: matMul,
  Clip: clip,
  Relu: relu,
  Sigmoid: sigmoid,
  HardSigmoid: hardSigmoid,
  HardSwish: hardSwish,
  Add: add,
  Sub: scalePixels,
  Mul: multiply,
  Div: scalePixels,
  GlobalAveragePool: globalAveragePool,
  ReduceMean: reduceMean,
  Flatten: flatten,
  Reshape: reshape,
  Slice: sliceStored,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Cast: castPixels,
  Transpose: transposePixels,
  Gather: gatherPixels,
  Identity: alias,
  Dropout: alias,
};
