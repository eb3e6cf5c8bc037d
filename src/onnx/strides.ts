/** The strides of the maps of a convolutional network. */
import { type GraphIndex, intsAttribute } from "./editing.js";
import type { NodeProto } from "./gen/onnx_pb.js";

const STEPPING = new Set("Conv FusedConv ConvInteger QLinearConv MaxPool AveragePool QLinearAveragePool".split(" "));

/** By value: pixels of the input for one of the map, along one side. */
export function mapStrides({ graph }: GraphIndex): Map<string, number> {
  const strides = new Map(graph.input.map(({ name }) => [name, 1]));
  for (const node of graph.node) {
    const stride = node.input.reduce((most, name) => Math.max(most, strides.get(name) ?? 0), 0);
    for (const name of node.output) strides.set(name, stride * stepOf(node));
  }
  return strides;
}

/** The stride of a layer, 1 if it has none. */
export function stepOf(node: NodeProto): number {
  return STEPPING.has(node.opType) ? Math.max(1, ...(intsAttribute(node, "strides") ?? [])) : 1;
}
