/** Layers with weights, as operations of the native trainer. */
import { intAttribute, intsAttribute } from "../onnx/editing.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";
import {
  addOperation,
  floatAttribute,
  floatConstant,
  type MapValue,
  mapInput,
  notNative,
  type PixelValue,
  type Planner,
} from "./native-planner.js";

/** Adds the constant `name` to the parameters. */
function addParameter(
  planner: Planner,
  node: NodeProto,
  name: string,
  { sizes, strides }: { sizes: [number, number, number]; strides: [number, number, number] },
): number {
  const tensor = floatConstant(planner, name);
  if (tensor === undefined) throw notNative(node, `has "${name}" as weights, which are no float32 constant`);
  if (tensor.data.length !== sizes[0] * sizes[1] * sizes[2])
    throw notNative(node, `does not fit its weights "${name}"`);
  if (planner.parameters.some((each) => each.name === name)) throw notNative(node, `shares its weights "${name}"`);
  const parameter = { name, data: tensor.data, sizes, strides, trainable: planner.trainable.has(name) };
  return planner.parameters.push(parameter) - 1;
}

function addBias(planner: Planner, node: NodeProto, at: number, channels: number): { bias?: number } {
  const name = node.input[at] ?? "";
  if (name === "") return {};
  return { bias: addParameter(planner, node, name, { sizes: [1, 1, channels], strides: [0, 0, 1] }) };
}

export function convolution(planner: Planner, node: NodeProto): MapValue {
  const index = convolvedValue(planner, node);
  const [height, width, channels] = planner.maps[index];
  const weight = floatConstant(planner, node.input[1] ?? "");
  if (weight?.dims.length !== 4) throw notNative(node, "has weights that are no constant of four dimensions");
  const [outChannels, , kernelHeight, kernelWidth] = weight.dims;
  if (intsAttribute(node, "dilations")?.some((each) => each !== 1)) throw notNative(node, "is dilated");
  const down = spatial(node, 0, height, kernelHeight);
  const across = spatial(node, 1, width, kernelWidth);
  const taps = kernelHeight * kernelWidth;
  const group = intAttribute(node, "group", 1);
  const isDepthwise = group > 1 && group === channels && group === outChannels;
  if (group > 1 && !isDepthwise) throw notNative(node, `has ${group} groups of channels`);
  const layout = isDepthwise
    ? { sizes: [taps, 1, channels] as [number, number, number], strides: [1, 0, taps] as [number, number, number] }
    : {
        sizes: [outChannels, taps, channels] as [number, number, number],
        strides: [channels * taps, 1, taps] as [number, number, number],
      };
  const output = addOperation(planner, [down.size, across.size, outChannels], {
    kind: isDepthwise ? "depthwise" : "convolution",
    inputs: [index],
    weight: addParameter(planner, node, node.input[1], layout),
    ...addBias(planner, node, 2, outChannels),
    window: [kernelHeight, kernelWidth, down.stride, across.stride, down.pad, across.pad],
  });
  return { kind: "map", index: output, isFlat: false };
}

/** The map a convolution reads; value 0 if those are the prepared tiles. */
function convolvedValue(planner: Planner, node: NodeProto): number {
  const value = planner.values.get(node.input[0] ?? "");
  if (value?.kind !== "pixels") {
    const map = mapInput(planner, node);
    if (map.isFlat) throw notNative(node, "reads features");
    return map.index;
  }
  if (value.layout !== "NCHW") throw notNative(node, "reads pixels whose channels come last");
  if (intAttribute(node, "group", 1) !== 1) throw notNative(node, "reads pixels, a channel at a time");
  if (planner.input !== undefined && !isSamePreparation(planner.input, value)) {
    throw notNative(node, "reads pixels prepared otherwise than another layer's");
  }
  planner.input = value;
  return 0;
}

function isSamePreparation(a: PixelValue, b: PixelValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Along one axis: output size, stride and padding before. */
function spatial(node: NodeProto, axis: number, size: number, kernel: number) {
  const stride = intsAttribute(node, "strides")?.[axis] ?? 1;
  const pads = intsAttribute(node, "pads") ?? [0, 0, 0, 0];
  const mode = node.attribute.find((each) => each.name === "auto_pad")?.s;
  const autoPad = mode === undefined ? "NOTSET" : new TextDecoder().decode(mode);
  if (autoPad === "SAME_UPPER" || autoPad === "SAME_LOWER") {
    const count = Math.ceil(size / stride);
    const total = Math.max((count - 1) * stride + kernel - size, 0);
    return { size: count, stride, pad: autoPad === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2) };
  }
  const [before, after] = autoPad === "VALID" ? [0, 0] : [pads[axis], pads[axis + 2]];
  const count = Math.floor((size + before + after - kernel) / stride) + 1;
  // The trainer's windows begin within the padded map, which larger paddings would not need.
  if (count < 1 || before >= kernel || after >= kernel) throw notNative(node, "pads by more than its window");
  return { size: count, stride, pad: before };
}

export function gemm(planner: Planner, node: NodeProto): MapValue {
  const isPlain = floatAttribute(node, "alpha", 1) === 1 && floatAttribute(node, "beta", 1) === 1;
  if (!isPlain || intAttribute(node, "transA", 0) !== 0) throw notNative(node, "scales or transposes its input");
  return linear(planner, node, intAttribute(node, "transB", 0) === 1);
}

export function matMul(planner: Planner, node: NodeProto): MapValue {
  return linear(planner, node, false);
}

/** Weights `[features, outputs]`, or `[outputs, features]` if transposed. */
function linear(planner: Planner, node: NodeProto, isTransposed: boolean): MapValue {
  const input = mapInput(planner, node);
  const features = planner.maps[input.index][2];
  const weight = floatConstant(planner, node.input[1] ?? "");
  if (!input.isFlat || weight?.dims.length !== 2)
    throw notNative(node, "is no product of features and constant weights");
  const outputs = weight.dims[isTransposed ? 0 : 1];
  const output = addOperation(planner, [1, 1, outputs], {
    kind: "convolution",
    inputs: [input.index],
    weight: addParameter(planner, node, node.input[1], {
      sizes: [outputs, 1, features],
      strides: isTransposed ? [features, 0, 1] : [1, 0, outputs],
    }),
    ...addBias(planner, node, 2, outputs),
  });
  return { kind: "map", index: output, isFlat: true };
}
