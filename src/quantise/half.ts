/**
 * A prepared backbone with half precision, for GPUs: pixels become 16-bit floats once, before the first layer, and weights
 * are such floats. Sums over many values (means of maps, Softmax, LayerNormalization) and operators that are not listed
 * here stay in 32 bits.
 */
import { ModelError } from "../errors.js";
import { capturedNames, constantTensor, type GraphIndex, indexGraph, pruneGraph } from "../onnx/editing.js";
import { foldGraph } from "../onnx/fold.js";
import { TensorProto_DataType as DataType, type NodeProto } from "../onnx/gen/onnx_pb.js";
import { nearest } from "../onnx/int8.js";
import { decodeModel, encodeModel } from "../onnx/proto.js";
import { LAYERS } from "./plan.js";
import { Writer } from "./writer.js";

/** What computes with halves if all that it reads are halves or constants. */
const COMPUTING = new Set(
  `Conv Gemm MatMul Add Sub Mul Div Relu Clip LeakyRelu PRelu Sigmoid HardSigmoid HardSwish Tanh Erf MaxPool
  AveragePool Concat Pad`.split(/\s+/),
);
/** Only the first input has values; the others are integers. */
const MOVING = new Set("Reshape Flatten Transpose Squeeze Unsqueeze Slice Split".split(" "));
/** The greatest half. */
const LARGEST = 65504;

interface Halving {
  index: GraphIndex;
  writer: Writer;
  /** Values that are halves. */
  halves: Set<string>;
  /** By a value's name: the same in the other precision. */
  others: Map<string, string>;
  /** Values that stay floats, because a graph within the graph reads them. */
  captured: ReadonlySet<string>;
  /** What the graph gives, in floats. */
  outputs: ReadonlySet<string>;
}

/** For a prepared backbone. @throws ModelError if it has no layers */
export function inHalves(prepared: Uint8Array): Uint8Array {
  const model = decodeModel(prepared, "The prepared backbone");
  const { graph } = model;
  foldGraph(graph);
  const halving: Halving = {
    index: indexGraph(graph),
    writer: new Writer(graph),
    halves: new Set(),
    others: new Map(),
    captured: new Set(graph.node.flatMap((node) => capturedNames(node))),
    outputs: new Set(graph.output.map(({ name }) => name)),
  };
  for (const node of graph.node) {
    if (isHalf(halving, node)) writeHalf(halving, node);
    else writeFloat(halving, node);
  }
  if (halving.halves.size === 0)
    throw new ModelError("The backbone has no layer that could compute with half precision.");
  graph.node = halving.writer.nodes;
  pruneGraph(graph);
  return encodeModel(model);
}

/** Whether `node` can give halves: layers always do, others if they read halves. */
function isHalf({ index, halves, captured }: Halving, node: NodeProto): boolean {
  if (node.output.some((name) => captured.has(name))) return false;
  const inputs = MOVING.has(node.opType) ? node.input.slice(0, 1) : node.input;
  if (!COMPUTING.has(node.opType) && !MOVING.has(node.opType)) return false;
  const isFine = (name: string) => name === "" || halves.has(name) || fitsHalf(index, name);
  if (LAYERS.has(node.opType) && constantTensor(index, node.input[1])?.type === "float32") {
    return inputs.slice(1).every(isFine);
  }
  return inputs.some((name) => halves.has(name)) && inputs.every(isFine);
}

/** Whether `name` is a constant that keeps its meaning. */
function fitsHalf(index: GraphIndex, name: string): boolean {
  const tensor = constantTensor(index, name);
  if (tensor?.type !== "float32") return tensor !== undefined;
  return (tensor.data as Float32Array).every((value) => Math.abs(value) <= LARGEST);
}

function writeHalf(halving: Halving, node: NodeProto): void {
  const { writer, halves, outputs } = halving;
  node.input = node.input.map((name, i) => (i > 0 && MOVING.has(node.opType) ? name : halfOf(halving, name)));
  const given = node.output;
  node.output = given.map((name) => (outputs.has(name) ? writer.fresh(`${name}_half`) : name));
  writer.nodes.push(node);
  for (const [i, name] of node.output.entries()) {
    halves.add(name);
    if (name !== given[i]) writer.node("Cast", [name], { to: DataType.FLOAT }, given[i]);
  }
}

function writeFloat(halving: Halving, node: NodeProto): void {
  const { writer, halves, others } = halving;
  node.input = node.input.map((name) => {
    // A shape is the same in any precision.
    if (!halves.has(name) || node.opType === "Shape") return name;
    const made = others.get(name) ?? writer.node("Cast", [name], { to: DataType.FLOAT }, writer.fresh(`${name}_float`));
    others.set(name, made);
    return made;
  });
  writer.nodes.push(node);
}

/** Constants of integers stay what they are. */
function halfOf({ index, writer, halves, others }: Halving, name: string): string {
  if (name === "" || halves.has(name)) return name;
  const known = others.get(name);
  if (known !== undefined) return known;
  const tensor = constantTensor(index, name);
  if (tensor !== undefined && tensor.type !== "float32") return name;
  const made =
    tensor === undefined
      ? writer.node("Cast", [name], { to: DataType.FLOAT16 }, writer.fresh(`${name}_half`))
      : writer.constant(`${name}_half`, {
          type: "float16",
          dims: tensor.dims,
          data: Uint16Array.from(tensor.data as Float32Array, halfBits),
        });
  others.set(name, made);
  return made;
}

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** The bits of the nearest half of a float of at most LARGEST; ties go to the even one. */
export function halfBits(value: number): number {
  FLOAT[0] = value;
  const sign = (BITS[0] >>> 16) & 0x8000;
  const magnitude = Math.abs(FLOAT[0]);
  const exponent = Math.max(-14, ((BITS[0] >>> 23) & 255) - 127);
  // The leading one of the steps, which numbers below 2^-14 do not have, is the last 1 of the exponent's bits.
  return sign | (nearest(magnitude * 2 ** (10 - exponent)) + ((exponent + 14) << 10));
}
