/** Weights as int8 with a scale for each output channel, and biases as int32 in the scale of the layer's sums. */
import { intAttribute } from "../onnx/editing.js";
import { transpose } from "../onnx/evaluate.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";
import { forEachWeight, largestMagnitudes, nearest, roundToInt8 } from "../onnx/int8.js";
import { fromTensorProto } from "../onnx/proto.js";
import type { Tensor } from "../onnx/tensor.js";
import type { Writer } from "./writer.js";

/** Biases stay below this, so that sums have room. */
const LARGEST_BIAS = 2 ** 30;
/** Scales of channels without weights. */
const SMALLEST_SCALE = 2 ** -60;

/**
 * Replaces weight and bias of `layer`, whose input has the scale `inputScale` and stands for values that are greater by
 * `shift`.
 */
export function integerWeights(writer: Writer, layer: NodeProto, inputScale: number, shift: number): void {
  const [name = ""] = layer.output;
  const { weight, axis } = channelsKnown(writer, layer);
  const channels = weight.dims[axis];
  const given = biasOf(writer, layer, channels);
  const bias = sumsOfChannels(weight, axis).map((sum, channel) => (given?.[channel] ?? 0) + shift * sum);
  const scales = Float32Array.from(largestMagnitudes(weight, axis), (each, channel) =>
    Math.max(each / 127, Math.abs(bias[channel]) / (inputScale * LARGEST_BIAS), SMALLEST_SCALE),
  );
  layer.input[1] = writer.dequantiseConstant(`${name}_weight`, roundToInt8(weight, axis, scales), scales, axis);
  if (given === undefined && shift === 0) return;
  const steps = scales.map((scale) => scale * inputScale);
  const whole = Int32Array.from(bias, (value, channel) => nearest(value / steps[channel]));
  layer.input[2] = writer.dequantiseConstant(
    `${name}_bias`,
    { type: "int32", dims: [channels], data: whole },
    steps,
    0,
  );
}

function sumsOfChannels({ data, dims }: Tensor, axis: number): Float64Array {
  const sums = new Float64Array(dims[axis]);
  forEachWeight(dims, axis, (i, channel) => {
    sums[channel] += Number(data[i]);
  });
  return sums;
}

/** The weight with output channels in its first axis (Conv) or its last (matrix products). */
function channelsKnown(writer: Writer, layer: NodeProto): { weight: Tensor; axis: number } {
  const proto = writer.initializer(layer.input[1] ?? "");
  if (proto === undefined) throw new Error(`${layer.input[1]} is no constant`);
  const weight = fromTensorProto(proto);
  if (layer.opType === "Conv") return { weight, axis: 0 };
  if (layer.opType === "MatMul" || intAttribute(layer, "transB", 0) === 0) return { weight, axis: 1 };
  layer.attribute = layer.attribute.filter(({ name }) => name !== "transB");
  return { weight: transpose(weight, [1, 0]), axis: 1 };
}

function biasOf(writer: Writer, layer: NodeProto, channels: number): Float32Array | undefined {
  const proto = writer.initializer(layer.input[2] ?? "");
  if (proto === undefined) return undefined;
  const { data } = fromTensorProto(proto);
  // Gemm repeats a bias of one value.
  return data.length === 1 ? new Float32Array(channels).fill(Number(data[0])) : (data as Float32Array);
}
