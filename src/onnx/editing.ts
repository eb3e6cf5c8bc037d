/** Questions about a graph and small edits: which node makes a value, whether it is constant, rename, prune. */
import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./gen/onnx_pb.js";
import { type Attributes, makeNode, valueInfo } from "./graph.js";
import { fromTensorProto, type Model, toTensorProto } from "./proto.js";
import { type ElementType, float32, int64, type Tensor } from "./tensor.js";

/** Look-ups into a graph; stale once the graph is edited. */
export interface GraphIndex {
  graph: GraphProto;
  /** Value name -> the node that makes it. */
  producers: Map<string, NodeProto>;
  initializers: Map<string, TensorProto>;
  /** True for values that depend on no graph input: initializers and what is computed from them alone. */
  isConstant(name: string): boolean;
}

export function indexGraph(graph: GraphProto): GraphIndex {
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const initializers = new Map(graph.initializer.map((each) => [each.name, each] as const));
  const known = new Map<string, boolean>();
  // Nodes are in topological order, so one pass forward settles every value.
  for (const node of graph.node) {
    const constant = readNames(node).every((name) => initializers.has(name) || known.get(name) === true);
    for (const name of node.output) known.set(name, constant);
  }
  return { graph, producers, initializers, isConstant: (name) => initializers.has(name) || known.get(name) === true };
}

/** The tensor `name` if it is an initializer or a Constant node, else undefined. */
export function constantTensor(index: GraphIndex, name: string): Tensor | undefined {
  const initializer = index.initializers.get(name);
  if (initializer !== undefined) return fromTensorProto(initializer);
  const node = index.producers.get(name);
  return node?.opType === "Constant" ? constantOf(node) : undefined;
}

/** What a Constant node holds; undefined if it is no tensor, number or list of numbers. */
export function constantOf({ attribute: [value] }: NodeProto): Tensor | undefined {
  switch (value?.name) {
    case "value":
      return value.t && fromTensorProto(value.t);
    case "value_int":
      return int64([], [Number(value.i)]);
    case "value_ints":
      return int64([value.ints.length], value.ints.map(Number));
    case "value_float":
      return float32([], [value.f]);
    case "value_floats":
      return float32([value.floats.length], value.floats);
    default:
      return undefined;
  }
}

/** An integer attribute of `node`, or `fallback`. */
export function intAttribute(node: NodeProto, name: string, fallback: number): number {
  const attribute = node.attribute.find((each) => each.name === name);
  return attribute === undefined ? fallback : Number(attribute.i);
}

/** A string attribute of `node`, or "". */
export function stringAttribute(node: NodeProto, name: string): string {
  return new TextDecoder().decode(node.attribute.find((each) => each.name === name)?.s);
}

/** An integer-list attribute of `node`, or undefined. */
export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  return node.attribute.find((each) => each.name === name)?.ints.map(Number);
}

/** A value name that `graph` does not use: `wish`, or `wish` with a number. */
export function freshName(graph: GraphProto, wish: string): string {
  const taken = namesOf(graph);
  let name = wish;
  for (let count = 2; taken.has(name); count++) name = `${wish}_${count}`;
  return name;
}

/** Renames the value `from` to `to` everywhere in `graph`; a value already called `to` gets a new name. */
export function renameValue(graph: GraphProto, from: string, to: string): void {
  if (from === to) return;
  vacateName(graph, to);
  replaceName(graph, from, to);
}

/** Gives the value called `name` in `graph` a new name. */
export function vacateName(graph: GraphProto, name: string): void {
  if (namesOf(graph).has(name)) replaceName(graph, name, freshName(graph, `${name}_inner`));
}

/** Collects nodes with names of their own, and adds constants to the graph at once. */
export interface Appender {
  graph: GraphProto;
  nodes: NodeProto[];
  node(op: string, inputs: readonly string[], attributes?: Attributes): string;
  constant(wish: string, tensor: Tensor): string;
}

/** An Appender for `graph`; the caller puts its nodes in their place. */
export function appender(graph: GraphProto, prefix = "canopy"): Appender {
  const nodes: NodeProto[] = [];
  return {
    graph,
    nodes,
    node(op, inputs, attributes = {}) {
      const output = freshName(graph, `${prefix}_${op}_${graph.node.length}_${nodes.length}`);
      nodes.push(makeNode(op, inputs, [output], attributes));
      return output;
    },
    constant(wish, tensor) {
      const name = freshName(graph, `canopy_${wish}`);
      graph.initializer.push(toTensorProto(name, tensor));
      return name;
    },
  };
}

