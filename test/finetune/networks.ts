/** Small networks with the operators of each kind of backbone, as exporters write them. */
import { GraphBuilder } from "../../src/onnx/graph.js";
import { elementCount, float32, int64 } from "../../src/onnx/tensor.js";
import { randoms } from "../onnx/run.js";

/** What a network is made with. */
export interface Maker {
  graph: GraphBuilder;
  /** A weight of random values. */
  weight(dims: readonly number[], from?: number, to?: number): string;
}

/** Continues from pixels `[N, 3, SIDE, SIDE]` to features `[N, FEATURES]`. */
export type Network = (maker: Maker, pixels: string) => string;

export const SIDE = 8;
export const FEATURES = 6;

let constants = 0;

function ints({ graph }: Maker, ...values: number[]): string {
  return graph.initializer(`list${constants++}`, int64([values.length], values));
}

function number({ graph }: Maker, value: number): string {
  return graph.initializer(`scalar${constants++}`, float32([], [value]));
}

function conv(maker: Maker, x: string, weight: number[], attributes = {}): string {
  const scale = 2 / Math.sqrt(elementCount(weight.slice(1)));
  const inputs = [x, maker.weight(weight, -scale, scale), maker.weight(weight.slice(0, 1), -0.5, 0.5)];
  return maker.graph.node("Conv", inputs, attributes);
}

function linear(maker: Maker, x: string, inputs: number, outputs: number): string {
  const scale = 2 / Math.sqrt(inputs);
  const product = maker.graph.node("MatMul", [x, maker.weight([inputs, outputs], -scale, scale)]);
  return maker.graph.node("Add", [maker.weight([outputs], -0.5, 0.5), product]);
}

function layerNorm(maker: Maker, x: string, width: number): string {
  return maker.graph.node("LayerNormalization", [x, maker.weight([width], 0.5, 1.5), maker.weight([width], -0.5, 0.5)]);
}

const pooled = ({ graph }: Maker, x: string) => graph.node("Flatten", [graph.node("GlobalAveragePool", [x])]);

/** ResNet: strided stem, MaxPool, a block with a shortcut by a convolution, BatchNormalization. */
const resnet: Network = (maker, pixels) => {
  const { graph } = maker;
  const stem = graph.node("Relu", [conv(maker, pixels, [4, 3, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] })]);
  const x = graph.node("MaxPool", [stem], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] });
  const statistics = [
    graph.initializer("mean", float32([FEATURES], randoms(FEATURES, 5))),
    graph.initializer(
      "variance",
      float32(
        [FEATURES],
        randoms(FEATURES, 6).map((each) => each + 1.5),
      ),
    ),
  ];
  const inner = conv(maker, x, [FEATURES, 4, 3, 3], { pads: [1, 1, 1, 1] });
  const scaled = [inner, maker.weight([FEATURES], 0.5, 1.5), maker.weight([FEATURES]), ...statistics];
  const shortcut = conv(maker, x, [FEATURES, 4, 1, 1]);
  return pooled(maker, graph.node("Relu", [graph.node("Add", [graph.node("BatchNormalization", scaled), shortcut])]));
};

/** EfficientNet: expansion, SiLU, convolution by channel, squeeze and excite, projection. */
const efficientnet: Network = (maker, pixels) => {
  const { graph } = maker;
  const silu = (x: string) => graph.node("Mul", [x, graph.node("Sigmoid", [x])]);
  const x = silu(conv(maker, pixels, [4, 3, 1, 1]));
  const y = silu(conv(maker, x, [4, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1], strides: [2, 2] }));
  const squeezed = silu(conv(maker, graph.node("GlobalAveragePool", [y]), [2, 4, 1, 1]));
  const gate = graph.node("Sigmoid", [conv(maker, squeezed, [4, 2, 1, 1])]);
  return pooled(maker, silu(conv(maker, graph.node("Mul", [y, gate]), [FEATURES, 4, 1, 1])));
};

/** MobileNetV3: HardSwish, squeeze and excite by HardSigmoid, a residual. */
const mobilenet: Network = (maker, pixels) => {
  const { graph } = maker;
  const x = graph.node("HardSwish", [
    conv(maker, pixels, [FEATURES, 3, 3, 3], { strides: [2, 2], auto_pad: "SAME_UPPER" }),
  ]);
  const y = graph.node("HardSwish", [conv(maker, x, [FEATURES, 1, 3, 3], { group: FEATURES, pads: [1, 1, 1, 1] })]);
  const mean = graph.node("ReduceMean", [y], { axes: [2, 3] });
  const squeezed = graph.node("Relu", [conv(maker, mean, [2, FEATURES, 1, 1])]);
  const gate = graph.node("HardSigmoid", [conv(maker, squeezed, [FEATURES, 2, 1, 1])], { alpha: { float: 1 / 6 } });
  return pooled(
    maker,
    graph.node("Add", [x, graph.node("Clip", [graph.node("Mul", [y, gate]), "", number(maker, 6)])]),
  );
};

