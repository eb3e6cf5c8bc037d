/** Which weights of a network can learn, and how its layers group into blocks. */
import { type GraphIndex, indexGraph, readNames } from "./editing.js";
import type { GraphProto, NodeProto } from "./gen/onnx_pb.js";
import { elementCount } from "./tensor.js";

/** Inputs that are weights, by operator. */
const WEIGHT_INPUTS: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [1, 2],
  MatMul: [0, 1],
  LayerNormalization: [1, 2],
  BatchNormalization: [1, 2],
  PRelu: [1],
  Add: [0, 1],
  Mul: [0, 1],
};
/** Before the first of these a network only prepares its pixels. */
const LAYERS: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);
const FLOAT = 1;

/**
 * Names of the float32 weights of each block, in the order of the network. A block is a stretch between two values that
 * everything passes through: a residual block, or a single layer outside of one.
 */
export function weightBlocks(graph: GraphProto): string[][] {
  const index = indexGraph(graph);
  const sizes = sizeValues(index);
  const nodes = graph.node.filter((node) => !node.output.every((name) => index.isConstant(name) || sizes.has(name)));
  const lastRead = lastReaders(graph, nodes);
  const reached = new Set<string>();
  const blocks: string[][] = [];
  const live = new Set(graph.input.map(({ name }) => name));
  let block: string[] = [];
  for (const [place, node] of nodes.entries()) {
    block.push(...weightsOf(index, node, reached));
    if (LAYERS.has(node.opType) || readNames(node).some((name) => reached.has(name))) {
      for (const name of node.output) reached.add(name);
    }
    for (const name of node.output) live.add(name);
    for (const name of live) if ((lastRead.get(name) ?? -1) <= place) live.delete(name);
    if (live.size === 1 && block.length > 0 && startsLayer(nodes[place + 1])) {
      blocks.push(block);
      block = [];
    }
  }
  if (block.length > 0) blocks.push(block);
  const seen = new Set<string>();
  return blocks.map((names) => names.filter((name) => !seen.has(name) && seen.add(name)));
}

/** Values that are computed from sizes alone: exporters may take them from the input and use them at the end. */
function sizeValues({ graph, isConstant }: GraphIndex): Set<string> {
  const sizes = new Set<string>();
  for (const node of graph.node) {
    const isSize = node.opType === "Shape" || readNames(node).every((name) => isConstant(name) || sizes.has(name));
    if (isSize) for (const name of node.output) sizes.add(name);
  }
  return sizes;
}

/** Activations and normalisations belong to the layer before them. */
function startsLayer(node: NodeProto | undefined): boolean {
  return node !== undefined && (LAYERS.has(node.opType) || node.opType === "LayerNormalization");
}

/** Index of the last node that reads each value; outputs are read for ever. */
function lastReaders(graph: GraphProto, nodes: readonly NodeProto[]): Map<string, number> {
  const last = new Map<string, number>();
  for (const [place, node] of nodes.entries()) for (const name of readNames(node)) last.set(name, place);
  for (const { name } of graph.output) last.set(name, Number.POSITIVE_INFINITY);
  return last;
}

function weightsOf({ initializers }: GraphIndex, node: NodeProto, reached: ReadonlySet<string>): string[] {
  const prepares = !LAYERS.has(node.opType) && !node.input.some((name) => reached.has(name));
  if (prepares) return [];
  return (WEIGHT_INPUTS[node.opType] ?? []).flatMap((at) => {
    const weight = initializers.get(node.input[at] ?? "");
    const isWeight = weight?.dataType === FLOAT && elementCount(weight.dims.map(Number)) > 1;
    return isWeight ? [weight.name] : [];
  });
}
