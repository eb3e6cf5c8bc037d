/**
 * Which nodes of a network can compute with 8-bit integers, and which of its values are integers then. ONNX Runtime
 * makes an integer kernel of a node if all it reads comes from DequantizeLinear, and what it gives goes to
 * QuantizeLinear.
 */
import { constantTensor, countReaders, type GraphIndex, indexGraph, intAttribute } from "../onnx/editing.js";
import type { GraphProto, NodeProto } from "../onnx/gen/onnx_pb.js";

/** How a value becomes integers: its integer node makes it, it is rounded for those who read it, or it is its source's integers in another order. */
export type Integers = { kind: "made" | "rounded" } | { kind: "moved"; from: string };

/** A node that stays in float arithmetic. */
export interface FloatNode {
  operator: string;
  /** Its first output. */
  name: string;
  reason: string;
}

export interface QuantisationPlan {
  /** Layers with weights that become integers. */
  layers: ReadonlySet<NodeProto>;
  /** All integer nodes, layers included. */
  nodes: ReadonlySet<NodeProto>;
  /** Relu and Clip that become part of the rounding of the node before them. */
  clips: ReadonlyMap<NodeProto, Bounds>;
  values: ReadonlyMap<string, Integers>;
  float: FloatNode[];
}

export interface Bounds {
  low: number;
  high: number;
}

export const LAYERS = new Set(["Conv", "Gemm", "MatMul"]);
/** These only move integers; the result has the scale of the input. */
export const MOVING = new Set("MaxPool Reshape Flatten Transpose Squeeze Unsqueeze".split(" "));
/** Each input and the result has a scale of its own. */
const COMPUTING = new Set("Add Mul Concat AveragePool GlobalAveragePool Sigmoid LeakyRelu".split(" "));
/** Nodes that compute nothing worth a word. */
const SILENT = new Set("Shape Cast Gather Slice Constant Identity Unsqueeze Squeeze Range Expand".split(" "));

/** The plan for a folded graph (see foldGraph). */
export function planQuantisation(graph: GraphProto): QuantisationPlan {
  const index = indexGraph(graph);
  const clips = findClips(index);
  const wanted = findWanted(index, clips);
  const layers = new Set(graph.node.filter((node) => layerProblem(index, node) === null));
  const values = new Map<string, Integers>();
  const round = (name: string) => values.has(name) || values.set(name, { kind: "rounded" });
  // What layers read is rounded in any case, so that nodes before them know of it, too.
  for (const node of layers) round(node.input[0] ?? "");
  const nodes = new Set<NodeProto>();
  const clipped = new Map([...clips.keys()].map((clip) => [clip.input[0], clip.output[0]]));
  for (const node of graph.node) {
    const integers = integersOf(index, node, layers, values, wanted);
    if (integers === undefined) continue;
    nodes.add(node);
    for (const name of activations(index, node)) round(name);
    const [output = ""] = node.output;
    if (integers.kind !== "rounded") values.set(clipped.get(output) ?? output, integers);
  }
  for (const clip of clips.keys()) if (values.get(clip.output[0] ?? "")?.kind !== "made") clips.delete(clip);
  return { layers, nodes, clips, values, float: findFloat(index, nodes, clips) };
}

/** What an integer `node` makes of its result; "rounded" if it gives floats; undefined if it is no integer node. */
function integersOf(
  index: GraphIndex,
  node: NodeProto,
  layers: ReadonlySet<NodeProto>,
  values: ReadonlyMap<string, Integers>,
  wanted: ReadonlySet<string>,
): Integers | undefined {
  const [output = ""] = node.output;
  const [input = ""] = node.input;
  // Only a convolution needs integers as its result; matrix products can give floats.
  if (layers.has(node)) return { kind: node.opType === "Conv" || wanted.has(output) ? "made" : "rounded" };
  if (!wanted.has(output)) return undefined;
  if (MOVING.has(node.opType)) return values.has(input) ? { kind: "moved", from: input } : undefined;
  if (!COMPUTING.has(node.opType)) return undefined;
  const inputs = activations(index, node);
  const isWhole = inputs.length === node.input.length && inputs.some((name) => values.has(name));
  return isWhole ? { kind: "made" } : undefined;
}