/** ConvNeXt: patches, convolution by channel, LayerNormalization of the last axis, Gelu written out, a scale for each layer. */
const convnext: Network = (maker, pixels) => {
  const { graph } = maker;
  const x = conv(maker, pixels, [FEATURES, 3, 2, 2], { strides: [2, 2] });
  const moved = conv(maker, x, [FEATURES, 1, 3, 3], { group: FEATURES, pads: [1, 1, 1, 1] });
  const normal = layerNorm(maker, graph.node("Transpose", [moved], { perm: [0, 2, 3, 1] }), FEATURES);
  const wide = linear(maker, normal, FEATURES, 8);
  const half = graph.node("Mul", [wide, number(maker, 0.5)]);
  const erf = graph.node("Erf", [graph.node("Div", [wide, number(maker, Math.SQRT2)])]);
  const gelu = graph.node("Mul", [half, graph.node("Add", [erf, number(maker, 1)])]);
  const scaled = graph.node("Mul", [linear(maker, gelu, 8, FEATURES), maker.weight([FEATURES])]);
  const sum = graph.node("Add", [x, graph.node("Transpose", [scaled], { perm: [0, 3, 1, 2] })]);
  return layerNorm(maker, pooled(maker, sum), FEATURES);
};

/** ViT: patches as tokens, a class token repeated by the batch's size, attention of two heads. */
const vit: Network = (maker, pixels) => {
  const { graph } = maker;
  const patches = conv(maker, pixels, [FEATURES, 3, 4, 4], { strides: [4, 4] });
  const tokens = graph.node("Transpose", [graph.node("Reshape", [patches, ints(maker, 0, FEATURES, -1)])], {
    perm: [0, 2, 1],
  });
  const batch = graph.node("Gather", [graph.node("Shape", [patches]), ints(maker, 0)]);
  const shape = graph.node("Concat", [batch, ints(maker, 1, FEATURES)], { axis: 0 });
  const first = graph.node("Expand", [maker.weight([1, 1, FEATURES]), shape]);
  const joined = graph.node("Concat", [first, tokens], { axis: 1 });
  const x = graph.node("Add", [joined, maker.weight([1, 5, FEATURES])]);
  const y = graph.node("Add", [x, attention(maker, layerNorm(maker, x, FEATURES), batch)]);
  const at = graph.initializer("class_token", int64([], [0]));
  return graph.node("Gather", [layerNorm(maker, y, FEATURES), at], { axis: 1 });
};

function attention(maker: Maker, x: string, batch: string): string {
  const { graph } = maker;
  const [heads, width] = [2, FEATURES / 2];
  const shape = graph.node("Concat", [batch, ints(maker, 5, 3, heads, width)], { axis: 0 });
  const all = graph.node("Reshape", [linear(maker, x, FEATURES, 3 * FEATURES), shape]);
  const turned = graph.node("Transpose", [all], { perm: [2, 0, 3, 1, 4] });
  const parts = graph.nodes("Split", [turned, ints(maker, 1, 1, 1)], ["q3", "k3", "v3"], { axis: 0 });
  const [q, k, v] = parts.map((part) => graph.node("Squeeze", [part, ints(maker, 0)]));
  const scaled = graph.node("Mul", [q, number(maker, width ** -0.5)]);
  const scores = graph.node("MatMul", [scaled, graph.node("Transpose", [k], { perm: [0, 1, 3, 2] })]);
  const mixed = graph.node("MatMul", [graph.node("Softmax", [scores], { axis: -1 }), v]);
  const back = graph.node("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  return linear(maker, graph.node("Reshape", [back, ints(maker, 0, 0, FEATURES)]), FEATURES, FEATURES);
}

export const NETWORKS: Readonly<Record<string, Network>> = {
  ResNet: resnet,
  EfficientNet: efficientnet,
  MobileNetV3: mobilenet,
  ConvNeXt: convnext,
  ViT: vit,
};

/** A prepared backbone: `tiles` uint8 `[N, SIDE, SIDE, 3]` to `features`; and the names of its weights. */
export function buildBackbone(network: Network, opset = 17): { bytes: Uint8Array; weights: string[] } {
  const graph = new GraphBuilder("backbone", { opset });
  const weights: string[] = [];
  const weight = (dims: readonly number[], from = -1, to = 1) => {
    const name = `weight${weights.length}`;
    weights.push(name);
    const values = randoms(elementCount(dims), weights.length).map((each) => from + ((each + 1) / 2) * (to - from));
    return graph.initializer(name, float32(dims, values));
  };
  const tiles = graph.input("tiles", "uint8", ["N", SIDE, SIDE, 3]);
  const maps = graph.node("Cast", [graph.node("Transpose", [tiles], { perm: [0, 3, 1, 2] })], { to: 1 });
  const pixels = graph.node("Div", [maps, graph.initializer("white", float32([], [255]))]);
  graph.output("features", network({ graph, weight }, pixels), "float32", ["N", FEATURES]);
  return { bytes: graph.build(), weights };
}
