/** Which axis of a value counts features: networks give maps `[N, C, H, W]` or `[N, H, W, C]`, and tokens `[N, T, C]`. */
import { type GraphIndex, intAttribute, intsAttribute } from "./editing.js";
import type { NodeProto } from "./gen/onnx_pb.js";
import { dataInputs } from "./quantised.js";
import { type Dims, inferDims } from "./shapes.js";

/** Operators of images: channels come second. */
const CHANNELS_SECOND = new Set(
  (
    "Conv FusedConv ConvInteger QLinearConv BatchNormalization InstanceNormalization GroupNormalization LRN MaxPool AveragePool " +
    "GlobalAveragePool GlobalMaxPool QLinearAveragePool QLinearGlobalAveragePool DepthToSpace SpaceToDepth Resize Upsample"
  ).split(" "),
);
/** Operators of sequences: features come last. */
const FEATURES_LAST = new Set(
  (
    "LayerNormalization SkipLayerNormalization SimplifiedLayerNormalization RMSNormalization MatMul FusedMatMul MatMulInteger " +
    "QLinearMatMul DynamicQuantizeMatMul MatMulNBits Gemm QGemm"
  ).split(" "),
);
/** Operators that may change where axes are, besides Transpose and Reshape. */
const MOVING = new Set(
  "Squeeze Unsqueeze Gather Flatten Einsum ReduceMean ReduceMax ReduceSum If Loop Scan".split(" "),
);

const found = new WeakMap<GraphIndex, ReadonlyMap<string, number>>();

/** The axis of `name` that counts features, by the node that made it; undefined if that does not decide. */
export function channelAxis(index: GraphIndex, name: string): number | undefined {
  const axes = found.get(index) ?? findAxes(index);
  found.set(index, axes);
  return axes.get(name);
}

function findAxes(index: GraphIndex): Map<string, number> {
  const axes = new Map<string, number>();
  for (const node of index.graph.node) {
    for (const name of node.output) {
      const axis = axisOf(index, node, name, axes);
      if (axis !== undefined) axes.set(name, axis);
    }
  }
  return axes;
}

function axisOf(
  index: GraphIndex,
  node: NodeProto,
  name: string,
  known: ReadonlyMap<string, number>,
): number | undefined {
  const dims = inferDims(index, name);
  if (dims === undefined || MOVING.has(node.opType)) return undefined;
  if (CHANNELS_SECOND.has(node.opType)) return 1;
  if (FEATURES_LAST.has(node.opType)) return dims.length - 1;
  const source = dataInputs(index, node).find((each) => known.has(each));
  const axis = known.get(source ?? "");
  if (source === undefined || axis === undefined) return undefined;
  const from = inferDims(index, source);
  if (node.opType === "Transpose") return movedAxis(node, axis, dims.length);
  if (node.opType === "Reshape") return reshapedAxis(from, dims, axis);
  return from?.length === dims.length ? axis : undefined;
}

function movedAxis(node: NodeProto, axis: number, rank: number): number {
  const perm = intsAttribute(node, "perm") ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  return perm.indexOf(axis);
}

/** Reshapes keep channels if they keep their number and the sizes before, or after them. */
function reshapedAxis(from: Dims = [], to: Dims = [], axis: number): number | undefined {
  const count = from[axis];
  if (axis === 1 && to[1] === count) return 1;
  if (axis === from.length - 1 && to.at(-1) === count) return to.length - 1;
  return undefined;
}

/** Whether the network puts a token of its own before those of the picture, as vision transformers do. */
export function hasClassToken(index: GraphIndex): boolean {
  return index.graph.node.some((node) => {
    if (node.opType !== "Concat" || node.input.length < 2) return false;
    const known = [...node.output, ...node.input].map((name) => inferDims(index, name));
    const rank = known.find((dims) => dims !== undefined)?.length;
    const axis = intAttribute(node, "axis", 0);
    if (rank !== 3 || (axis !== 1 && axis !== -2)) return false;
    return isLearnt(index, node.input[0] ?? "") && !isLearnt(index, node.input[1] ?? "");
  });
}

/** A constant, also if it is repeated for each tile of the batch. */
function isLearnt(index: GraphIndex, name: string): boolean {
  if (index.isConstant(name)) return true;
  const node = index.producers.get(name);
  return (node?.opType === "Expand" || node?.opType === "Tile") && isLearnt(index, node.input[0] ?? "");
}
