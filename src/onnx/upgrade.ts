/**
 * Networks of operator sets 7 to 12 in the forms of set 13, which fine-tuning, integers and export need. The rules follow the
 * differences between versions that https://onnx.ai/onnx/operators lists for each operator; what is not named here only gained
 * forms and types. They were checked against ONNX Runtime, which runs both.
 */
import { ModelError } from "../errors.js";
import { type Appender, appender, constantTensor, indexGraph, intAttribute } from "./editing.js";
import type { AttributeProto, GraphProto, NodeProto } from "./gen/onnx_pb.js";
import { makeNode } from "./graph.js";
import { type Model, opsetOf } from "./proto.js";
import { inferDims } from "./shapes.js";
import { float32, int64 } from "./tensor.js";

const UPGRADED = 13;

/** What rules need to know of the graph. */
interface Upgrade {
  append: Appender;
  /** Rank of a value, if it is known. */
  rankOf: (name: string) => number | undefined;
  /** Numbers of a constant. */
  numbersOf: (name: string) => number[] | undefined;
}

/** Changes `node` in place, or returns what stands for it. Nodes that it appends come before. */
type Rule = (node: NodeProto, upgrade: Upgrade) => NodeProto | undefined;

/** Changes `model` in place. @throws ModelError for an operator that has no equal in the newer set */
export function upgradeOpset(model: Model, name: string): void {
  const version = opsetOf(model);
  if (version >= UPGRADED) return;
  const { graph } = model;
  const index = indexGraph(graph);
  const upgrade: Upgrade = {
    append: appender(graph, "canopy_upgraded"),
    rankOf: (value) => inferDims(index, value)?.length,
    numbersOf: (value) => {
      const tensor = constantTensor(index, value);
      return tensor && Array.from(tensor.data as BigInt64Array, Number);
    },
  };
  try {
    upgradeNodes(graph, version, upgrade);
  } catch (error) {
    if (!(error instanceof NotUpgradableError)) throw error;
    throw new ModelError(
      `${name} uses ONNX operator set ${version}: ${error.message}. Export it with ${UPGRADED} or later.`,
    );
  }
  for (const entry of model.opsetImport) {
    if (entry.domain === "" || entry.domain === "ai.onnx") entry.version = BigInt(UPGRADED);
  }
}

class NotUpgradableError extends Error {}

function refuse(node: NodeProto, what: string): never {
  throw new NotUpgradableError(`node "${node.name}" (${node.opType}) ${what}`);
}

function upgradeNodes(graph: GraphProto, version: number, upgrade: Upgrade): void {
  const nodes: NodeProto[] = [];
  for (const node of graph.node) {
    for (const { g } of node.attribute) if (g !== undefined) upgradeNodes(g, version, upgrade);
    const [before, rule] = RULES[node.opType] ?? [0, undefined];
    const isOld = version < before && (node.domain === "" || node.domain === "ai.onnx");
    const result = isOld ? rule?.(node, upgrade) : undefined;
    nodes.push(...upgrade.append.nodes.splice(0), result ?? node);
  }
  graph.node = nodes;
}

/** Removes the attribute `name` from `node`. */
function take(node: NodeProto, name: string): AttributeProto | undefined {
  const found = node.attribute.find((each) => each.name === name);
  node.attribute = node.attribute.filter((each) => each !== found);
  return found;
}

/** A list of integers, or one, becomes input `at`. */
function listToInput(node: NodeProto, name: string, at: number, { append }: Upgrade): undefined {
  const found = take(node, name);
  if (found === undefined) return;
  const values = found.ints.length > 0 ? found.ints.map(Number) : [Number(found.i)];
  putInput(node, at, append.constant(name, int64([values.length], values)));
}

function numberToInput(node: NodeProto, name: string, at: number, { append }: Upgrade): undefined {
  const found = take(node, name);
  if (found !== undefined) putInput(node, at, append.constant(name, float32([], [found.f])));
}

