/**
 * MobileNetV2 (Sandler et al. 2018) as an ONNX graph: 52 convolutions with their batch normalisation folded in, ReLU6,
 * pooled features. Weights come as a map of float32 tensors (a safetensors file): `conv{i}.weight` `[O, I / group, k, k]` and
 * `conv{i}.bias` `[O]`, i from 0 in the order of execution.
 */
import { ModelError } from "../errors.js";
import { GraphBuilder } from "../onnx/graph.js";
import { float32, type Tensor } from "../onnx/tensor.js";
import { createRandom } from "../random.js";

export type Weights = ReadonlyMap<string, Tensor>;

interface MobileNetV2Options {
  /** Multiplier of every layer's channels, rounded to multiples of 8. @default 1 */
  width?: number;
  /**
   * Padding of the five convolutions of stride 2: `same-upper` as TensorFlow (nothing left and above on even sizes),
   * `symmetric` as PyTorch (1 on every side). @default "symmetric"
   */
  padding?: "same-upper" | "symmetric";
}

/** One convolution: `group` is 1 or, depthwise, the number of channels. */
interface Layer {
  inChannels: number;
  outChannels: number;
  kernel: 1 | 3;
  stride: 1 | 2;
  group: number;
  relu6: boolean;
  /** The last of an inverted residual block whose input is added to its output. */
  residual: boolean;
}

/** Expansion, output channels, repeats, first stride: table 2 of the paper. */
const BLOCKS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/**
 * The network: input `input` float32 `[N, 3, H, W]`, any N, H and W; output `features` float32 `[N, 1280]` (more for widths above 1).
 * Throws a ModelError if a tensor is missing or has another shape.
 */
export function buildMobileNetV2(weights: Weights, options: MobileNetV2Options = {}): Uint8Array {
  const { width = 1, padding = "symmetric" } = options;
  const graph = new GraphBuilder("mobilenetv2");
  let value = graph.input("input", "float32", ["N", 3, "H", "W"]);
  let blockInput = value;
  const layers = mobileNetV2Layers(width);
  layers.forEach((layer, i) => {
    value = appendLayer(graph, layer, i, value, weights, padding);
    if (layer.residual) value = graph.node("Add", [blockInput, value]);
    if (!layer.relu6) blockInput = value;
  });
  const pooled = graph.node("GlobalAveragePool", [value]);
  const count = layers.at(-1)?.outChannels as number;
  graph.output("features", graph.node("Flatten", [pooled], {}, "features"), "float32", ["N", count]);
  return graph.build();
}

/** Seeded random weights, He-uniform with biases 0: an untrained network, the same for a seed on every machine. */
export function untrainedWeights(seed: number, width = 1): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  mobileNetV2Layers(width).forEach((layer, i) => {
    const dims = weightDims(layer);
    const fanIn = (layer.inChannels / layer.group) * layer.kernel ** 2;
    const bound = Math.sqrt((layer.relu6 ? 6 : 3) / fanIn);
    const random = createRandom(seed, i);
    const count = dims.reduce((product, dim) => product * dim, 1);
    weights.set(
      `conv${i}.weight`,
      float32(
        dims,
        Float32Array.from({ length: count }, () => (2 * random.uniform() - 1) * bound),
      ),
    );
    weights.set(`conv${i}.bias`, float32([layer.outChannels], new Float32Array(layer.outChannels)));
  });
  return weights;
}

/** The 52 convolutions in the order of execution. */
function mobileNetV2Layers(width: number): Layer[] {
  const layers: Layer[] = [];
  const add = (outChannels: number, kernel: 1 | 3, stride: 1 | 2, depthwise: boolean, relu6: boolean) => {
    const inChannels = layers.at(-1)?.outChannels ?? 3;
    layers.push({ inChannels, outChannels, kernel, stride, group: depthwise ? inChannels : 1, relu6, residual: false });
  };
  add(toMultipleOf8(32 * width), 3, 2, false, true);
  for (const [expansion, channels, repeats, firstStride] of BLOCKS) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const inChannels = layers.at(-1)?.outChannels as number;
      const stride = repeat === 0 ? firstStride : 1;
      if (expansion > 1) add(inChannels * expansion, 1, 1, false, true);
      add(inChannels * expansion, 3, stride, true, true);
      add(toMultipleOf8(channels * width), 1, 1, false, false);
      (layers.at(-1) as Layer).residual = repeat > 0;
    }
  }
  add(toMultipleOf8(1280 * Math.max(1, width)), 1, 1, false, true);
  return layers;
}

/** The nearest multiple of 8, at least 8, and never more than a tenth below `channels`: the reference implementation's rule. */
function toMultipleOf8(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

function weightDims(layer: Layer): number[] {
  return [layer.outChannels, layer.inChannels / layer.group, layer.kernel, layer.kernel];
}

function appendLayer(
  graph: GraphBuilder,
  layer: Layer,
  i: number,
  input: string,
  weights: Weights,
  padding: "same-upper" | "symmetric",
): string {
  const add = (name: string, dims: number[]) => graph.initializer(name, requireTensor(weights, name, dims));
  const inputs = [input, add(`conv${i}.weight`, weightDims(layer)), add(`conv${i}.bias`, [layer.outChannels])];
  const pad = layer.kernel === 3 ? 1 : 0;
  const same = layer.stride === 2 && padding === "same-upper";
  const value = graph.node("Conv", inputs, {
    kernel_shape: [layer.kernel, layer.kernel],
    strides: [layer.stride, layer.stride],
    group: layer.group,
    ...(same ? { auto_pad: "SAME_UPPER" } : { pads: [pad, pad, pad, pad] }),
  });
  return layer.relu6 ? graph.node("Clip", [value, ...clipBounds(graph, i)]) : value;
}

/** The bounds of ReLU6, one pair for the whole graph. */
function clipBounds(graph: GraphBuilder, i: number): string[] {
  if (i > 0) return ["relu6.low", "relu6.high"];
  return [graph.initializer("relu6.low", float32([], [0])), graph.initializer("relu6.high", float32([], [6]))];
}

function requireTensor(weights: Weights, name: string, dims: readonly number[]): Tensor {
  const tensor = weights.get(name);
  if (tensor?.type !== "float32" || tensor.dims.join() !== dims.join()) {
    const found = tensor === undefined ? "it is missing" : `it is ${tensor.type} [${tensor.dims.join(", ")}]`;
    throw new ModelError(`MobileNetV2 needs "${name}" as float32 [${dims.join(", ")}], and ${found}.`);
  }
  return tensor;
}
