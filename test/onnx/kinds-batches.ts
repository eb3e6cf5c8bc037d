/** Networks exported for one tile at a time: the 1 stands in shapes, slices and constants. */
import type { GraphBuilder } from "../../src/onnx/graph.js";
import { float32, int64 } from "../../src/onnx/tensor.js";
import { type Kind, SIDE, SIZE } from "./kind.js";
import { CHANNELS, CLASSES, constant, flatten, gemm, network, pool, reshape, scores, type Tail } from "./networks.js";
import { randoms } from "./run.js";

const ints = (g: GraphBuilder, values: number[]) => constant(g, int64([values.length], values));
const features = (g: GraphBuilder, value: string) => void g.output("y", value, "float32", [1, CHANNELS]);
const pooled = (g: GraphBuilder, map: string) => flatten(g, pool(g, map));
const keepingZeros = (g: GraphBuilder, value: string, sizes: number[]) =>
  g.node("Reshape", [value, ints(g, sizes)], { allowzero: 1 });

/** The mean over a map's tokens and a token of the network's own, which `token` makes. */
const withToken =
  (token: (g: GraphBuilder) => string): Tail =>
  (g, map) => {
    const tokens = g.node("Transpose", [reshape(g, map, [1, CHANNELS, -1])], { perm: [0, 2, 1] });
    const all = g.node("Concat", [token(g), tokens], { axis: 1 });
    features(g, g.node("ReduceMean", [all], { axes: [1], keepdims: 0 }));
  };
const ownToken = (g: GraphBuilder) => constant(g, float32([1, 1, CHANNELS], randoms(CHANNELS, 6)));

/** The same for any batch: pool, times the share of the picture's tokens, and the rest. */
const tokenFeatures = network((g, map) => {
  const count = SIDE * SIDE;
  const share = constant(g, float32([], [count / (count + 1)]));
  const rest = constant(
    g,
    float32(
      [CHANNELS],
      randoms(CHANNELS, 6).map((each) => each / (count + 1)),
    ),
  );
  g.output("y", g.node("Add", [g.node("Mul", [pooled(g, map), share]), rest]), "float32", ["N", CHANNELS]);
});

const FREED: Record<string, Tail> = {
  "Reshape to `[1, C]`": (g, map) => scores(g, gemm(g, reshape(g, pool(g, map), [1, CHANNELS])), [1, CLASSES]),
  "Reshape to `[1, -1]`": (g, map) => scores(g, gemm(g, reshape(g, pool(g, map), [1, -1])), [1, CLASSES]),
  "Reshape with allowzero": (g, map) =>
    scores(g, gemm(g, flatten(g, pool(g, keepingZeros(g, map, [1, CHANNELS, SIDE, -1])))), [1, CLASSES]),
  "Reshape to windows and back (Swin)": (g, map) => {
    const padded = g.node("Pad", [map, ints(g, [0, 0, 0, 0, 0, 0, 1, 1])]);
    const last = g.node("Transpose", [padded], { perm: [0, 2, 3, 1] });
    const split = g.node("Transpose", [reshape(g, last, [1, 2, 4, 2, 4, CHANNELS])], { perm: [0, 1, 3, 2, 4, 5] });
    const windows = g.node("Relu", [reshape(g, split, [4, 16, CHANNELS])]);
    const back = g.node("Transpose", [reshape(g, windows, [1, 2, 2, 4, 4, CHANNELS])], { perm: [0, 1, 3, 2, 4, 5] });
    const sum = g.node("ReduceSum", [reshape(g, back, [1, 64, CHANNELS]), ints(g, [1])], { keepdims: 0 });
    features(g, g.node("Mul", [sum, constant(g, float32([], [1 / SIDE ** 2]))]));
  },
  "Slice of the first tile": (g, map) => {
    const all = [ints(g, [0]), ints(g, [1]), ints(g, [0])];
    features(g, pooled(g, g.node("Slice", [map, ...all])));
  },
};

const ONE_BY_ONE: Record<string, Tail> = {
  "the batch on the second axis": (g, map) => {
    const rows = g.node("Transpose", [reshape(g, map, [1, CHANNELS, SIDE * SIDE])], { perm: [2, 0, 1] });
    const heads = reshape(g, rows, [SIDE * SIDE, 2, CHANNELS / 2]);
    const mean = g.node("ReduceMean", [heads], { axes: [0], keepdims: 0 });
    features(g, reshape(g, mean, [1, CHANNELS]));
  },
  "the tile taken out of its batch (Squeeze)": (g, map) => {
    const tile = g.node("Squeeze", [pool(g, map), ints(g, [0])]);
    features(g, reshape(g, tile, [1, CHANNELS]));
  },
};

const shape = [1, 3, SIZE, SIZE];

/** Batch and rows are one axis for a while; values meet that no mean over the area brings together. */
const folded: Tail = (g, map) => {
  const rows = reshape(g, map, [SIDE, CHANNELS, SIDE]);
  features(g, g.node("ReduceMean", [reshape(g, rows, [1, SIDE, CHANNELS, SIDE])], { axes: [1, 3], keepdims: 0 }));
};

export const BATCHES: Kind[] = [
  ...Object.entries(FREED).map(
    ([name, tail]): Kind => ({ name: `${name}, batch fixed at 1`, model: network(tail, shape), gives: "pooled" }),
  ),
  {
    name: "batch and rows folded into one axis, batch fixed at 1",
    model: network(folded, shape),
    gives: { features: network(folded, shape) },
  },
  {
    name: "a token as a constant, batch fixed at 1",
    model: network(withToken(ownToken), shape),
    gives: { features: tokenFeatures },
  },
  {
    name: "a token expanded to a batch of 1",
    model: network(
      withToken((g) => g.node("Expand", [ownToken(g), ints(g, [1, 1, CHANNELS])])),
      shape,
    ),
    gives: { features: tokenFeatures },
  },
  ...Object.entries(ONE_BY_ONE).map(
    ([name, tail]): Kind => ({
      name: `${name}, batch fixed at 1`,
      model: network(tail, shape),
      gives: { features: network(tail, shape) },
      oneByOne: true,
    }),
  ),
  {
    name: "Reshape with allowzero, batch fixed at 1, sizes free",
    model: network(
      (g, map) => {
        const mean = g.node("ReduceMean", [keepingZeros(g, map, [1, CHANNELS, -1])], { axes: [2], keepdims: 0 });
        scores(g, gemm(g, mean), [1, CLASSES]);
      },
      [1, 3, "H", "W"],
    ),
    gives: "pooled",
  },
  {
    name: "a batch that is free by its input and fixed inside",
    model: network((g, map) => scores(g, gemm(g, reshape(g, pool(g, map), [1, CHANNELS])))),
    gives: "pooled",
    oneByOne: true,
  },
  {
    name: "a batch fixed at 4",
    model: network((g, map) => features(g, pooled(g, map)), [4, 3, SIZE, SIZE]),
    gives: { refusal: /takes batches of 4 only; export it with a free batch dimension/ },
  },
];
