/**
 * A quantised network for machines without integer kernels: its integers as whole numbers in float32, zero points
 * subtracted. Sums of their products are exact up to 2^24, so each layer gives what ONNX Runtime's integer kernels give.
 * Floats that stand for the integers would not: sums of scaled products are rounded, and round values the other way.
 */
import { capturedNames, constantTensor, type GraphIndex, indexGraph, pruneGraph } from "../onnx/editing.js";
import { TensorProto_DataType as DataType, type NodeProto } from "../onnx/gen/onnx_pb.js";
import { decodeModel, encodeModel } from "../onnx/proto.js";
import { float32 } from "../onnx/tensor.js";
import { LAYERS, MOVING } from "./plan.js";
import { Writer } from "./writer.js";

/** `x + ROUNDING` is x rounded, halves to even: there float32 has no fractions. */
const ROUNDING = 1.5 * 2 ** 23;

/** Integers and what they stand for. */
interface Integers {
  /** The value they are in. */
  name: string;
  /** One, or one for each output channel of a weight. */
  scales: Float32Array;
  zeroPoint: number;
}

interface Rewriting {
  index: GraphIndex;
  writer: Writer;
  /** By the float value that stands for them. */
  integers: Map<string, Integers>;
  /** The QuantizeLinear that reads a value. */
  rounding: ReadonlyMap<string, NodeProto>;
  /** By the name of integers: the value with the same whole numbers. */
  whole: Map<string, string>;
  /** The same for the floats they stand for. */
  real: Map<string, string>;
  /** Floats that are also there by the name that they had. */
  kept: Set<string>;
}

/** `quantised`: what `quantise` gives. */
export function inWholeNumbers(quantised: Uint8Array): Uint8Array {
  const model = decodeModel(quantised, "The quantised backbone");
  const { graph } = model;
  const quantisers = graph.node.filter(({ opType }) => opType === "QuantizeLinear");
  const rewriting: Rewriting = {
    index: indexGraph(graph),
    writer: new Writer(graph),
    integers: new Map(),
    rounding: new Map(quantisers.map((node) => [node.input[0], node])),
    whole: new Map(),
    real: new Map(),
    kept: new Set(),
  };
  for (const node of graph.node) rewrite(rewriting, node);
  graph.node = rewriting.writer.nodes;
  pruneGraph(graph);
  return encodeModel(model);
}

function rewrite(rewriting: Rewriting, node: NodeProto): void {
  const { index, integers, writer, whole } = rewriting;
  const [data, weight] = node.input.map((name) => integers.get(name));
  if (node.opType === "DequantizeLinear") integers.set(node.output[0], integersOf(index, node));
  else if (node.opType === "QuantizeLinear" && whole.has(node.output[0])) return;
  else if (LAYERS.has(node.opType) && data && weight && index.isConstant(weight.name)) {
    rewriteLayer(rewriting, node, data, weight);
  } else if (MOVING.has(node.opType) && data && rewriting.rounding.has(node.output[0])) {
    rewriteMove(rewriting, node, data);
  } else if (node.opType === "Add" && data && weight && rewriting.rounding.has(node.output[0])) {
    rewriteAdd(rewriting, node, data, weight);
  } else if (node.opType === "Mul" && data && weight && rewriting.rounding.has(node.output[0])) {
    rewriteMul(rewriting, node, data, weight);
  } else {
    node.input = node.input.map((name) => realOf(rewriting, name));
    for (const name of capturedNames(node)) keepReal(rewriting, name);
    writer.nodes.push(node);
  }
}

/** Sums of whole numbers; then one multiplication by all scales, as integer kernels do it. */
function rewriteLayer(rewriting: Rewriting, node: NodeProto, data: Integers, weight: Integers): void {
  const { index, integers, writer, rounding, whole } = rewriting;
  const [result] = node.output;
  const bias = integers.get(node.input[2] ?? "");
  const constants = [weight, ...(bias ? [bias] : [])].map((each) => floatsOf(rewriting, each.name));
  node.input = [wholeOf(rewriting, data), ...constants];
  node.output = [writer.fresh(`${result}_sums`)];
  node.name = node.output[0];
  writer.nodes.push(node);
  const steps = weight.scales.map((scale) => Math.fround(scale * data.scales[0]));
  const quantiser = rounding.get(result);
  if (quantiser === undefined) {
    writer.node("Mul", [writer.constant("steps", float32([steps.length], steps)), node.output[0]], {}, result);
    return;
  }
  const to = integersOf(index, quantiser);
  const factors = steps.map((step) => step / to.scales[0]);
  const rescale = node.opType === "Conv" ? rescaleMaps : rescaleRows;
  whole.set(quantiser.output[0], rescale(rewriting, node.output[0], factors, to.zeroPoint));
}

/** In convolutions alone, so that ONNX Runtime need not bring maps into another order and back: that takes longer. */
function rescaleMaps({ writer }: Rewriting, sums: string, factors: Float32Array, zeroPoint: number): string {
  const { length } = factors;
  const filled = (value: number) => new Float32Array(length).fill(value);
  const perChannel = (input: string, weights: Float32Array, bias: number) => {
    const weight = writer.constant("channel_weight", float32([length, 1, 1, 1], weights));
    const offset = writer.constant("channel_bias", float32([length], filled(bias)));
    return writer.node("Conv", [input, weight, offset], { group: length, kernel_shape: [1, 1] });
  };
  const rounded = perChannel(sums, factors, ROUNDING);
  const [low, high] = [ROUNDING - zeroPoint, ROUNDING - zeroPoint + 255];
  const bounds = [low, high].map((each) => writer.constant("bound", float32([], [each])));
  const clipped = writer.node("Clip", [rounded, ...bounds]);
  return perChannel(clipped, filled(1), -ROUNDING);
}

