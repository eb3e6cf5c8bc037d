/**
 * Networks exported for one tile at a time. A few edits let most of them take any number; the others run tile by tile,
 * in a Scan over the batch. models/probe.ts tries out which of the two a network needs.
 */
import { create } from "@bufbuild/protobuf";
import {
  type Appender,
  appender,
  constantTensor,
  freshName,
  type GraphIndex,
  indexGraph,
  intAttribute,
  renameValue,
} from "./editing.js";
import { type GraphProto, GraphProtoSchema, type NodeProto, type ValueInfoProto } from "./gen/onnx_pb.js";
import { makeNode, valueInfo } from "./graph.js";
import { elementTypeOf, toTensorProto } from "./proto.js";
import { inferDims } from "./shapes.js";
import type { Features } from "./surgery.js";
import { int64 } from "./tensor.js";

/** An end beyond the last element of any axis. */
const END = 2 ** 31 - 1;

/**
 * Turns a batch of one into a batch of any number in nodes that contain the 1: as the first size of shapes, or as an
 * end of slices.
 */
export function freeBatch(graph: GraphProto, input: string): void {
  const index = indexGraph(graph);
  const nodes: NodeProto[] = [];
  for (const node of graph.node) {
    if (node.opType === "Reshape") freeReshape(index, node);
    else if (node.opType === "Slice") freeSlice(index, node);
    else if (node.opType === "Concat") {
      nodes.push(...freeConcat(index, node, input, appender(graph, `canopy_batch${nodes.length}`)));
    }
    nodes.push(node);
  }
  graph.node = nodes;
}

/**
 * The batch, alone or times something, comes first in nearly every shape: it becomes -1 (what the other sizes leave),
 * or 0 (copied).
 */
function freeReshape(index: GraphIndex, node: NodeProto): void {
  const [data = "", target = ""] = node.input;
  const shape = constantTensor(index, target);
  if (shape === undefined || shape.data.length === 0 || index.isConstant(data)) return;
  const sizes = Array.from(shape.data, Number);
  const keepsZero = intAttribute(node, "allowzero", 0) !== 0;
  if (sizes[0] <= 0 || (keepsZero && sizes.includes(0))) return;
  const open = sizes.indexOf(-1);
  if (open !== -1) {
    const size = inferDims(index, node.output[0])?.[open];
    if (size === undefined && sizes[0] !== 1) return;
    sizes[open] = size ?? -1;
  }
  sizes[0] = sizes.includes(-1) ? 0 : -1;
  node.attribute = node.attribute.filter(({ name }) => name !== "allowzero");
  node.input[1] = addInts(index.graph, sizes);
}

/** A slice that takes all of a batch of one shall take all of any batch. */
function freeSlice(index: GraphIndex, node: NodeProto): void {
  const [data = "", starts = "", ends = "", axes = ""] = node.input;
  const rank = inferDims(index, data)?.length;
  const [from, to, along] = [starts, ends, axes].map((name) => constantTensor(index, name)?.data);
  if (rank === undefined || from === undefined || to === undefined || index.isConstant(data)) return;
  const bounds = Array.from(to, Number);
  const at = along === undefined ? 0 : Array.from(along, Number).findIndex((axis) => axis === 0 || axis === -rank);
  if (at === -1 || Number(from[at]) !== 0 || bounds[at] < (inferDims(index, data)?.[0] ?? END)) return;
  bounds[at] = END;
  node.input[2] = addInts(index.graph, bounds);
}

/**
 * A constant beside values of a batch, such as a class token, is repeated for each tile. Returns the nodes to be put
 * before.
 */
function freeConcat(index: GraphIndex, node: NodeProto, input: string, append: Appender): NodeProto[] {
  const isFirst = intAttribute(node, "axis", 0) === 0;
  const dims = (name: string) => inferDims(index, unexpanded(index, name)) ?? [];
  const constants = node.input.filter((name) => index.isConstant(name) && dims(name)[0] === 1);
  if (isFirst || constants.length === 0 || constants.length === node.input.length) return [];
  const zero = append.constant("first", int64([1], [0]));
  const batch = append.node("Gather", [append.node("Shape", [input]), zero]);
  node.input = node.input.map((name) => {
    if (!constants.includes(name)) return name;
    const ones = append.constant("ones", int64([1], [1]));
    const shape = append.node("Concat", [batch, ...new Array(dims(name).length - 1).fill(ones)], { axis: 0 });
    return append.node("Expand", [unexpanded(index, name), shape]);
  });
  return append.nodes;
}

/** The constant that was to be repeated for a batch of one. */
function unexpanded(index: GraphIndex, name: string): string {
  const node = index.producers.get(name);
  return node?.opType === "Expand" ? node.input[0] : name;
}

function addInts(graph: GraphProto, values: readonly number[]): string {
  const name = freshName(graph, "canopy_ints");
  graph.initializer.push(toTensorProto(name, int64([values.length], values)));
  return name;
}

/**
 * Runs all of `graph`, which takes `input` of `shape` `[1, ...]`, once for each tile. Afterwards `input` takes any
 * number of tiles, and the value whose name is returned has a row for each. The weights go into the body, too, so that
 * ONNX Runtime can optimise their layout.
 */
export function loopOverBatch(graph: GraphProto, input: ValueInfoProto, shape: readonly number[], result: Features) {
  const body = create(GraphProtoSchema, { name: "tile", node: graph.node, initializer: graph.initializer });
  const inner = freshName(body, "canopy_input");
  renameValue(body, input.name, inner);
  const tile = freshName(body, "canopy_tile");
  const row = freshName(body, "canopy_row");
  body.node.unshift(makeNode("Reshape", [tile, addInts(body, shape)], [inner]));
  body.node.push(makeNode("Reshape", [result.output, addInts(body, [result.count])], [row]));
  body.input = [valueInfo(tile, elementTypeOf(input), shape.slice(1))];
  body.output = [valueInfo(row, "float32", [result.count])];
  const rows = freshName(body, "canopy_rows");
  graph.initializer = [];
  graph.node = [makeNode("Scan", [input.name], [rows], { body, num_scan_inputs: 1 })];
  return rows;
}
