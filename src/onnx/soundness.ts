/**
 * What makes a network useless for every tile: weights that are no numbers, layers in training mode, ranges of a batch.
 */
import { ModelError } from "../errors.js";
import { constantTensor, type GraphIndex, indexGraph, intAttribute } from "./editing.js";
import { TensorProto_DataType as DataType, type NodeProto, type TensorProto } from "./gen/onnx_pb.js";
import { fromTensorProto, type Model, tensorsOf } from "./proto.js";

/** Layers whose constants are weights, which must be finite. Elsewhere infinity is a bound or a mask. */
const WEIGHTED = new Set("Conv ConvTranspose Gemm MatMul BatchNormalization LayerNormalization PRelu".split(" "));

/** Dynamic quantisation. */
const TAKING_RANGES = new Set("DynamicQuantizeLinear DynamicQuantizeMatMul DynamicQuantizeLSTM".split(" "));

/**
 * Throws a ModelError that names what is wrong with a network cut at its features; `path` is for the message.
 * `oneByOne`: it gets only one tile at a time.
 */
export function checkSound(model: Model, path: string, oneByOne: boolean): void {
  const index = indexGraph(model.graph);
  checkNumbers(model, path);
  for (const node of model.graph.node) {
    if (!oneByOne && TAKING_RANGES.has(node.opType)) {
      throw new ModelError(
        `${path} is quantised by the range of values in each batch (${node.opType} "${node.output[0]}"): a tile's features would ` +
          "depend on its neighbours; quantise it statically, or export it with a fixed batch of one.",
      );
    }
    // Nodes on constants do not depend on tiles: some networks standardise their weights like this.
    if (!index.isConstant(node.input[0] ?? "") && isTraining(index, node)) {
      throw new ModelError(
        `${path} was exported in training mode (${node.opType} "${node.output[0]}"): a tile's features would depend on others or on ` +
          "chance; export it in evaluation mode (model.eval() in PyTorch).",
      );
    }
  }
}

function checkNumbers({ graph }: Model, path: string): void {
  const weights = new Set(graph.node.filter(({ opType }) => WEIGHTED.has(opType)).flatMap(({ input }) => input));
  for (const tensor of tensorsOf(graph)) {
    const isWrong = weights.has(tensor.name) ? (x: number) => !Number.isFinite(x) : Number.isNaN;
    const at = findNumber(tensor, isWrong);
    if (at === undefined) continue;
    throw new ModelError(
      `${path} cannot be used: its weights "${tensor.name}" hold ${at}. Its training went wrong, or the file is damaged.`,
    );
  }
}

/** The first value of `tensor` that is wrong, as text. */
function findNumber(tensor: TensorProto, isWrong: (value: number) => boolean): string | undefined {
  if (tensor.dataType === DataType.FLOAT16) return findHalf(fromTensorProto(tensor).data as Uint16Array, isWrong);
  if (tensor.dataType !== DataType.FLOAT && tensor.dataType !== DataType.DOUBLE) return undefined;
  const data = fromTensorProto(tensor).data as Float32Array | Float64Array;
  // A finite sum means that all values are finite, and is fast. Otherwise the values are checked one by one, because
  // large weights may overflow it.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i];
  if (Number.isFinite(sum)) return undefined;
  return data.find(isWrong)?.toString();
}

/** Of 16-bit floats: all ones in the exponent, with a fraction (no number) or without (infinity). */
function findHalf(bits: Uint16Array, isWrong: (value: number) => boolean): string | undefined {
  const values = (each: number) => ((each & 0x3ff) !== 0 ? Number.NaN : Number.POSITIVE_INFINITY);
  const found = bits.find((each) => (each & 0x7c00) === 0x7c00 && isWrong(values(each)));
  return found === undefined ? undefined : values(found).toString();
}

/** BatchNormalization that takes mean and variance from the batch, Dropout that drops. */
function isTraining(index: GraphIndex, node: NodeProto): boolean {
  if (node.opType === "BatchNormalization") {
    return intAttribute(node, "training_mode", 0) !== 0 || node.output.filter((name) => name !== "").length > 1;
  }
  if (node.opType !== "Dropout" || (node.input[2] ?? "") === "") return false;
  return Number(constantTensor(index, node.input[2])?.data[0] ?? 0) !== 0;
}