/** Inputs before it that are not given are empty names. */
function putInput(node: NodeProto, at: number, name: string): void {
  while (node.input.length < at) node.input.push("");
  node.input[at] = name;
}

const axesToInput: Rule = (node, upgrade) => listToInput(node, "axes", 1, upgrade);

/** Until 13 along all axes from `axis` on together, since then along `axis` alone. */
const softmax: Rule = (node, { append, rankOf }) => {
  const axis = intAttribute(node, "axis", 1);
  const [x = ""] = node.input;
  const rank = rankOf(x);
  take(node, "axis");
  if (axis === -1 || axis + 1 === rank) return;
  const flat = append.node("Flatten", [x], { axis });
  const shape = append.node("Shape", [x]);
  return makeNode("Reshape", [append.node(node.opType, [flat]), shape], node.output);
};

const clip: Rule = (node, upgrade) => {
  numberToInput(node, "min", 1, upgrade);
  numberToInput(node, "max", 2, upgrade);
};

const pad: Rule = (node, upgrade) => {
  listToInput(node, "pads", 1, upgrade);
  numberToInput(node, "value", 2, upgrade);
};

const slice: Rule = (node, upgrade) => {
  for (const [i, name] of ["starts", "ends", "axes"].entries()) listToInput(node, name, i + 1, upgrade);
};

/** Its share matters in training only. */
const dropout: Rule = (node) => {
  take(node, "ratio");
  node.output = node.output.slice(0, 1);
};

/** Its other outputs are those of training. */
const batchNormalization: Rule = (node) => {
  const spatial = take(node, "spatial");
  if (spatial?.i === 0n) refuse(node, "normalises each place by itself");
  node.output = node.output.slice(0, 1);
};

/** How Resize placed pixels before it could be said. */
const PLACES = { coordinate_transformation_mode: "asymmetric" };

const upsample: Rule = (node, upgrade) => {
  const found = take(node, "scales");
  const scales = found && upgrade.append.constant("scales", float32([found.floats.length], found.floats));
  return resized(node, scales ?? node.input[1] ?? "", "floor");
};

/** It took the nearest pixel below where it enlarges, and above where it makes smaller. */
const resize: Rule = (node, { numbersOf }) => {
  const [, scales = ""] = node.input;
  const values = numbersOf(scales);
  const nearest = ["floor", "ceil"].find((mode) => values?.every((each) => (mode === "floor" ? each >= 1 : each <= 1)));
  if (nearest === undefined && modeOf(node) === "nearest") refuse(node, "enlarges and shrinks by the nearest pixel");
  return resized(node, scales, nearest ?? "floor");
};

function modeOf(node: NodeProto): string {
  return new TextDecoder().decode(node.attribute.find(({ name }) => name === "mode")?.s) || "nearest";
}

function resized(node: NodeProto, scales: string, nearest: string): NodeProto {
  const attributes = { mode: modeOf(node), ...PLACES, nearest_mode: nearest };
  return makeNode("Resize", [node.input[0] ?? "", "", scales], node.output, attributes);
}

/** By operator: the version that changed it, and the rule for those before. */
const RULES: Readonly<Partial<Record<string, [before: number, Rule]>>> = {
  Squeeze: [13, axesToInput],
  Unsqueeze: [13, axesToInput],
  ReduceSum: [13, axesToInput],
  Split: [13, (node, upgrade) => listToInput(node, "split", 1, upgrade)],
  Softmax: [13, softmax],
  LogSoftmax: [13, softmax],
  Hardmax: [13, softmax],
  Clip: [11, clip],
  Pad: [11, pad],
  Slice: [10, slice],
  TopK: [10, (node, upgrade) => listToInput(node, "k", 1, upgrade)],
  Dropout: [12, dropout],
  BatchNormalization: [13, batchNormalization],
  Upsample: [10, upsample],
  Resize: [11, resize],
  Scatter: [
    11,
    (node) => makeNode("ScatterElements", node.input, node.output, { axis: intAttribute(node, "axis", 0) }),
  ],
  Scan: [9, (node) => refuse(node, "has a batch of its own")],
};
