/**
 * Makes a prepared backbone compute with 8-bit integers: activations uint8 by their ranges, weights int8 for each output
 * channel, biases int32. The file says so with pairs of QuantizeLinear and DequantizeLinear around float operators; ONNX
 * Runtime makes integer kernels of them, or computes the same in floats if told to.
 */
import { ModelError } from "../errors.js";
import { indexGraph, pruneGraph } from "../onnx/editing.js";
import { foldGraph } from "../onnx/fold.js";
import { TensorProto_DataType as DataType, type NodeProto } from "../onnx/gen/onnx_pb.js";
import { decodeModel, encodeModel, type Model } from "../onnx/proto.js";

import { type PixelBytes, pixelBytes } from "./pixels.js";
import { type FloatNode, planQuantisation, type QuantisationPlan } from "./plan.js";
import { type Ranges, type Scale, scaleOf } from "./ranges.js";
import { integerWeights } from "./weights.js";
import { Writer } from "./writer.js";

export interface Quantised {
  model: Uint8Array;
  /** Number of nodes that compute with integers. */
  integer: number;
  /** Nodes that stay in float arithmetic. */
  float: FloatNode[];
}

interface PlannedModel {
  model: Model;
  plan: QuantisationPlan;
  /** Undefined if the pixels become floats. */
  pixels: PixelBytes | undefined;
}

/**
 * The prepared backbone `prepared` (see prepareBackbone) with the ranges of its values (see observingModel). Throws a
 * ModelError if nothing in it can be quantised, or the ranges are those of another network.
 */
export function quantise(prepared: Uint8Array, ranges: Ranges): Quantised {
  const { model, plan, pixels } = planPrepared(prepared);
  const { graph } = model;
  const scales = chooseScales(plan, ranges, pixels);
  const writer = new Writer(graph);
  const clipped = new Map([...plan.clips.keys()].map((clip) => [clip.input[0], clip.output[0]]));
  for (const { name } of graph.input) round(writer, plan, scales, name, pixels);
  for (const node of [...graph.node]) {
    if (plan.clips.has(node)) continue;
    const [output = ""] = node.output;
    if (plan.nodes.has(node)) writeInteger(writer, plan, scales, node, clipped.get(output) ?? output, pixels);
    else writer.nodes.push(node);
    for (const name of node.output) round(writer, plan, scales, name, pixels);
  }
  graph.node = writer.nodes;
  pruneGraph(graph);
  return { model: encodeModel(model), integer: plan.nodes.size, float: plan.float };
}

/** Values that are read as integers, but made as floats. */
function round(
  writer: Writer,
  { values }: QuantisationPlan,
  scales: ReadonlyMap<string, Scale>,
  name: string,
  pixels: PixelBytes | undefined,
): void {
  const scale = scales.get(name);
  if (values.get(name)?.kind !== "rounded" || scale === undefined) return;
  if (name !== pixels?.name) writer.dequantise(writer.quantise(name, scale, name), scale, name, `${name}_rounded`);
  else {
    const bytes = pixels.isFloat ? writer.node("Cast", [pixels.bytes], { to: DataType.UINT8 }) : pixels.bytes;
    writer.dequantise(bytes, scale, name, `${name}_rounded`);
  }
}

/** `result`: what it makes, after a clip that is now part of the rounding. */
function writeInteger(
  writer: Writer,
  { values, layers }: QuantisationPlan,
  scales: ReadonlyMap<string, Scale>,
  node: NodeProto,
  result: string,
  pixels: PixelBytes | undefined,
): void {
  const [data = ""] = node.input;
  if (layers.has(node)) {
    const shift = data === pixels?.name ? pixels.shift : 0;
    integerWeights(writer, node, (scales.get(data) as Scale).scale, shift);
  }
  node.input = node.input.map((name) => (values.get(name)?.kind === "rounded" ? `${name}_rounded` : name));
  writer.nodes.push(node);
  const scale = scales.get(result);
  const made = values.get(result)?.kind;
  if (scale === undefined || made === undefined || made === "rounded") return;
  node.output = [writer.fresh(`${result}_float`)];
  writer.dequantise(writer.quantise(node.output[0], scale, result), scale, result, result);
}

/** The prepared backbone `prepared`, folded, and what of it becomes integers. @throws ModelError if that is nothing */
export function planPrepared(prepared: Uint8Array): PlannedModel {
  const model = decodeModel(prepared, "The prepared backbone");
  const { graph } = model;
  foldGraph(graph);
  const plan = planQuantisation(graph);
  checkPlan(plan, graph.node);
  return { model, plan, pixels: pixelBytes(indexGraph(graph), plan) };
}

/** @throws ModelError if the network is quantised already, or nothing in it can be */
function checkPlan({ layers, float }: QuantisationPlan, nodes: readonly NodeProto[]): void {
  const quantised = nodes.find(({ opType }) => /^(DynamicQ|Q|Dequantize)/.test(opType));
  if (quantised !== undefined) throw new ModelError(`The backbone is quantised already (${quantised.opType}).`);
  if (layers.size > 0) return;
  if (nodes.some(({ opType }) => opType === "Scan")) {
    const remedy = "export it with a free batch dimension";
    throw new ModelError(`The backbone cannot be quantised: it runs tile by tile inside its graph; ${remedy}.`);
  }
  const reason = float[0] ? `${float[0].operator} "${float[0].name}": ${float[0].reason}` : "it has no layers";
  throw new ModelError(`Nothing in the backbone can be quantised; ${reason}.`);
}

/** For each value that is integers. Moved ones have the scale of their source, which comes before them. */
function chooseScales(
  { values, clips }: QuantisationPlan,
  ranges: Ranges,
  pixels: PixelBytes | undefined,
): Map<string, Scale> {
  const bounds = new Map([...clips].map(([clip, each]) => [clip.output[0], each]));
  const scales = new Map<string, Scale>();
  const scaleFor = (name: string): Scale => {
    const integers = values.get(name);
    if (integers?.kind === "moved") return scaleFor(integers.from);
    if (name === pixels?.name) return pixels;
    const range = Object.hasOwn(ranges, name) ? ranges[name] : undefined;
    if (range === undefined) {
      throw new ModelError(
        `There is no range for "${name}": the ranges are those of another network, or of other features.`,
      );
    }
    const { low, high } = bounds.get(name) ?? { low: -Infinity, high: Infinity };
    return scaleOf([Math.max(range[0], low), Math.min(range[1], high)]);
  };
  for (const name of values.keys()) scales.set(name, scaleFor(name));
  return scales;
}
