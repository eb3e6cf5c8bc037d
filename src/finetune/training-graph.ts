/**
 * A backbone with its head as ONNX graphs whose learning weights are inputs: one that computes the loss and the gradient
 * of every weight, and one that only computes logits.
 */
import { appendGradients, changingNodes } from "../autodiff/gradients.js";
import { NotDifferentiableError } from "../autodiff/rule.js";
import { ModelError } from "../errors.js";
import { type Appender, appender, pruneGraph, vacateName } from "../onnx/editing.js";
import type { GraphProto, ValueInfoProto } from "../onnx/gen/onnx_pb.js";
import { makeNode, valueInfo } from "../onnx/graph.js";
import { weightBlocks } from "../onnx/learnable.js";
import { FEATURES } from "../onnx/prepare.js";
import { decodeModel, encodeModel, fromTensorProto, type Model, opsetOf, toTensorProto } from "../onnx/proto.js";
import { float32 } from "../onnx/tensor.js";
import { HEAD_BIAS, HEAD_WEIGHTS, type TunableModel } from "./engine.js";

/** Inputs and outputs beside the tiles and the weights. */
export const TARGETS = "targets";
/** `[N, numFeatures]` factors of the features. */
export const DROPOUT = "dropout";
/** Scalar, by which every term of the loss is multiplied: 1 / (tiles of the batch * tags). */
export const SHARE = "share";
export const LOSS = "loss";
export const LOGITS = "logits";

/** ScatterElements that adds (16). */
const OPSET = 17;

/** A weight that learns. */
export interface Parameter {
  /** Its name in the network, or HEAD_WEIGHTS or HEAD_BIAS: an input of both graphs. */
  name: string;
  dims: readonly number[];
  /** Its values at the start. */
  data: Float32Array;
}

export interface TrainingGraphs {
  /** TILES, TARGETS, DROPOUT, SHARE and the parameters to LOSS, a sum, and the gradient of each parameter. */
  training: Uint8Array;
  /** TILES and the parameters to LOGITS. */
  inference: Uint8Array;
  parameters: Parameter[];
}

/** The output that is the gradient of parameter `name`. */
export function gradientName(name: string): string {
  return `${name}.gradient`;
}

/** @throws ModelError if the backbone has an operator that cannot be differentiated, or a weight that cannot learn. */
export function buildTrainingGraphs(model: TunableModel): TrainingGraphs {
  const parameters = [...backboneParameters(model), ...headParameters(model)];
  return { training: trainingGraph(model, parameters), inference: inferenceGraph(model, parameters), parameters };
}

function inferenceGraph(model: TunableModel, parameters: readonly Parameter[]): Uint8Array {
  const { decoded, append } = openNetwork(model);
  appendHead(append, FEATURES);
  return finish(decoded, append, parameters, [valueInfo(LOGITS, "float32", ["N", model.numTags])]);
}

function trainingGraph(model: TunableModel, parameters: readonly Parameter[]): Uint8Array {
  const { decoded, append } = openNetwork(model);
  const { numFeatures, numTags } = model;
  decoded.graph.input.push(
    valueInfo(TARGETS, "float32", ["N", numTags]),
    valueInfo(DROPOUT, "float32", ["N", numFeatures]),
    valueInfo(SHARE, "float32", []),
  );
  appendHead(append, append.node("Mul", [FEATURES, DROPOUT]));
  const gradient = appendLoss(append);
  decoded.graph.node.push(...append.nodes.splice(0));
  for (const { name, dims, data } of headParameters(model)) {
    decoded.graph.initializer.push(toTensorProto(name, float32(dims, data)));
  }
  const names = parameters.map(({ name }) => name);
  const gradients = differentiate(model, decoded.graph, gradient, names);
  append.nodes.push(...names.map((name) => makeNode("Identity", [gradients.get(name) ?? ""], [gradientName(name)])));
  const outputs = parameters.map(({ name, dims }) => valueInfo(gradientName(name), "float32", dims));
  return finish(decoded, append, parameters, [valueInfo(LOSS, "float32", []), ...outputs]);
}

