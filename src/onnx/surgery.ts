/**
 * Cutting a classifier off at its pooled features. In: any image classifier or feature extractor in ONNX. Out: the same network
 * ending in one output `[N, count]`, without the nodes and weights that are no longer needed.
 */
import { ModelError } from "../errors.js";
import { constantTensor, freshName, type GraphIndex, indexGraph, intAttribute, pruneGraph } from "./editing.js";
import { TensorProto_DataType as DataType, type GraphProto, type NodeProto } from "./gen/onnx_pb.js";
import { makeNode, valueInfo } from "./graph.js";
import { decodeModel, encodeModel, type Model } from "./proto.js";
import { type Dims, inferDims } from "./shapes.js";

/** Where the features are: the output's name and their number per tile. */
export interface Features {
  output: string;
  count: number;
}

export interface CutOptions {
  /** The value to cut at: `[N, F]`, or `[N, C, H, W]`, which gets a global average pool. @default found by itself */
  output?: string;
  /** Values `[N, C, H, W]` whose means over height and width are to come after the features; see findLevels. @default [] */
  levels?: readonly string[];
  /** What to call the model in messages. @default "The model" */
  path?: string;
}

/** Operators between a classifier's linear layer and the output that change neither which layer it is nor the order of values. */
const AFTER_CLASSIFIER = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast", "Dropout"]);
const PROBABILITIES = new Set(["Softmax", "LogSoftmax", "Sigmoid"]);
const POOLS = new Set(["GlobalAveragePool", "GlobalMaxPool", "AveragePool", "ReduceMean"]);
const ACTIVATIONS = new Set(["Relu", "Clip", "LeakyRelu"]);
const ELEMENTWISE = new Set(["Add", "Sub", "Mul", "Div"]);
const OTHER_FLOATS: ReadonlySet<number> = new Set([DataType.FLOAT16, DataType.BFLOAT16, DataType.DOUBLE]);
/** Widths of ImageNet classifiers, with and without the background class. */
const IMAGENET_WIDTHS = new Set([1000, 1001]);

/**
 * Cuts `bytes` at its features. Without `output`: at the input of the classifier's last linear layer (Gemm, MatMul or 1x1 Conv, with
 * whatever Add, Softmax, Reshape, ... follows); a model that ends in features already stays as it is. Throws a ModelError that names
 * the candidates where no place is found.
 */
export function cutAtFeatures(bytes: Uint8Array, options: CutOptions = {}): { model: Uint8Array; features: Features } {
  const model = decodeModel(bytes, options.path ?? "The model");
  const features = cutModel(model, options);
  return { model: encodeModel(model), features };
}

/** The same on a decoded model, in place. */
export function cutModel(model: Model, options: CutOptions = {}): Features {
  const path = options.path ?? "The model";
  const { graph } = model;
  const index = indexGraph(graph);
  const place = options.output ?? findFeatures(index);
  if (place === undefined || !(index.producers.has(place) || graph.input.some((each) => each.name === place))) {
    const reason =
      options.output === undefined ? "has no place canopy knows as its features" : `has no value called "${place}"`;
    throw new ModelError(`${path} ${reason}; name the output to use, for example ${candidates(index).join(", ")}.`);
  }
  const dims = inferDims(index, place) ?? dimsFromConsumer(index, place);
  const count = dims[1] ?? dimsFromConsumer(index, place)[1];
  if ((dims.length !== 2 && dims.length !== 4) || count === undefined) {
    const shape = dims.map((size) => size ?? "?").join(", ");
    throw new ModelError(
      `${path} cannot be cut at "${place}" [${shape}]: features are [N, F] or [N, C, H, W] with a fixed F or C; ` +
        `name another output, for example ${candidates(index).join(", ")}.`,
    );
  }
  const levels = (options.levels ?? []).map((name) => levelAt(index, name, path));
  const pooled = dims.length === 4 ? appendPool(graph, place, dims) : place;
  const features = joinLevels(graph, { output: appendCast(graph, pooled), count }, levels);
  graph.output = [valueInfo(features.output, "float32", ["N", features.count])];
  pruneGraph(graph);
  return features;
}

function levelAt(index: GraphIndex, name: string, path: string): { name: string; dims: Dims; count: number } {
  const dims = inferDims(index, name) ?? [];
  const count = dims[1];
  if (dims.length === 4 && count !== undefined) return { name, dims, count };
  throw new ModelError(`${path} has no feature map called "${name}", which its card names as a level.`);
}

/** The features and behind them the mean of each level, as one value. */
function joinLevels(graph: GraphProto, features: Features, levels: readonly ReturnType<typeof levelAt>[]): Features {
  if (levels.length === 0) return features;
  const parts = levels.map(({ name, dims }) => appendCast(graph, appendPool(graph, name, dims)));
  const output = freshName(graph, "canopy_pyramid");
  graph.node.push(makeNode("Concat", [features.output, ...parts], [output], { axis: 1 }));
  return { output, count: levels.reduce((sum, { count }) => sum + count, features.count) };
}

