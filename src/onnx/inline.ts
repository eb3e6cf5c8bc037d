/**
 * Local functions: operators that a file defines by nodes of its own. Each call is replaced by those nodes, so that the
 * graph has only operators of the standard.
 */
import { clone, create } from "@bufbuild/protobuf";
import { FormatError, ModelError } from "../errors.js";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
} from "./gen/onnx_pb.js";

/** Nodes that a file may unfold to: nested calls may double it with each level. */
const MAX_NODES = 200_000;
/** Functions may not call themselves. */
const MAX_DEPTH = 64;

/** Replaces every call of a local function by the function's nodes, in place. Throws if that is not possible. */
export function inlineFunctions(model: ModelProto, path: string): void {
  if (model.functions.length === 0 || model.graph === undefined) return;
  for (const each of model.functions) importOperators(model, each, path);
  const inliner = { functions: new Map(model.functions.map((each) => [keyOf(each), each])), path, calls: 0, nodes: 0 };
  model.graph.node = inlineCalls(model.graph.node, inliner, 0);
  model.functions = [];
}

interface Inliner {
  functions: ReadonlyMap<string, FunctionProto>;
  path: string;
  /** Calls replaced so far: each gives its values names of their own. */
  calls: number;
  nodes: number;
}

function keyOf({ domain, name, overload }: FunctionProto): string {
  return [domain, name, overload].join("\n");
}

/** The operators of a function must mean the same in the graph. */
function importOperators(model: ModelProto, { name, opsetImport }: FunctionProto, path: string): void {
  const standard = (domain: string) => (domain === "ai.onnx" ? "" : domain);
  for (const { domain, version } of opsetImport) {
    const known = model.opsetImport.find((each) => standard(each.domain) === standard(domain));
    if (known === undefined) model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version }));
    else if (standard(domain) === "" && known.version !== version) {
      throw new ModelError(
        `The local function "${name}" of ${path} uses ONNX operator set ${version}, the graph ${known.version}: ` +
          "inline it first (onnx.inliner.inline_local_functions in Python).",
      );
    }
  }
}

function inlineCalls(nodes: readonly NodeProto[], inliner: Inliner, depth: number): NodeProto[] {
  const { functions, path } = inliner;
  if (depth > MAX_DEPTH) throw new FormatError(path, `The local functions of ${path} call one another without end.`);
  return nodes.flatMap((node) => {
    for (const inner of graphsOf(node)) inner.node = inlineCalls(inner.node, inliner, depth);
    const called = functions.get([node.domain, node.opType, node.overload].join("\n"));
    if (called !== undefined) return inlineCalls(bodyOf(called, node, inliner.calls++), inliner, depth + 1);
    if (++inliner.nodes > MAX_NODES) {
      throw new FormatError(path, `The local functions of ${path} unfold to more than ${MAX_NODES} nodes.`);
    }
    return [node];
  });
}

/** The nodes of `called` with the values and attributes of `call`. */
function bodyOf(called: FunctionProto, call: NodeProto, number: number): NodeProto[] {
  const names = new Map<string, string>([["", ""]]);
  called.input.forEach((name, i) => {
    names.set(name, call.input[i] ?? "");
  });
  const passed: NodeProto[] = [];
  called.output.forEach((name, i) => {
    const target = call.output[i] ?? "";
    if (target === "") return;
    // An output that is an unchanged input.
    if (called.input.includes(name))
      passed.push(create(NodeProtoSchema, { opType: "Identity", input: [names.get(name) ?? ""], output: [target] }));
    else names.set(name, target);
  });
  const rename = (name: string) => names.get(name) ?? `canopy_call_${number}/${name}`;
  const given = new Map([...called.attributeProto, ...call.attribute].map((each) => [each.name, each]));
  return [...called.node.map((node) => instantiate(node, rename, given)), ...passed];
}

type Rename = (name: string) => string;

function instantiate(node: NodeProto, rename: Rename, given: ReadonlyMap<string, AttributeProto>): NodeProto {
  const copy = clone(NodeProtoSchema, node);
  copy.input = copy.input.map(rename);
  copy.output = copy.output.map(rename);
  copy.attribute = copy.attribute.flatMap((attribute) => {
    if (attribute.refAttrName === "") {
      if (attribute.g !== undefined) attribute.g = instantiateGraph(attribute.g, rename, given);
      attribute.graphs = attribute.graphs.map((each) => instantiateGraph(each, rename, given));
      return [attribute];
    }
    const value = given.get(attribute.refAttrName);
    return value === undefined ? [] : [Object.assign(clone(AttributeProtoSchema, value), { name: attribute.name })];
  });
  return copy;
}

function instantiateGraph(graph: GraphProto, rename: Rename, given: ReadonlyMap<string, AttributeProto>): GraphProto {
  const copy = clone(GraphProtoSchema, graph);
  copy.node = copy.node.map((node) => instantiate(node, rename, given));
  for (const each of [...copy.input, ...copy.output, ...copy.initializer, ...copy.valueInfo]) {
    each.name = rename(each.name);
  }
  return copy;
}

function graphsOf(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g]));
}
