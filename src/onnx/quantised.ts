/**
 * Quantised networks: which values are 8-bit integers, and which floats they stand for. There are three kinds: pairs of
 * QuantizeLinear and DequantizeLinear around float operators (QDQ), operators on integers (QOperator), and ranges
 * computed at run time (dynamic).
 */
import type { GraphIndex } from "./editing.js";
import type { NodeProto } from "./gen/onnx_pb.js";

/** The integers of `name` stand for `(integer - zeroPoint) * scale`; both are names of values. */
interface Quantisation {
  scale: string;
  zeroPoint: string;
}

/** The input that is the scale of the result, by operator; the zero point comes next. */
const OUTPUT_SCALE: Readonly<Record<string, number>> = {
  QuantizeLinear: 1,
  QLinearConv: 6,
  QLinearMatMul: 6,
  QLinearAdd: 6,
  QLinearMul: 6,
  QGemm: 7,
  QLinearConcat: 0,
  QLinearGlobalAveragePool: 3,
  QLinearAveragePool: 3,
  QLinearReduceMean: 3,
  QLinearSigmoid: 3,
  QLinearLeakyRelu: 3,
  QLinearSoftmax: 3,
};
/** Operators that do not change integers. */
const MOVING = new Set("MaxPool Reshape Flatten Transpose Squeeze Unsqueeze Identity Gather Slice Pad".split(" "));

/** How the integers of the value `name` are to be read; undefined if it is a float, or not known to be integers. */
export function quantisationOf(index: GraphIndex, name: string): Quantisation | undefined {
  const node = index.producers.get(name);
  if (node === undefined) return undefined;
  if (MOVING.has(node.opType)) return quantisationOf(index, node.input[0] ?? "");
  const at = OUTPUT_SCALE[node.opType];
  if (at === undefined || node.output[0] !== name) return undefined;
  return { scale: node.input[at] ?? "", zeroPoint: node.input[at + 1] ?? "" };
}

/** The float value `name` was before it was rounded to integers, through any number of such steps; `name` itself if it never was. */
export function beforeRounding(index: GraphIndex, name: string): string {
  const node = index.producers.get(name);
  const source = node?.input[0] ?? "";
  if (node?.opType === "QuantizeLinear") return beforeRounding(index, source);
  if (node?.opType === "DynamicQuantizeLinear" && node.output[0] === name) return beforeRounding(index, source);
  if (node?.opType === "DequantizeLinear" && beforeRounding(index, source) !== source) {
    return beforeRounding(index, source);
  }
  return name;
}

/** True for a scale or zero point that is found at run time, or computed only from such. */
function isRuntimeScale(index: GraphIndex, name: string): boolean {
  const node = index.producers.get(name);
  if (node?.opType === "DynamicQuantizeLinear") return node.output[0] !== name;
  if (node === undefined || (node.opType !== "Mul" && node.opType !== "Cast")) return false;
  const dynamic = node.input.filter((each) => !index.isConstant(each));
  return dynamic.length > 0 && dynamic.every((each) => isRuntimeScale(index, each));
}

/** The values `node` computes with, without constants, scales and zero points. */
export function dataInputs(index: GraphIndex, node: NodeProto): string[] {
  if (node.opType === "Reshape" || node.opType === "DequantizeLinear") return node.input.slice(0, 1);
  return node.input.filter((name) => name !== "" && !index.isConstant(name) && !isRuntimeScale(index, name));
}