/**
 * A body for If or Loop: `inputs` (scalars of a type, or undefined for any type) named after `name`, and as outputs
 * what `build` makes of them. It may use values of `append`'s graph, which also gets its constants. `name` must be
 * unique in the graph.
 */
export function subgraph<Input extends string>(
  append: Appender,
  name: string,
  inputs: Readonly<Record<Input, ElementType | undefined>>,
  build: (inner: Appender, inputs: Readonly<Record<Input, string>>) => string[],
): GraphProto {
  const inner = appender(append.graph, `canopy_${name}`);
  const names = Object.fromEntries(Object.keys(inputs).map((each) => [each, `canopy_${name}_${each}`]));
  const output = build(inner, names as Record<Input, string>).map((each) => untyped(each));
  const input = Object.entries<ElementType | undefined>(inputs).map(([each, type]) =>
    type === undefined ? untyped(names[each] as string) : valueInfo(names[each] as string, type, []),
  );
  return create(GraphProtoSchema, { name, node: inner.nodes, input, output });
}

/** A value of a subgraph whose type and shape follow from the outer graph. */
function untyped(name: string): ValueInfoProto {
  return create(ValueInfoProtoSchema, { name });
}

/** Drops every node, initializer, input and shape note that the graph's outputs do not need. */
export function pruneGraph(graph: GraphProto): void {
  const needed = new Set(graph.output.map((each) => each.name));
  graph.node = graph.node
    .reverse()
    .filter((node) => {
      if (!node.output.some((name) => needed.has(name))) return false;
      for (const name of readNames(node)) needed.add(name);
      return true;
    })
    .reverse();
  graph.initializer = graph.initializer.filter((each) => needed.has(each.name));
  graph.input = graph.input.filter((each) => needed.has(each.name));
  graph.valueInfo = graph.valueInfo.filter((each) => needed.has(each.name));
}

/**
 * Removes initializers from the list of graph inputs (old exporters put them there): ONNX Runtime then knows that they
 * are constant and folds and fuses them. Needs IR version 4.
 */
export function hideInitializers(model: Model): void {
  const { graph } = model;
  const names = new Set(graph.initializer.map((each) => each.name));
  graph.input = graph.input.filter((each) => !names.has(each.name));
  if (model.irVersion < 4n) model.irVersion = 4n;
}

/** How many nodes and outputs read each value. */
export function countReaders(graph: GraphProto): Map<string, number> {
  const counts = new Map<string, number>();
  const names = [...graph.node.flatMap(readNames), ...graph.output.map(({ name }) => name)];
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Names of all values that the node reads: its inputs, and what its subgraphs capture. */
export function readNames(node: NodeProto): string[] {
  return [...node.input.filter((name) => name !== ""), ...capturedNames(node)];
}

/** Names of outer values that the node's subgraphs (If, Loop, Scan) refer to. */
export function capturedNames(node: NodeProto): string[] {
  return subgraphs(node).flatMap((graph) => {
    const own = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
    for (const inner of graph.node) for (const name of inner.output) own.add(name);
    const read = [...graph.output.map(({ name }) => name), ...graph.node.flatMap(readNames)];
    return read.filter((name) => !own.has(name));
  });
}

function subgraphs(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap((each) =>
    each.type === AttributeProto_AttributeType.GRAPH && each.g !== undefined ? [each.g] : each.graphs,
  );
}

function namesOf(graph: GraphProto): Set<string> {
  const names = new Set([...graph.input, ...graph.output, ...graph.initializer].map((each) => each.name));
  for (const node of graph.node) {
    for (const name of [...node.input, ...node.output]) names.add(name);
    for (const inner of subgraphs(node)) for (const name of namesOf(inner)) names.add(name);
  }
  return names;
}

/** The same, but a value already called `to` is not renamed: the caller has removed it, or it is the same value. */
export function replaceName(graph: GraphProto, from: string, to: string): void {
  for (const each of [...graph.input, ...graph.output, ...graph.initializer, ...graph.valueInfo]) {
    if (each.name === from) each.name = to;
  }
  for (const node of graph.node) {
    node.input = node.input.map((name) => (name === from ? to : name));
    node.output = node.output.map((name) => (name === from ? to : name));
    for (const inner of subgraphs(node)) replaceName(inner, from, to);
  }
}