/** The input of the classifier's linear layer, else an output that can serve as it is. */
function findFeatures(index: GraphIndex): string | undefined {
  const outputs = index.graph.output.map((each) => each.name);
  for (const name of outputs) {
    const input = classifierInput(index, name);
    if (input !== undefined) return input;
  }
  return outputs.find((name) => {
    const rank = inferDims(index, name)?.length;
    return rank === 2 || rank === 4;
  });
}

/** Walks back from an output to the linear layer that makes its classes; undefined where there is none. */
function classifierInput(index: GraphIndex, output: string): string | undefined {
  const seen = { pool: false, flat: false, probabilities: false };
  for (let node = index.producers.get(output); node !== undefined; ) {
    const data = dynamicInput(index, node);
    if (data === undefined) return undefined;
    if (isLinear(index, node)) return isClassifier(index, node, data, seen) ? data : undefined;
    if (PROBABILITIES.has(node.opType)) seen.probabilities = true;
    else if (POOLS.has(node.opType)) seen.pool = true;
    else if (AFTER_CLASSIFIER.has(node.opType)) seen.flat = true;
    else if (!ELEMENTWISE.has(node.opType) && !(seen.pool && ACTIVATIONS.has(node.opType))) return undefined;
    node = index.producers.get(data);
  }
  return undefined;
}

/**
 * A linear layer before the last pool is a classifier only where classes are certain (SqueezeNet: 1x1 Conv, pool, Softmax):
 * otherwise it is the last layer of a feature extractor. A 1x1 Conv without a pool after it must have one before it.
 */
function isClassifier(
  index: GraphIndex,
  node: NodeProto,
  data: string,
  seen: { pool: boolean; flat: boolean; probabilities: boolean },
): boolean {
  if (seen.pool) return seen.probabilities || IMAGENET_WIDTHS.has(weightDims(index, node)?.[0] ?? 0);
  if (node.opType !== "Conv") return true;
  const dims = inferDims(index, data);
  return seen.flat || (dims?.[2] === 1 && dims[3] === 1);
}

/** The one input of `node` that depends on the image; undefined where none or more than one does. */
function dynamicInput(index: GraphIndex, node: NodeProto): string | undefined {
  if (node.opType === "Reshape") return node.input[0];
  const inputs = node.input.filter((name) => name !== "" && !index.isConstant(name));
  return inputs.length === 1 ? inputs[0] : undefined;
}

function isLinear(index: GraphIndex, node: NodeProto): boolean {
  if (node.opType === "Gemm" || node.opType === "MatMul") return index.isConstant(node.input[1] ?? "");
  const dims = node.opType === "Conv" ? weightDims(index, node) : undefined;
  return dims?.length === 4 && dims[2] === 1 && dims[3] === 1 && intAttribute(node, "group", 1) === 1;
}

function weightDims(index: GraphIndex, node: NodeProto): Dims | undefined {
  return inferDims(index, node.input[1] ?? "");
}

/** What the linear layer that reads `name` says about it, where its own shape is not known. */
function dimsFromConsumer(index: GraphIndex, name: string): Dims {
  const node = index.graph.node.find((each) => each.input[0] === name && isLinear(index, each));
  const dims = node === undefined ? undefined : weightDims(index, node);
  if (node === undefined || dims === undefined) return [];
  if (node.opType === "Conv") return [undefined, dims[1], undefined, undefined];
  return [undefined, node.opType === "Gemm" && intAttribute(node, "transB", 0) ? dims[1] : dims.at(-2)];
}

/** Global average pool and Flatten behind an `[N, C, H, W]` value; the pool only where the map is not known to be 1x1. */
function appendPool(graph: GraphProto, place: string, dims: Dims): string {
  let value = place;
  if (dims[2] !== 1 || dims[3] !== 1) {
    value = freshName(graph, "canopy_pool");
    graph.node.push(makeNode("GlobalAveragePool", [place], [value]));
  }
  const flat = freshName(graph, "canopy_features");
  graph.node.push(makeNode("Flatten", [value], [flat], { axis: 1 }));
  return flat;
}

/** A Cast to float32 where the network computes in anything else; ONNX Runtime drops one that changes nothing. */
function appendCast(graph: GraphProto, value: string): string {
  const constants = graph.node.flatMap((node) => node.attribute.map((each) => each.t?.dataType));
  const declared = [...graph.input, ...graph.output].map((each) => each.type?.tensorType?.elemType);
  const types = [...graph.initializer.map((each) => each.dataType), ...constants, ...declared];
  if (!types.some((type) => type !== undefined && OTHER_FLOATS.has(type))) return value;
  const name = freshName(graph, "canopy_float32");
  graph.node.push(makeNode("Cast", [value], [name], { to: DataType.FLOAT }));
  return name;
}

/** Values a user may want to name, last first: graph outputs, pooled and flattened values, inputs of linear layers. */
function candidates(index: GraphIndex): string[] {
  const { node, output } = index.graph;
  const inner = node.flatMap((each) => {
    if (POOLS.has(each.opType) || each.opType === "Flatten") return each.output;
    return isLinear(index, each) && each.opType !== "Conv" ? each.input.slice(0, 1) : [];
  });
  const names = [...inner.reverse(), ...output.map((each) => each.name)];
  return [...new Set(names)].filter((name) => constantTensor(index, name) === undefined).slice(0, 8);
}
