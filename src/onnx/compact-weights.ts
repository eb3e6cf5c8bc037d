/**
 * Compact weights: kept as int8 with a scale for each output channel, a quarter of the bytes. The graph multiplies them out
 * again, which ONNX Runtime does once when it loads the model; arithmetic stays float32.
 */
import { freshName, indexGraph } from "./editing.js";
import type { GraphProto, NodeProto } from "./gen/onnx_pb.js";
import { makeNode } from "./graph.js";
import { forEachWeight, largestMagnitudes, roundToInt8 } from "./int8.js";
import { fromTensorProto, type Model, toTensorProto } from "./proto.js";
import { float32, type Tensor } from "./tensor.js";

/** Smaller tensors gain too little. */
const LEAST_VALUES = 256;
const FLOAT = 1;

/** Rounds the weights of convolutions and matrix products to int8, in place; exposeWeights gives what they stand for. */
export function compactWeights({ graph }: Model): void {
  const axes = channelAxes(graph);
  const nodes: NodeProto[] = [];
  graph.initializer = graph.initializer.flatMap((proto) => {
    const axis = axes.get(proto.name);
    const tensor = axis === undefined ? undefined : fromTensorProto(proto);
    if (axis === undefined || tensor?.type !== "float32" || tensor.data.length < LEAST_VALUES) return [proto];
    const { integers, scales } = roundChannels(tensor, axis);
    const scaleDims = tensor.dims.map((dim, each) => (each === axis ? dim : 1));
    const [rounded, factors] = ["int8", "scale"].map((kind) => freshName(graph, `${proto.name}.${kind}`));
    const casted = freshName(graph, `${proto.name}.float`);
    nodes.push(makeNode("Cast", [rounded], [casted], { to: FLOAT }));
    nodes.push(makeNode("Mul", [casted, factors], [proto.name]));
    return [toTensorProto(rounded, integers), toTensorProto(factors, float32(scaleDims, scales))];
  });
  graph.node.unshift(...nodes);
}

/** A function that gives the values which the compact form of each weight of `graph` stands for. */
export function weightRounder(graph: GraphProto): (name: string, values: Float32Array) => Float32Array {
  const axes = channelAxes(graph);
  const dims = new Map(graph.initializer.map((each) => [each.name, each.dims.map(Number)]));
  return (name, values) => {
    const axis = axes.get(name);
    if (axis === undefined || values.length < LEAST_VALUES) return values.slice();
    const own = dims.get(name) as number[];
    const { integers, scales } = roundChannels(float32(own, values), axis);
    const result = new Float32Array(values.length);
    forEachWeight(own, axis, (i, channel) => {
      result[i] = Number(integers.data[i]) * scales[channel];
    });
    return result;
  };
}

/** The axis of output channels of each weight; weights that are read in several ways have none. */
function channelAxes(graph: GraphProto): Map<string, number> {
  const { initializers } = indexGraph(graph);
  const axes = new Map<string, number | undefined>();
  for (const node of graph.node) {
    for (const [i, name] of node.input.entries()) {
      if (!initializers.has(name)) continue;
      const axis = channelAxis(node, i, initializers.get(name)?.dims.length ?? 0);
      axes.set(name, axes.has(name) && axes.get(name) !== axis ? undefined : axis);
    }
  }
  return new Map([...axes].flatMap(([name, axis]) => (axis === undefined ? [] : [[name, axis]])));
}

function channelAxis(node: NodeProto, input: number, rank: number): number | undefined {
  if (input !== 1) return undefined;
  if (node.opType === "Conv") return 0;
  if (node.opType === "MatMul" && rank >= 2) return rank - 1;
  if (node.opType !== "Gemm") return undefined;
  return node.attribute.some(({ name, i }) => name === "transB" && i === 1n) ? 0 : 1;
}

/** One scale a channel along `axis`: its largest magnitude / 127. */
function roundChannels(weight: Tensor, axis: number): { integers: Tensor; scales: Float32Array } {
  const scales = Float32Array.from(largestMagnitudes(weight, axis), (largest) => Math.fround(largest / 127) || 1);
  return { integers: roundToInt8(weight, axis, scales), scales };
}