/** Of an operator in the way, the message says how much of the network lies behind it. */
function differentiate(
  { network }: TunableModel,
  graph: GraphProto,
  gradient: string,
  names: readonly string[],
): Map<string, string> {
  try {
    return appendGradients(graph, { output: LOGITS, gradient, of: names });
  } catch (error) {
    if (!(error instanceof NotDifferentiableError)) throw error;
    const { node, message } = error;
    const blocks = weightBlocks(decodeModel(network, "The backbone").graph);
    const behind = blocks.filter((block) => !changingNodes(graph, block).includes(node)).length;
    throw new ModelError(`${message}. ${adviceFor(behind)}.`, { cause: error });
  }
}

/** What can be trained if this many blocks are behind all that is in the way. */
function adviceFor(blocks: number): string {
  if (blocks === 0) return "Train the head alone, without `finetune`";
  return `What can learn is the last ${blocks === 1 ? "block" : `${blocks} blocks`}: \`finetune.blocks: ${blocks}\``;
}

function openNetwork(model: TunableModel): { decoded: Model; append: Appender } {
  const decoded = decodeModel(model.network, "The backbone");
  raiseOpset(decoded);
  for (const name of [TARGETS, DROPOUT, SHARE, LOSS, LOGITS, HEAD_WEIGHTS, HEAD_BIAS]) vacateName(decoded.graph, name);
  return { decoded, append: appender(decoded.graph) };
}

/** From 13 on, which prepared backbones have at least, operators of image networks only gained forms. */
function raiseOpset(model: Model): void {
  const version = opsetOf(model);
  for (const entry of model.opsetImport) {
    if (entry.domain === "" || entry.domain === "ai.onnx") entry.version = BigInt(Math.max(version, OPSET));
  }
}

function backboneParameters({ network, trainable }: TunableModel): Parameter[] {
  const { graph } = decodeModel(network, "The backbone");
  const initializers = new Map(graph.initializer.map((each) => [each.name, each]));
  return trainable.map((name) => {
    if (name === HEAD_WEIGHTS || name === HEAD_BIAS) {
      throw new ModelError(`The backbone's weight "${name}" has the name of canopy's own head; give it another name.`);
    }
    const found = initializers.get(name);
    if (found === undefined) throw new ModelError(`The backbone has no weight "${name}".`);
    const { type, dims, data } = fromTensorProto(found);
    if (type !== "float32") throw new ModelError(`The weight "${name}" is ${type}; only float32 can learn.`);
    // A copy: the data of a file need not begin where a Float32Array may.
    return { name, dims, data: Float32Array.from(data as Float32Array) };
  });
}

function headParameters({ head, numFeatures, numTags }: TunableModel): Parameter[] {
  return [
    { name: HEAD_WEIGHTS, dims: [numFeatures, numTags], data: head.weights },
    { name: HEAD_BIAS, dims: [numTags], data: head.bias },
  ];
}

function appendHead(append: Appender, features: string): void {
  append.nodes.push(makeNode("Gemm", [features, HEAD_WEIGHTS, HEAD_BIAS], [LOGITS]));
}

/** LOSS, and the gradient of LOGITS, whose name is returned. */
function appendLoss({ nodes, node, constant }: Appender): string {
  const one = constant("one", float32([], [1]));
  // log(1 + e^z) - z y, where log(1 + e^-|z|) does not overflow.
  const tail = node("Log", [node("Add", [node("Exp", [node("Neg", [node("Abs", [LOGITS])])]), one])]);
  const above = node("Sub", [node("Relu", [LOGITS]), node("Mul", [LOGITS, TARGETS])]);
  const terms = node("Mul", [node("Add", [above, tail]), SHARE]);
  nodes.push(makeNode("ReduceSum", [terms], [LOSS], { keepdims: 0 }));
  return node("Mul", [node("Sub", [node("Sigmoid", [LOGITS]), TARGETS]), SHARE]);
}

/** The bytes of the graph with `outputs`, and with `parameters` as inputs. */
function finish(decoded: Model, append: Appender, parameters: readonly Parameter[], outputs: ValueInfoProto[]) {
  const { graph } = decoded;
  const learning = new Set(parameters.map(({ name }) => name));
  graph.node.push(...append.nodes);
  graph.initializer = graph.initializer.filter(({ name }) => !learning.has(name));
  graph.input.push(...parameters.map(({ name, dims }) => valueInfo(name, "float32", dims)));
  graph.output = outputs;
  pruneGraph(graph);
  return encodeModel(decoded);
}
