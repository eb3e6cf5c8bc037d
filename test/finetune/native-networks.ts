/** Small generated backbones of the MobileNet family, at sizes that no vector width divides. */
import type { TunableModel, TuningBatch } from "../../src/finetune/engine.js";
import { type Attributes, GraphBuilder } from "../../src/onnx/graph.js";
import { FEATURES, TILES } from "../../src/onnx/prepare.js";
import { float32, int64 } from "../../src/onnx/tensor.js";
import { randoms } from "../onnx/run.js";

export const TAGS = 5;

/** Builds one network: each layer takes and gives names of values. */
class Layers {
  readonly graph = new GraphBuilder("small");
  readonly trainable: string[] = [];
  #seed = 1;

  weight(name: string, dims: readonly number[], scale: number): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    this.trainable.push(name);
    return this.graph.initializer(
      name,
      float32(
        dims,
        randoms(count, this.#seed++).map((value) => value * scale),
      ),
    );
  }

  constant(name: string, values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.graph.initializer(name, float32(dims, values));
  }

  conv(x: string, name: string, [inputs, outputs]: [number, number], kernel: number, attributes: Attributes): string {
    const group = (attributes["group"] as number | undefined) ?? 1;
    const weights = this.weight(
      `${name}_W`,
      [outputs, inputs / group, kernel, kernel],
      1.5 / kernel / (inputs / group) ** 0.5,
    );
    return this.graph.node("Conv", [x, weights, this.weight(`${name}_b`, [outputs], 0.2)], attributes);
  }

  /** `tiles` as a network sees them, NCHW. */
  pixels(size: number): string {
    const tiles = this.graph.input(TILES, "uint8", ["N", size, size, 3]);
    const turned = this.graph.node("Transpose", [tiles], { perm: [0, 3, 1, 2] });
    const cast = this.graph.node("Cast", [turned], { to: 1 });
    const scaled = this.graph.node("Mul", [cast, this.constant("factor", [0.01, 0.012, 0.009], [3, 1, 1])]);
    return this.graph.node("Add", [scaled, this.constant("offset", [-1.2, -1, -1.1], [3, 1, 1])]);
  }

  model(features: string, size: number, numFeatures: number): TunableModel {
    this.graph.output(FEATURES, features, "float32", ["N", numFeatures]);
    return {
      network: this.graph.build(),
      size,
      trainable: this.trainable,
      head: { weights: randoms(numFeatures * TAGS, 77), bias: randoms(TAGS, 78) },
      numFeatures,
      numTags: TAGS,
    };
  }
}

/** Inverted residuals as MobileNetV2 has them: ReLU6, strides, a sum of block inputs, paddings of each kind. */
export function invertedResiduals(size: number): TunableModel {
  const layers = new Layers();
  const { graph } = layers;
  const [low, high] = [layers.constant("low", [0], []), layers.constant("high", [1.5], [])];
  const relu6 = (x: string) => graph.node("Clip", [x, low, high]);
  let x = relu6(layers.conv(layers.pixels(size), "stem", [3, 17], 3, { strides: [2, 2], auto_pad: "SAME_UPPER" }));
  x = relu6(layers.conv(x, "deep0", [17, 17], 3, { group: 17, pads: [1, 1, 1, 1] }));
  x = layers.conv(x, "project0", [17, 3], 1, {});
  const block = x;
  x = relu6(layers.conv(x, "expand1", [3, 33], 1, {}));
  x = relu6(layers.conv(x, "deep1", [33, 33], 3, { group: 33, pads: [1, 1, 1, 1] }));
  x = graph.node("Add", [block, layers.conv(x, "project1", [33, 3], 1, {})]);
  x = relu6(layers.conv(x, "expand2", [3, 20], 1, {}));
  x = relu6(layers.conv(x, "deep2", [20, 20], 3, { group: 20, strides: [2, 2], auto_pad: "SAME_UPPER" }));
  x = relu6(layers.conv(x, "last", [20, 35], 1, {}));
  const pooled = graph.node("GlobalAveragePool", [x]);
  return layers.model(graph.node("Flatten", [pooled], { axis: 1 }), size, 35);
}

