/**
 * The pixels are integers already. If the network wants all channels scaled alike, they need not become floats and be
 * rounded again: their scale and zero point are those of the normalisation.
 */
import { constantTensor, type GraphIndex, readNames } from "../onnx/editing.js";
import { TensorProto_DataType as DataType } from "../onnx/gen/onnx_pb.js";
import { PIXELS } from "../onnx/prepare.js";
import type { QuantisationPlan } from "./plan.js";
import type { Scale } from "./ranges.js";

export interface PixelBytes extends Scale {
  /** The float value that stands for `(byte - zeroPoint) * scale + shift`. */
  name: string;
  /** The value the bytes are in. */
  bytes: string;
  /** Whether these are floats with whole values. */
  isFloat: boolean;
  /** What is left because zero points are whole: less than half a step. */
  shift: number;
}

/** How the pixels of a prepared network can stay bytes; undefined if its channels are scaled differently. */
export function pixelBytes(index: GraphIndex, { values, layers }: QuantisationPlan): PixelBytes | undefined {
  // The shift becomes part of biases, so all who read the pixels must have one.
  const readers = index.graph.node.filter((node) => readNames(node).includes(PIXELS));
  if (!values.has(PIXELS) || !readers.every((node) => node.opType === "Conv" && layers.has(node))) return undefined;
  let name = PIXELS;
  let [factor, offset] = [1, 0];
  for (let node = index.producers.get(name); node?.opType === "Add" || node?.opType === "Mul"; ) {
    const constant = constantTensor(index, node.input[1] ?? "");
    if (constant?.data.length !== 1) return undefined;
    if (node.opType === "Add") offset += factor * Number(constant.data[0]);
    else factor *= Number(constant.data[0]);
    name = node.input[0];
    node = index.producers.get(name);
  }
  const cast = index.producers.get(name);
  if (cast === undefined || !(factor > 0)) return undefined;
  const scale = Math.fround(factor);
  const zeroPoint = Math.round(-offset / factor);
  if (zeroPoint < 0 || zeroPoint > 255) return undefined;
  const isCast = cast.opType === "Cast" && intTo(cast.attribute) === DataType.FLOAT;
  return {
    name: PIXELS,
    bytes: isCast ? cast.input[0] : name,
    isFloat: !isCast,
    scale,
    zeroPoint,
    shift: offset + factor * zeroPoint,
  };
}

function intTo(attributes: readonly { name: string; i: bigint }[]): number {
  return Number(attributes.find(({ name }) => name === "to")?.i);
}
