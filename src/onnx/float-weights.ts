/**
 * Weights as plain float32 initializers: whatever a network computes from constants alone (weights kept as integers with a
 * scale, half precision) is computed once, and batch normalisation after a convolution becomes part of its weights.
 */
import { constantTensor, type GraphIndex, indexGraph, pruneGraph } from "./editing.js";
import { TensorProto_DataType as DataType, type NodeProto } from "./gen/onnx_pb.js";
import { fromTensorProto, type Model, toTensorProto } from "./proto.js";
import { elementCount, float32, type Tensor } from "./tensor.js";

/** Changes `model` in place; values keep their names. */
export function exposeWeights({ graph }: Model): void {
  const known = new Map(graph.initializer.map((each) => [each.name, fromTensorProto(each)]));
  graph.node = graph.node.filter((node) => {
    const result = evaluate(node, known);
    if (result === undefined) return true;
    const name = node.output[0] as string;
    known.set(name, result);
    graph.initializer.push(toTensorProto(name, result));
    return false;
  });
  foldNormalisation(indexGraph(graph));
  pruneGraph(graph);
}

/** The float32 result of a node on constants; undefined for what canopy does not compute by itself. */
function evaluate(node: NodeProto, known: ReadonlyMap<string, Tensor>): Tensor | undefined {
  const inputs = node.input.map((name) => known.get(name));
  const [first, second] = inputs;
  switch (node.opType) {
    case "Constant":
      return floatConstant(node);
    case "Identity":
      return first?.type === "float32" ? first : undefined;
    case "Cast":
      return first !== undefined && castsToFloat(node) ? toFloat(first) : undefined;
    case "Mul":
      return first !== undefined && second !== undefined ? multiply(first, second) : undefined;
    default:
      return undefined;
  }
}

function floatConstant(node: NodeProto): Tensor | undefined {
  const { value } = Object.fromEntries(node.attribute.map((each) => [each.name, each]));
  const tensor = value?.t && value.t.dataType === DataType.FLOAT ? fromTensorProto(value.t) : undefined;
  return tensor?.type === "float32" ? tensor : undefined;
}

function castsToFloat(node: NodeProto): boolean {
  return node.attribute.some(({ name, i }) => name === "to" && Number(i) === DataType.FLOAT);
}

function toFloat({ type, dims, data }: Tensor): Tensor | undefined {
  if (type === "float32") return { type, dims, data };
  if (type !== "int8" && type !== "uint8" && type !== "int32") return undefined;
  return float32(dims, Float32Array.from(data as Int8Array));
}

/** Elementwise with ONNX's broadcasting, in float32. */
function multiply(a: Tensor, b: Tensor): Tensor | undefined {
  if (a.type !== "float32" || b.type !== "float32") return undefined;
  const rank = Math.max(a.dims.length, b.dims.length);
  const [left, right] = [a, b].map(({ dims }) => [...new Array<number>(rank - dims.length).fill(1), ...dims]);
  const dims = left.map((dim, axis) => (dim === 1 ? right[axis] : dim));
  const [fromLeft, fromRight] = [stepsOf(left), stepsOf(right)];
  const result = new Float32Array(elementCount(dims));
  const place = new Array<number>(rank).fill(0);
  for (let i = 0, x = 0, y = 0; i < result.length; i++) {
    result[i] = (a.data[x] as number) * (b.data[y] as number);
    for (let axis = rank - 1; axis >= 0; axis--) {
      place[axis]++;
      x += fromLeft[axis];
      y += fromRight[axis];
      if (place[axis] < dims[axis]) break;
      x -= fromLeft[axis] * dims[axis];
      y -= fromRight[axis] * dims[axis];
      place[axis] = 0;
    }
  }
  return float32(dims, result);
}

/** How far apart neighbours along each axis are; 0 along axes that are repeated. */
function stepsOf(dims: readonly number[]): number[] {
  return dims.map((dim, axis) => (dim === 1 ? 0 : elementCount(dims.slice(axis + 1))));
}

/** `scale * (conv - mean) / sqrt(variance + epsilon) + shift` becomes weights and bias of the convolution. */
function foldNormalisation(index: GraphIndex): void {
  const { graph, producers } = index;
  const readers = new Map<string, number>();
  for (const name of [...graph.node.flatMap(({ input }) => input), ...graph.output.map(({ name }) => name)]) {
    readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  for (const node of graph.node.filter(({ opType }) => opType === "BatchNormalization")) {
    const conv = producers.get(node.input[0] ?? "");
    if (conv?.opType !== "Conv" || readers.get(node.input[0] as string) !== 1) continue;
    const weight = constantTensor(index, conv.input[1] ?? "");
    const own = conv.input[2] ? constantTensor(index, conv.input[2]) : undefined;
    const [scale, shift, mean, variance] = node.input.slice(1, 5).map((name) => constantTensor(index, name)?.data);
    if (weight?.type !== "float32" || readers.get(conv.input[1] as string) !== 1) continue;
    if (!scale || !shift || !mean || !variance || (conv.input[2] && own === undefined)) continue;
    const epsilon = node.attribute.find(({ name }) => name === "epsilon")?.f ?? 1e-5;
    const channels = weight.dims[0] as number;
    const factor = Float64Array.from({ length: channels }, (_, c) => {
      return Number(scale[c]) / Math.sqrt(Number(variance[c]) + epsilon);
    });
    const perChannel = weight.data.length / channels;
    const folded = Float32Array.from(weight.data as Float32Array, (value, i) => {
      return value * (factor[Math.floor(i / perChannel)] as number);
    });
    const bias = Float32Array.from({ length: channels }, (_, c) => {
      return Number(shift[c]) + (Number(own?.data[c] ?? 0) - Number(mean[c])) * (factor[c] as number);
    });
    const [weightName, biasName] = [`${node.output[0]}.weight`, `${node.output[0]}.bias`];
    graph.initializer.push(toTensorProto(weightName, float32(weight.dims, folded)));
    graph.initializer.push(toTensorProto(biasName, float32([channels], bias)));
    conv.input = [conv.input[0] as string, weightName, biasName];
    conv.output = [node.output[0] as string];
    graph.node = graph.node.filter((each) => each !== node);
  }
}