/** Squeeze and excite, hard activations, 5x5 windows, an ordinary convolution, maps of two levels joined, a Gemm. */
export function squeezeAndExcite(size: number): TunableModel {
  const layers = new Layers();
  const { graph } = layers;
  let x = graph.node("HardSwish", [
    layers.conv(layers.pixels(size), "stem", [3, 16], 3, { strides: [2, 2], pads: [1, 1, 1, 1] }),
  ]);
  x = graph.node("Relu", [layers.conv(x, "deep0", [16, 16], 5, { group: 16, strides: [2, 2], pads: [2, 2, 2, 2] })]);
  const squeezed = graph.node("Relu", [layers.conv(graph.node("GlobalAveragePool", [x]), "squeeze", [16, 4], 1, {})]);
  const gate = graph.node("HardSigmoid", [layers.conv(squeezed, "excite", [4, 16], 1, {})], {
    alpha: { float: 1 / 6 },
  });
  x = graph.node("Mul", [gate, x]);
  const first = graph.node("ReduceMean", [x], { axes: [2, 3], keepdims: 0 });
  x = layers.conv(x, "ordinary", [16, 18], 3, { strides: [2, 1], pads: [0, 1, 1, 1] });
  x = graph.node("Mul", [x, graph.node("Sigmoid", [x])]);
  x = graph.node("Relu", [layers.conv(x, "deep1", [18, 18], 5, { group: 18, pads: [2, 2, 2, 2] })]);
  x = graph.node("Sigmoid", [layers.conv(x, "sigmoid", [18, 7], 1, {})]);
  const second = graph.node("Reshape", [
    graph.node("GlobalAveragePool", [x]),
    graph.initializer("shape", int64([2], [-1, 7])),
  ]);
  const joined = graph.node("Concat", [first, second], { axis: 1 });
  const gemm = [layers.weight("gemm_W", [23, 21], 0.3), layers.weight("gemm_b", [21], 0.1)];
  return layers.model(graph.node("HardSwish", [graph.node("Gemm", [joined, ...gemm])]), size, 21);
}

/** Windows that are neither square nor of equal strides, which no fast kernel takes; one channel. */
export function oddWindows(size: number): TunableModel {
  const layers = new Layers();
  const { graph } = layers;
  let x = graph.node("Relu", [layers.conv(layers.pixels(size), "stem", [3, 1], 2, { strides: [1, 2] })]);
  x = layers.conv(x, "widen", [1, 4], 1, {});
  const deep = layers.weight("deep_W", [4, 1, 2, 3], 0.5);
  x = graph.node("Relu", [graph.node("Conv", [x, deep], { group: 4, strides: [2, 1], pads: [1, 0, 0, 2] })]);
  x = graph.node("Relu", [layers.conv(x, "deep1", [4, 4], 3, { group: 4, strides: [1, 2], pads: [1, 1, 1, 1] })]);
  x = graph.node("Relu", [layers.conv(x, "strided", [4, 6], 1, { strides: [2, 2] })]);
  const pooled = graph.node("ReduceMean", [x], { axes: [-2, -1] });
  return layers.model(graph.node("Flatten", [pooled]), size, 6);
}

export function makeBatch({ size, numFeatures }: TunableModel, count: number, seed = 5): TuningBatch {
  return {
    tiles: Uint8Array.from(randoms(count * size * size * 3, seed), (value) => (value + 1) * 127.9),
    count,
    targets: Float32Array.from(randoms(count * TAGS, seed + 1), (value) => (value > 0.2 ? 1 : 0)),
    dropout: Float32Array.from(randoms(count * numFeatures, seed + 2), (value) => (value > -0.5 ? 1.25 : 0)),
  };
}
