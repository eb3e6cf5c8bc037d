/**
 * Simplifies a network before it is quantised: constants are computed, batch normalisation becomes part of the layer
 * before it, and what changes nothing is removed. Values that stay keep their names.
 */
import { countReaders, freshName, type GraphIndex, indexGraph, pruneGraph, replaceName } from "./editing.js";
import { canEvaluate, evaluate } from "./evaluate.js";
import type { GraphProto, NodeProto } from "./gen/onnx_pb.js";
import { fromTensorProto, type Model, toTensorProto } from "./proto.js";
import { float32 } from "./tensor.js";

/** Simplifies `graph` in place. */
export function foldGraph(graph: GraphProto): void {
  foldConstants(graph);
  dropIdle(graph);
  foldNormalisations(graph);
  pruneGraph(graph);
}

/**
 * Weights as plain float32 initializers, in place: what a network makes of constants alone (weights as integers with a scale, or
 * turned around by an exporter) is computed once, and batch normalisation becomes part of the layer before it.
 */
export function exposeWeights({ graph }: Model): void {
  foldConstants(graph);
  foldNormalisations(graph);
  pruneGraph(graph);
}

/** Nodes that depend on constants alone become initializers, if it is known how to compute them. */
function foldConstants(graph: GraphProto): void {
  const known = new Map(graph.initializer.map((each) => [each.name, each] as const));
  graph.node = graph.node.filter((node) => {
    const inputs = node.input.map((name) => known.get(name));
    const isKnown = node.input.every((name, i) => name === "" || inputs[i] !== undefined);
    if (!isKnown || node.output.length !== 1 || !canEvaluate(node)) return true;
    const tensors = inputs.map((each) => each && fromTensorProto(each));
    const value = evaluate(node, tensors);
    if (value === undefined) return true;
    const tensor = toTensorProto(node.output[0], value);
    known.set(tensor.name, tensor);
    graph.initializer.push(tensor);
    return false;
  });
}

/** Identity, and Dropout of a network that is not in training. */
const IDLE = new Set(["Identity", "Dropout"]);

function dropIdle(graph: GraphProto): void {
  const inputs = new Set(graph.input.map(({ name }) => name));
  const outputs = new Set(graph.output.map(({ name }) => name));
  const constants = new Set(graph.initializer.map(({ name }) => name));
  for (const node of graph.node.filter((each) => IDLE.has(each.opType))) {
    const [from = ""] = node.input;
    const [to = ""] = node.output;
    const isFixed = inputs.has(from) || constants.has(from) || outputs.has(from);
    if (isFixed && outputs.has(to)) continue;
    graph.node.splice(graph.node.indexOf(node), 1);
    // The later name stays: it does not depend on what comes before.
    if (isFixed) replaceName(graph, to, from);
    else replaceName(graph, from, to);
  }
}

/** BatchNormalization after a Conv that nothing else reads. */
function foldNormalisations(graph: GraphProto): void {
  const index = indexGraph(graph);
  const readers = countReaders(graph);
  const gone = new Set<NodeProto>();
  for (const node of graph.node) {
    if (node.opType !== "BatchNormalization") continue;
    const layer = index.producers.get(node.input[0] ?? "");
    if (layer?.opType !== "Conv" || gone.has(layer) || readers.get(layer.output[0] ?? "") !== 1) continue;
    if (foldInto(index, layer, node)) gone.add(node);
  }
  graph.node = graph.node.filter((node) => !gone.has(node));
}

/** `scale * (w x + b - mean) / sqrt(variance + epsilon) + shift` is a layer with other weights. False if some are no constants. */
function foldInto({ graph, initializers }: GraphIndex, layer: NodeProto, node: NodeProto): boolean {
  const floats = (name = "") => {
    const proto = initializers.get(name);
    const tensor = proto && fromTensorProto(proto);
    return tensor?.data instanceof Float32Array ? { dims: tensor.dims, data: tensor.data } : undefined;
  };
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((at) => floats(node.input[at]));
  const weight = floats(layer.input[1]);
  const bias = layer.input[2] ? floats(layer.input[2]) : { dims: [], data: new Float32Array(weight?.dims[0] ?? 0) };
  if (!scale || !shift || !mean || !variance || !weight || !bias) return false;
  const epsilon = node.attribute.find(({ name }) => name === "epsilon")?.f ?? 1e-5;
  const channels = bias.data.length;
  const perChannel = weight.data.length / channels;
  const factors = Float64Array.from(scale.data, (each, c) => each / Math.sqrt(variance.data[c] + epsilon));
  const scaled = weight.data.map((each, i) => each * factors[Math.floor(i / perChannel)]);
  const moved = bias.data.map((each, c) => (each - mean.data[c]) * factors[c] + shift.data[c]);
  const [output = ""] = node.output;
  const names = ["weight", "bias"].map((kind) => freshName(graph, `${output}_${kind}`));
  graph.initializer.push(toTensorProto(names[0], float32(weight.dims, scaled)));
  graph.initializer.push(toTensorProto(names[1], float32([channels], moved)));
  layer.input = [layer.input[0], ...names];
  layer.output = [output];
  return true;
}
