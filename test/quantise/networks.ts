/** Small prepared backbones to quantise. */
import { GraphBuilder } from "../../src/onnx/graph.js";
import { PIXELS } from "../../src/onnx/prepare.js";
import { float32 } from "../../src/onnx/tensor.js";
import { randoms } from "../onnx/run.js";

export const SIZE = 12;

/** Adds layers with random weights; each has a seed of its own. */
export interface Layers {
  graph: GraphBuilder;
  conv(input: string, from: number, to: number, attributes?: ConvShape): string;
  /** With a transposed weight and a bias. */
  gemm(input: string, from: number, to: number): string;
  matMul(input: string, from: number, to: number): string;
}

interface ConvShape {
  kernel?: number;
  stride?: number;
  pad?: number;
  group?: number;
  bias?: boolean;
  /** Factors of the weights of each output channel. @default 1 and less, all different */
  gains?: readonly number[];
}

/** `build` makes a map `[N, C, H, W]` or rows of the pixels `[N, 3, 12, 12]` in [-1, 1]; their means, or the rows, are the features. */
export function network(
  build: (layers: Layers, pixels: string) => { value: string; count: number; isMap?: boolean },
  opset = 17,
): Uint8Array {
  const graph = new GraphBuilder("small", { opset });
  const bytes = graph.node("Transpose", [graph.input("tiles", "uint8", ["N", SIZE, SIZE, 3])], { perm: [0, 3, 1, 2] });
  const factor = graph.initializer("factor", float32([], [1 / 127.5]));
  const scaled = graph.node("Mul", [graph.node("Cast", [bytes], { to: 1 }), factor]);
  const pixels = graph.node("Add", [scaled, graph.initializer("offset", float32([], [-1]))], {}, PIXELS);
  const { value, count, isMap = true } = build(layersOf(graph), pixels);
  const rows = isMap ? graph.node("Flatten", [graph.node("GlobalAveragePool", [value])]) : value;
  graph.output("features", rows, "float32", ["N", count]);
  return graph.build();
}

function layersOf(graph: GraphBuilder): Layers {
  let seed = 0;
  const weights = (dims: readonly number[], gain: (i: number) => number = () => 1) => {
    const values = randoms(
      dims.reduce((a, b) => a * b, 1),
      ++seed,
    );
    return graph.initializer(
      `weights_${seed}`,
      float32(
        dims,
        values.map((value, i) => value * gain(i)),
      ),
    );
  };
  return {
    graph,
    conv(input, from, to, { kernel = 1, stride = 1, pad = 0, group = 1, bias = true, gains } = {}) {
      const perChannel = (from / group) * kernel ** 2;
      const gain = (i: number) => gains?.[Math.floor(i / perChannel)] ?? 1 / (1 + Math.floor(i / perChannel));
      const inputs = [input, weights([to, from / group, kernel, kernel], gain), ...(bias ? [weights([to])] : [])];
      const pads = [pad, pad, pad, pad];
      return graph.node("Conv", inputs, { group, pads, strides: [stride, stride], kernel_shape: [kernel, kernel] });
    },
    gemm: (input, from, to) => graph.node("Gemm", [input, weights([to, from]), weights([to])], { transB: 1 }),
    matMul: (input, from, to) => graph.node("MatMul", [input, weights([from, to])]),
  };
}

/** Noise that uses all values. */
export function noise(count: number, seed = 9): Uint8Array {
  return Uint8Array.from(randoms(count * SIZE * SIZE * 3, seed), (value) => Math.floor((value + 1) * 128));
}
