/**
 * Reverse mode: adds to a graph the nodes that compute the gradients of chosen weights. Values are visited from the last
 * to the first; each node's rule turns the gradient of its outputs into those of its inputs; where several nodes read a
 * value, its gradients are added up.
 */
import { ModelError } from "../errors.js";
import { type GraphIndex, indexGraph } from "../onnx/editing.js";
import type { GraphProto, NodeProto } from "../onnx/gen/onnx_pb.js";
import { Emitter } from "./emitter.js";
import { fail, type Rule } from "./rule.js";
import { RULES } from "./rules.js";

/** Operators whose results do not change with small changes of what they read. */
const CONSTANT = new Set(
  "Shape Size ArgMax ArgMin Equal Greater GreaterOrEqual Less LessOrEqual And Or Not".split(" "),
);

/** What to differentiate. */
interface GradientRequest {
  /** The value whose gradient is given, and the value that holds that gradient, of the same shape. */
  output: string;
  gradient: string;
  /** Values whose gradients are wanted, such as initializers. */
  of: readonly string[];
}

/** Appends nodes to `graph`. Returns the name of the gradient of each value in `of`. @throws NotDifferentiableError */
export function appendGradients(graph: GraphProto, { output, gradient, of }: GradientRequest): Map<string, string> {
  const index = indexGraph(graph);
  const changing = changingNodes(graph, of);
  const path = nodesOnPath(changing, output);
  checkRules(path);
  const wanted = new Set([...of, ...path.flatMap((node) => named(node.output))]);
  const gathered = new GradientSums(new Emitter(graph));
  gathered.add(output, gradient);
  for (const node of path.reverse()) propagate(node, index, wanted, gathered);
  return new Map(of.map((name) => [name, gathered.take(name) ?? unreached(name, output)]));
}

/** Nodes whose results depend on `of`, in the graph's order. */
export function changingNodes(graph: GraphProto, of: readonly string[]): NodeProto[] {
  const changing = new Set(of);
  return graph.node.filter((node) => {
    if (CONSTANT.has(node.opType) || !node.input.some((name) => changing.has(name))) return false;
    for (const name of named(node.output)) changing.add(name);
    return true;
  });
}

/** Without those of inputs and outputs that are left out. */
function named(names: readonly string[]): string[] {
  return names.filter((name) => name !== "");
}

/** Those of `nodes` on which `output` depends. */
function nodesOnPath(nodes: readonly NodeProto[], output: string): NodeProto[] {
  const needed = new Set([output]);
  const path: NodeProto[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.output.some((name) => needed.has(name))) continue;
    for (const name of named(node.input)) needed.add(name);
    path.unshift(node);
  }
  return path;
}

function checkRules(path: readonly NodeProto[]): void {
  const unknown = path.findLast((node) => ruleOf(node) === undefined);
  if (unknown !== undefined) fail(unknown, "it has no rule");
}

function ruleOf(node: NodeProto): Rule | undefined {
  const isStandard = node.domain === "" || node.domain === "ai.onnx";
  return isStandard && Object.hasOwn(RULES, node.opType) ? RULES[node.opType] : undefined;
}

function propagate(node: NodeProto, index: GraphIndex, wanted: ReadonlySet<string>, sums: GradientSums): void {
  const gradients = node.output.map((name) => sums.take(name));
  const dy = gradients[0] ?? gradients.find((each) => each !== undefined);
  const rule = ruleOf(node);
  if (dy === undefined || rule === undefined) return;
  if (node.opType !== "Split" && gradients.findLastIndex((each) => each !== undefined) > 0) {
    fail(node, "another output than its first is used");
  }
  const wants = (at: number) => wanted.has(node.input[at] ?? "");
  const parts = rule({ node, index, emit: sums.emit, dy, gradients, wants });
  for (const [at, part] of parts.entries()) if (part !== undefined && wants(at)) sums.add(node.input[at], part);
}

function unreached(name: string, output: string): never {
  throw new ModelError(`"${output}" does not depend on "${name}", which therefore cannot learn.`);
}

/** Gradients by value, as parts to be added up. */
class GradientSums {
  readonly emit: Emitter;
  readonly #parts = new Map<string, string[]>();

  constructor(emit: Emitter) {
    this.emit = emit;
  }

  add(name: string, part: string): void {
    this.#parts.set(name, [...(this.#parts.get(name) ?? []), part]);
  }

  /** The sum, in the order of `add`; undefined if there is no part. */
  take(name: string): string | undefined {
    const parts = this.#parts.get(name) ?? [];
    return parts.length < 2 ? parts[0] : this.emit.op(parts.length === 2 ? "Add" : "Sum", parts);
  }
}