/** The same with the channels along the last axis. */
function rescaleRows({ writer }: Rewriting, sums: string, factors: Float32Array, zeroPoint: number): string {
  const scaled = writer.node("Mul", [writer.constant("factors", float32([factors.length], factors)), sums]);
  const plain = { scale: 1, zeroPoint };
  const whole = writer.fresh(`${sums}_whole`);
  writer.dequantise(writer.quantise(scaled, plain, whole), plain, whole, whole);
  return whole;
}

/** ONNX Runtime multiplies and adds without rounding in between (FMA): float64 holds what float32 would round. */
function rewriteAdd(rewriting: Rewriting, node: NodeProto, a: Integers, b: Integers): void {
  const { index, writer, rounding, whole } = rewriting;
  const quantiser = rounding.get(node.output[0]) as NodeProto;
  const to = integersOf(index, quantiser);
  const [ratioA, ratioB] = [a, b].map(({ scales }) => Math.fround(scales[0] / to.scales[0]));
  const offset = Math.fround(ratioA * a.zeroPoint + Math.fround(ratioB * b.zeroPoint));
  const start = Math.fround(to.zeroPoint - offset);
  const double = (value: number) =>
    writer.constant("double", { type: "float64", dims: [], data: Float64Array.of(value) });
  const widen = (value: string) => writer.node("Cast", [value], { to: DataType.DOUBLE });
  const narrow = (value: string) => writer.node("Cast", [value], { to: DataType.FLOAT });
  const scaled = (each: Integers, ratio: number, plus: number) => {
    const product = writer.node("Mul", [widen(wholeOf(rewriting, each)), double(ratio)]);
    return writer.node("Add", [product, double(ratio * each.zeroPoint + plus)]);
  };
  const first = widen(narrow(scaled(b, ratioB, start)));
  const sum = narrow(writer.node("Add", [scaled(a, ratioA, 0), first]));
  const result = writer.fresh(`${node.output[0]}_whole`);
  const integers = writer.quantise(sum, { scale: 1, zeroPoint: 0 }, `${result}_sum`);
  writer.dequantise(integers, { scale: 1, zeroPoint: to.zeroPoint }, result, result);
  whole.set(quantiser.output[0], result);
}

/** The product of whole numbers; then one multiplication by all scales, and the zero point added before rounding, as the integer kernel does it. */
function rewriteMul(rewriting: Rewriting, node: NodeProto, a: Integers, b: Integers): void {
  const { index, writer, rounding, whole } = rewriting;
  const quantiser = rounding.get(node.output[0]) as NodeProto;
  const to = integersOf(index, quantiser);
  const ratio = Math.fround(Math.fround(a.scales[0] * b.scales[0]) / to.scales[0]);
  const product = writer.node("Mul", [wholeOf(rewriting, a), wholeOf(rewriting, b)]);
  const scaled = writer.node("Mul", [product, writer.constant("ratio", float32([], [ratio]))]);
  const moved = writer.node("Add", [scaled, writer.constant("zero_point", float32([], [to.zeroPoint]))]);
  const result = writer.fresh(`${node.output[0]}_whole`);
  const integers = writer.quantise(moved, { scale: 1, zeroPoint: 0 }, `${result}_product`);
  writer.dequantise(integers, { scale: 1, zeroPoint: to.zeroPoint }, result, result);
  whole.set(quantiser.output[0], result);
}

/** A node that gives the integers it reads in another order. */
function rewriteMove(rewriting: Rewriting, node: NodeProto, data: Integers): void {
  const { writer, rounding, whole } = rewriting;
  const [result] = node.output;
  node.input[0] = wholeOf(rewriting, data);
  node.output = [writer.fresh(`${result}_whole`)];
  writer.nodes.push(node);
  whole.set((rounding.get(result) as NodeProto).output[0], node.output[0]);
}

/** What a pair's half says. */
function integersOf(index: GraphIndex, { input: [name, scale, zeroPoint] }: NodeProto): Integers {
  const scales = constantTensor(index, scale)?.data as Float32Array;
  return { name, scales, zeroPoint: Number(constantTensor(index, zeroPoint)?.data[0]) };
}

/** A constant of integers in float32. */
function floatsOf({ index, writer }: Rewriting, name: string): string {
  const tensor = constantTensor(index, name);
  if (tensor === undefined) throw new Error(`${name} is no constant`);
  return writer.constant(`${name}_whole`, float32(tensor.dims, Float32Array.from(tensor.data, Number)));
}

/** The whole numbers of integers; those that no layer made are rounded floats, or pixels. */
function wholeOf({ writer, whole }: Rewriting, { name, zeroPoint }: Integers): string {
  const known = whole.get(name);
  if (known !== undefined) return known;
  const made = writer.fresh(`${name}_whole`);
  writer.dequantise(name, { scale: 1, zeroPoint }, made, made);
  whole.set(name, made);
  return made;
}

/** For graphs within the graph, which read floats by their name: the node that made `name` is gone. */
function keepReal(rewriting: Rewriting, name: string): void {
  const { kept, integers, writer } = rewriting;
  if (!integers.has(name) || kept.has(name)) return;
  writer.node("Identity", [realOf(rewriting, name)], {}, name);
  kept.add(name);
}

/** The floats that integers stand for; `name` itself if there are none. */
function realOf(rewriting: Rewriting, name: string): string {
  const { integers, real, writer } = rewriting;
  const found = integers.get(name);
  if (found === undefined) return name;
  const known = real.get(found.name);
  if (known !== undefined) return known;
  const scale = writer.constant("scale", float32([], found.scales));
  const made = writer.node("Mul", [scale, wholeOf(rewriting, found)]);
  real.set(found.name, made);
  return made;
}