/** Inputs that are no constants. */
function activations(index: GraphIndex, node: NodeProto): string[] {
  const inputs = LAYERS.has(node.opType) ? node.input.slice(0, 1) : node.input;
  return inputs.filter((name) => name !== "" && !index.isConstant(name));
}

/** Why `node` is no layer with integer weights; null if it is one, "" if it is no layer at all. */
function layerProblem(index: GraphIndex, node: NodeProto): string | null {
  if (!LAYERS.has(node.opType)) return "";
  const [data = "", weight = "", bias = ""] = node.input;
  const constant = (name: string) => constantTensor(index, name);
  if (index.isConstant(data) || constant(weight) === undefined) return "its weights are no constants";
  if (bias !== "" && constant(bias) === undefined) return "its bias is no constant";
  if (constant(weight)?.type !== "float32") return "its weights are no 32-bit floats";
  const rank = constant(weight)?.dims.length ?? 0;
  if (node.opType !== "Conv" && rank !== 2) return "its weight is no matrix";
  const factor = (name: string) => node.attribute.find((each) => each.name === name)?.f ?? 1;
  const isPlain = factor("alpha") === 1 && factor("beta") === 1 && intAttribute(node, "transA", 0) === 0;
  return isPlain ? null : "it has factors or a transposed input";
}

/** Relu and Clip with constant bounds around 0, by the only node that they read, which nothing else reads. */
function findClips(index: GraphIndex): Map<NodeProto, Bounds> {
  const readers = countReaders(index.graph);
  const clips = new Map<NodeProto, Bounds>();
  for (const node of index.graph.node) {
    const bounds = boundsOf(index, node);
    const before = index.producers.get(node.input[0] ?? "");
    const canRound = before !== undefined && (LAYERS.has(before.opType) || COMPUTING.has(before.opType));
    const isFine = bounds !== undefined && bounds.low <= 0 && bounds.high >= 0 && bounds.low < bounds.high;
    if (canRound && isFine && readers.get(node.input[0] ?? "") === 1) clips.set(node, bounds);
  }
  return clips;
}

function boundsOf(index: GraphIndex, node: NodeProto): Bounds | undefined {
  if (node.opType === "Relu") return { low: 0, high: Number.POSITIVE_INFINITY };
  if (node.opType !== "Clip") return undefined;
  const bound = (at: number, name: string, fallback: number) => {
    const input = node.input[at] ?? "";
    if (input !== "") return Number(constantTensor(index, input)?.data[0]);
    return node.attribute.find((each) => each.name === name)?.f ?? fallback;
  };
  const bounds = { low: bound(1, "min", Number.NEGATIVE_INFINITY), high: bound(2, "max", Number.POSITIVE_INFINITY) };
  return Number.isNaN(bounds.low + bounds.high) ? undefined : bounds;
}

/** Values that integer layers read, directly or through nodes that can give integers. */
function findWanted(index: GraphIndex, clips: ReadonlyMap<NodeProto, Bounds>): Set<string> {
  const wanted = new Set<string>();
  for (const node of index.graph.node.toReversed()) {
    const passes = clips.has(node) || MOVING.has(node.opType) || COMPUTING.has(node.opType);
    if (layerProblem(index, node) === null) wanted.add(node.input[0] ?? "");
    else if (passes && wanted.has(node.output[0] ?? "")) for (const name of node.input) wanted.add(name);
  }
  return wanted;
}

function findFloat(
  index: GraphIndex,
  nodes: ReadonlySet<NodeProto>,
  clips: ReadonlyMap<NodeProto, Bounds>,
): FloatNode[] {
  return index.graph.node.flatMap((node) => {
    const [name = ""] = node.output;
    if (nodes.has(node) || clips.has(node) || SILENT.has(node.opType) || index.isConstant(name)) return [];
    return [{ operator: node.opType, name, reason: reasonFor(index, node) }];
  });
}

function reasonFor(index: GraphIndex, node: NodeProto): string {
  const problem = layerProblem(index, node);
  if (problem) return problem;
  if (["Scan", "Loop", "If"].includes(node.opType)) return "what is inside is not looked at";
  if (!MOVING.has(node.opType) && !COMPUTING.has(node.opType)) return "ONNX Runtime has no integer kernel for it";
  return node.input.some((name) => index.isConstant(name)) && COMPUTING.has(node.opType)
    ? "it computes with a constant"
    : "no integer layer reads its result";
}
