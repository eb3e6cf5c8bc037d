/**
 * A backbone in two: what lies below the learning weights, whose results can be computed once and stored, and what is trained on them.
 * The results are all values that pass from the one to the other: the map below the lowest learning block, and means of other maps.
 */
import {
  type Appender,
  appender,
  type GraphIndex,
  indexGraph,
  pruneGraph,
  readNames,
  vacateName,
} from "../onnx/editing.js";
import type { GraphProto, NodeProto } from "../onnx/gen/onnx_pb.js";
import { makeNode, valueInfo } from "../onnx/graph.js";
import { FEATURES, TILES } from "../onnx/prepare.js";
import { decodeModel, encodeModel } from "../onnx/proto.js";
import { inferDims, inferSizes, type Sizes } from "../onnx/shapes.js";
import { elementCount, int64 } from "../onnx/tensor.js";

export interface SplitNetwork {
  /** TILES uint8 `[N, size, size, 3]` to FEATURES float32 `[N, floats]`. */
  lower: Uint8Array;
  /** TILES float32 `[N, floats]` to FEATURES. */
  upper: Uint8Array;
  floats: number;
}

/** What passes from the lower part to the upper one. */
interface Between {
  crossings: Crossing[];
  /** Numbers that are computed from the number of tiles, by name. */
  sizes: Map<string, Sizes>;
  floats: number;
}

/** A value that passes from the lower part to the upper one, without its number of tiles. */
interface Crossing {
  name: string;
  dims: number[];
}

const NAME = "The backbone";

/** `network` (see prepareBackbone) below and above the `trainable` weights; or in a sentence why it cannot be split. */
export function splitNetwork(network: Uint8Array, trainable: readonly string[]): SplitNetwork | { reason: string } {
  const { graph } = decodeModel(network, NAME);
  const above = placesAbove(graph, trainable);
  const between = findBetween(indexGraph(graph), above);
  if ("reason" in between) return between;
  const { floats } = between;
  return { lower: lowerPart(network, above, between), upper: upperPart(network, above, between), floats };
}

function findBetween(index: GraphIndex, above: ReadonlySet<number>): Between | { reason: string } {
  const crossings: Crossing[] = [];
  const sizes = new Map<string, Sizes>();
  for (const name of namesCrossing(index, above)) {
    const numbers = inferSizes(index, name);
    if (numbers !== undefined) {
      sizes.set(name, numbers);
      continue;
    }
    const [batch, ...dims] = inferDims(index, name) ?? [1];
    if (name === TILES) return { reason: "the lowest of them read the tiles" };
    if (batch !== undefined || dims.length === 0 || dims.includes(undefined)) {
      return { reason: `of the values below them, "${name}" has no fixed size for each tile` };
    }
    crossings.push({ name, dims: dims as number[] });
  }
  return { crossings, sizes, floats: crossings.reduce((sum, { dims }) => sum + elementCount(dims), 0) };
}

/** Places of the nodes whose results depend on `trainable`, sizes included. */
function placesAbove({ node: nodes }: GraphProto, trainable: readonly string[]): Set<number> {
  const known = new Set(trainable);
  const above = new Set<number>();
  for (const [place, node] of nodes.entries()) {
    if (!readNames(node).some((name) => known.has(name))) continue;
    above.add(place);
    for (const name of node.output) if (name !== "") known.add(name);
  }
  return above;
}

function namesCrossing({ graph, isConstant }: GraphIndex, above: ReadonlySet<number>): Set<string> {
  const upper = graph.node.filter((_, place) => above.has(place));
  const made = new Set(upper.flatMap(({ output }) => output));
  return new Set(upper.flatMap(readNames).filter((name) => !made.has(name) && !isConstant(name)));
}

function lowerPart(network: Uint8Array, above: ReadonlySet<number>, { crossings, floats }: Between) {
  const model = decodeModel(network, NAME);
  const { graph } = model;
  graph.node = graph.node.filter((_, place) => !above.has(place));
  graph.output = [];
  vacateName(graph, FEATURES);
  const append = appender(graph);
  const flat = crossings.map(({ name }) => append.node("Flatten", [name], { axis: 1 }));
  graph.node.push(...append.nodes, makeNode("Concat", flat, [FEATURES], { axis: 1 }));
  graph.output = [valueInfo(FEATURES, "float32", ["N", floats])];
  graph.valueInfo = [];
  pruneGraph(graph);
  return encodeModel(model);
}

function upperPart(network: Uint8Array, above: ReadonlySet<number>, { crossings, sizes, floats }: Between) {
  const model = decodeModel(network, NAME);
  const { graph } = model;
  const { isConstant } = indexGraph(graph);
  graph.node = graph.node.filter((node, place) => above.has(place) || node.output.every(isConstant));
  graph.input = [valueInfo(TILES, "float32", ["N", floats])];
  graph.valueInfo = [];
  const append = appender(graph);
  let at = 0;
  const readers = crossings.map((crossing) => {
    const reader = readStored(append, crossing, at);
    at += elementCount(crossing.dims);
    return reader;
  });
  readers.push(...[...sizes].map(([name, numbers]) => computeSizes(append, name, numbers)));
  graph.node.unshift(...append.nodes, ...readers);
  pruneGraph(graph);
  return encodeModel(model);
}

/** The node that gives `name` back its shape; its floats begin at `at`. */
function readStored({ node, constant }: Appender, { name, dims }: Crossing, at: number): NodeProto {
  const number = (wish: string, value: number) => constant(wish, int64([1], [value]));
  const bounds = [number("start", at), number("end", at + elementCount(dims)), number("axis", 1)];
  const shape = constant("shape", int64([dims.length + 1], [0, ...dims]));
  return makeNode("Reshape", [node("Slice", [TILES, ...bounds]), shape], [name]);
}

/** The node that computes `name` from the number of tiles. */
function computeSizes({ node, constant }: Appender, name: string, { isScalar, fixed, perTile }: Sizes): NodeProto {
  const list = (wish: string, values: number[]) => constant(wish, int64([values.length], values));
  const tiles = node("Slice", [node("Shape", [TILES]), list("start", [0]), list("end", [1])]);
  const numbers = node("Add", [node("Mul", [tiles, list("per_tile", perTile)]), list("fixed", fixed)]);
  return makeNode("Reshape", [numbers, list("shape", isScalar ? [] : [fixed.length])], [name]);
}
