/** Linear layers, in all the forms that exporters and quantisers write. */
import { type GraphIndex, intAttribute } from "./editing.js";
import type { NodeProto } from "./gen/onnx_pb.js";
import { type Dims, inferDims } from "./shapes.js";

export interface Linear {
  /** The value it reads, `[..., inputs]` or `[N, inputs, H, W]`. */
  data: string;
  /** Undefined if the weight's shape is not known. */
  inputs: number | undefined;
  outputs: number | undefined;
  /** A convolution of one pixel. */
  isConv: boolean;
}

/** The input that is the weight, by operator; others are not linear. */
const WEIGHT_INPUT: Readonly<Record<string, number>> = {
  Gemm: 1,
  FusedGemm: 1,
  MatMul: 1,
  FusedMatMul: 1,
  MatMulInteger: 1,
  MatMulIntegerToFloat: 1,
  DynamicQuantizeMatMul: 1,
  MatMulNBits: 1,
  QGemm: 3,
  QLinearMatMul: 3,
  Conv: 1,
  FusedConv: 1,
  ConvInteger: 1,
  QLinearConv: 3,
  Einsum: 1,
};
const CONVOLUTIONS = new Set(["Conv", "FusedConv", "ConvInteger", "QLinearConv"]);

/** What `node` is as a linear layer with a constant weight; undefined if it is none. */
export function linearLayer(index: GraphIndex, node: NodeProto): Linear | undefined {
  const at = WEIGHT_INPUT[node.opType];
  if (at === undefined) return undefined;
  const data = node.input[0] ?? "";
  if (!index.isConstant(node.input[at] ?? "")) return weightFirst(index, node);
  if (index.isConstant(data)) return undefined;
  const weight = inferDims(index, node.input[at] ?? "");
  if (CONVOLUTIONS.has(node.opType)) return pointwise(node, data, weight);
  if (node.opType === "Einsum") return contraction(node, data, weight);
  if (node.opType === "MatMulNBits") {
    return { data, inputs: intAttribute(node, "K", 0), outputs: intAttribute(node, "N", 0), isConv: false };
  }
  if (intAttribute(node, "transA", 0) !== 0)
    return transposed(index, data, sides(weight, isTransposed(node, "transB")));
  return { data, ...sides(weight, isTransposed(node, "transB")), isConv: false };
}

type Sides = Pick<Linear, "inputs" | "outputs">;

/** Of a weight `[inputs, outputs]`, or the other way round. */
function sides(weight: Dims | undefined, isTurned: boolean): Sides {
  const [rows, columns] = [weight?.at(-2), weight?.at(-1)];
  return isTurned ? { inputs: columns, outputs: rows } : { inputs: rows, outputs: columns };
}

function isTransposed(node: NodeProto, attribute: "transA" | "transB"): boolean {
  return intAttribute(node, attribute, 0) !== 0;
}

/** Weight times data, as in `W x` with tiles in columns. */
function weightFirst(index: GraphIndex, node: NodeProto): Linear | undefined {
  const [weight = "", data = ""] = node.input;
  if (!/^(Fused)?(Gemm|MatMul)$/.test(node.opType) || !index.isConstant(weight)) return undefined;
  const { inputs, outputs } = sides(inferDims(index, weight), !isTransposed(node, "transA"));
  if (isTransposed(node, "transB")) return { data, inputs, outputs, isConv: false };
  return transposed(index, data, { inputs, outputs });
}

/** A layer that reads tiles in columns: its input is the value before the transposition. */
function transposed(index: GraphIndex, columns: string, found: Sides): Linear | undefined {
  const turn = index.producers.get(columns);
  if (turn?.opType !== "Transpose") return undefined;
  return { data: turn.input[0] ?? "", ...found, isConv: false };
}

function pointwise(node: NodeProto, data: string, weight: Dims | undefined): Linear | undefined {
  const isPoint = weight?.length === 4 && weight[2] === 1 && weight[3] === 1;
  if (!isPoint || intAttribute(node, "group", 1) !== 1) return undefined;
  return { data, inputs: weight[1], outputs: weight[0], isConv: true };
}

/** Einsum of data `[..., c]` and a matrix over c. */
function contraction(node: NodeProto, data: string, weight: Dims | undefined): Linear | undefined {
  const equation = new TextDecoder().decode(node.attribute.find(({ name }) => name === "equation")?.s);
  const [, left = "", right = "", result = ""] = /^(\w+),(\w+)->(\w+)$/.exec(equation.replaceAll(" ", "")) ?? [];
  const summed = left.at(-1) ?? "";
  if (right.length !== 2 || !right.includes(summed) || result.includes(summed)) return undefined;
  return { data, ...sides(weight, right[1] === summed), isConv: false };
}
