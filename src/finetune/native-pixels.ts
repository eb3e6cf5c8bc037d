/** What happens to pixels before the first layer: the native trainer does it as it reads them. */
import { constantTensor, intAttribute, intsAttribute } from "../onnx/editing.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";
import { TensorProto_DataType as DataType } from "../onnx/gen/onnx_pb.js";
import { floatConstant, notNative, type PixelValue, type Planner } from "./native-planner.js";

export function castPixels(planner: Planner, node: NodeProto): PixelValue {
  if (intAttribute(node, "to", 0) !== DataType.FLOAT) throw notNative(node, "makes other numbers than float32");
  return pixelInput(planner, node);
}

export function transposePixels(planner: Planner, node: NodeProto): PixelValue {
  const pixels = pixelInput(planner, node);
  const perm = intsAttribute(node, "perm")?.join();
  if (perm === "0,3,1,2" && pixels.layout === "NHWC") return { ...pixels, layout: "NCHW" };
  if (perm === "0,2,3,1" && pixels.layout === "NCHW") return { ...pixels, layout: "NHWC" };
  throw notNative(node, "turns pixels around");
}

/** Another order of the colours. */
export function gatherPixels(planner: Planner, node: NodeProto): PixelValue {
  const pixels = pixelInput(planner, node);
  const order = Array.from(constantTensor(planner.index, node.input[1] ?? "")?.data ?? [], Number);
  const isOrder = [...order].sort().join() === "0,1,2";
  if (!isOrder || (intAttribute(node, "axis", 0) + 4) % 4 !== channelAxis(pixels)) {
    throw notNative(node, "gathers other than the colours of pixels");
  }
  const pick = (values: readonly number[]) => order.map((channel) => values[channel]);
  return { ...pixels, order: pick(pixels.order), factor: pick(pixels.factor), offset: pick(pixels.offset) };
}

/** Add, Sub, Mul or Div of pixels and a constant, one for all or one per colour. */
export function scalePixels(planner: Planner, node: NodeProto): PixelValue {
  const pixels = pixelInput(planner, node);
  const by = colourConstants(planner, node, pixels);
  const each = (values: readonly number[], change: (value: number, by: number) => number) =>
    values.map((value, channel) => change(value, by[channel]));
  const { factor, offset } = pixels;
  switch (node.opType) {
    case "Add":
      return { ...pixels, offset: each(offset, (a, b) => a + b) };
    case "Sub":
      return { ...pixels, offset: each(offset, (a, b) => a - b) };
    case "Mul":
      return { ...pixels, factor: each(factor, (a, b) => a * b), offset: each(offset, (a, b) => a * b) };
    default:
      return { ...pixels, factor: each(factor, (a, b) => a / b), offset: each(offset, (a, b) => a / b) };
  }
}

function pixelInput(planner: Planner, node: NodeProto): PixelValue {
  const value = planner.values.get(node.input[0] ?? "");
  if (value?.kind !== "pixels")
    throw notNative(node, "stands behind the first layer, where the native trainer has no such operator");
  return value;
}

/** The second input as one number per colour. */
function colourConstants(planner: Planner, node: NodeProto, pixels: PixelValue): number[] {
  const tensor = floatConstant(planner, node.input[1] ?? "");
  if (tensor?.data.length === 1) return [0, 1, 2].map(() => tensor.data[0]);
  const behind = tensor && tensor.dims.length - 1 - tensor.dims.lastIndexOf(3);
  if (tensor?.data.length !== 3 || behind !== 3 - channelAxis(pixels)) {
    throw notNative(node, "changes pixels by other than a constant per colour");
  }
  return Array.from(tensor.data);
}

function channelAxis({ layout }: PixelValue): number {
  return layout === "NCHW" ? 1 : 3;
}
