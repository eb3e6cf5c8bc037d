/** Networks without a classifier: vectors, maps and tokens, one or several. */
import type { GraphBuilder } from "../../src/onnx/graph.js";
import { float32, int64 } from "../../src/onnx/tensor.js";
import { type Kind, SIDE } from "./kind.js";
import { CHANNELS, constant, flatten, network, pool, reshape, type Tail } from "./networks.js";
import { randoms } from "./run.js";

const TOKENS = SIDE * SIDE;
const ones = (g: GraphBuilder, count: number) => constant(g, float32([count], new Float32Array(count).fill(1)));
const pooled = (g: GraphBuilder, map: string) => flatten(g, pool(g, map));
const last = (g: GraphBuilder, map: string) => g.node("Transpose", [map], { perm: [0, 2, 3, 1] });
const tokens = (g: GraphBuilder, map: string) =>
  g.node("Transpose", [reshape(g, map, [0, CHANNELS, -1])], { perm: [0, 2, 1] });
const features = (g: GraphBuilder, value: string) => void g.output("y", value, "float32", ["N", CHANNELS]);
const model = (make: (g: GraphBuilder, map: string) => string): Uint8Array =>
  network((g, map) => features(g, make(g, map)));
const normalised = (g: GraphBuilder, value: string) =>
  g.node("LayerNormalization", [value, ones(g, CHANNELS)], { axis: -1 });
const meanOf = (g: GraphBuilder, value: string) => g.node("ReduceMean", [value], { axes: [1], keepdims: 0 });
const firstOf = (g: GraphBuilder, value: string) => g.node("Gather", [value, constant(g, int64([], [0]))], { axis: 1 });

/** A learnt token in front of those of the picture, repeated for each tile, and a layer in which they mix. */
function withClassToken(g: GraphBuilder, map: string): string {
  const patches = tokens(g, map);
  const batch = g.node("Gather", [g.node("Shape", [map]), constant(g, int64([1], [0]))]);
  const one = constant(g, int64([1], [1]));
  const own = constant(g, float32([1, 1, CHANNELS], randoms(CHANNELS, 6)));
  const repeated = g.node("Expand", [own, g.node("Concat", [batch, one, one], { axis: 0 })]);
  const all = g.node("Concat", [repeated, patches], { axis: 1 });
  const mean = g.node("ReduceMean", [all], { axes: [1], keepdims: 1 });
  return normalised(g, g.node("Add", [all, mean]));
}

/** Two linear layers, one on the other's result, and their sum: no heads. */
function addedUp(g: GraphBuilder, map: string): string {
  const square = (seed: number) => constant(g, float32([CHANNELS, CHANNELS], randoms(CHANNELS ** 2, seed)));
  const first = g.node("MatMul", [plainTokens(g, map), square(8)]);
  return g.node("Add", [first, g.node("MatMul", [g.node("Relu", [first]), square(9)])]);
}

/** A map half as fine as the body's, with 12 channels. */
function coarser(g: GraphBuilder, map: string): string {
  const kernel = constant(g, float32([12, CHANNELS, 3, 3], randoms(12 * CHANNELS * 9, 7)));
  return g.node("Conv", [map, kernel], { strides: [2, 2] });
}

const outputs =
  (coarseFirst: boolean): Tail =>
  (g, map) => {
    const coarse = coarser(g, map);
    const fine = () => g.output("fine", map, "float32", ["N", CHANNELS, "h", "w"]);
    if (!coarseFirst) fine();
    g.output("coarse", coarse, "float32", ["N", 12, "h2", "w2"]);
    if (coarseFirst) fine();
  };
const coarseFeatures = network(
  (g, map) => void g.output("y", flatten(g, pool(g, coarser(g, map))), "float32", ["N", 12]),
);
const tokenOutput =
  (make: (g: GraphBuilder, map: string) => string): Tail =>
  (g, map) =>
    void g.output("last_hidden_state", make(g, map), "float32", ["N", "T", CHANNELS]);
const plainTokens = (g: GraphBuilder, map: string) => normalised(g, tokens(g, map));

/** A linear layer, times its own sigmoid. */
function gated(g: GraphBuilder, value: string): string {
  const layer = g.node("MatMul", [value, constant(g, float32([CHANNELS, CHANNELS], randoms(CHANNELS ** 2, 8)))]);
  return g.node("Mul", [layer, g.node("Sigmoid", [layer])]);
}

export const ENDINGS: Kind[] = [
  { name: "pooled features `[N, C]`", model: model(pooled), gives: "pooled" },
  {
    name: "pooled features `[N, C, 1, 1]`",
    model: network((g, map) => void g.output("y", pool(g, map), "float32", ["N", CHANNELS, 1, 1])),
    gives: "pooled",
  },
  {
    name: "a map `[N, C, H, W]`",
    model: network((g, map) => void g.output("y", map, "float32", ["N", CHANNELS, "h", "w"])),
    gives: "pooled",
  },
  {
    name: "a map `[N, H, W, C]`",
    model: network((g, map) => void g.output("y", last(g, map), "float32", ["N", SIDE, SIDE, CHANNELS])),
    gives: "pooled",
  },
  {
    name: "a map whose area is one axis, `[N, C, H * W]`",
    model: network(
      (g, map) => void g.output("y", reshape(g, map, [0, CHANNELS, TOKENS]), "float32", ["N", CHANNELS, TOKENS]),
    ),
    gives: "pooled",
  },
  {
    name: "pooled features `[N, C, 1]`",
    model: network((g, map) => {
      g.output("y", g.node("Unsqueeze", [pooled(g, map), constant(g, int64([1], [2]))]), "float32", ["N", CHANNELS, 1]);
    }),
    gives: "pooled",
  },
  {
    name: "a last layer with SiLU written out",
    model: model((g, map) => gated(g, pooled(g, map))),
    gives: { features: model((g, map) => gated(g, pooled(g, map))) },
  },
  { name: "several maps, the coarsest last", model: network(outputs(false)), gives: { features: coarseFeatures } },
  { name: "several maps, the coarsest first", model: network(outputs(true)), gives: { features: coarseFeatures } },
  {
    name: "a map and pooled features",
    model: network((g, map) => {
      g.output("map", map, "float32", ["N", CHANNELS, "h", "w"]);
      g.output("pooler_output", pooled(g, map), "float32", ["N", CHANNELS]);
    }),
    gives: "pooled",
  },
  {
    name: "tokens `[N, T, C]`, none of them the network's own",
    model: network(tokenOutput(plainTokens)),
    gives: { features: model((g, map) => meanOf(g, plainTokens(g, map))) },
  },
  {
    name: "tokens whose last layers are added up",
    model: network(tokenOutput(addedUp)),
    gives: { features: model((g, map) => meanOf(g, addedUp(g, map))) },
  },
  {
    name: "tokens with a class token in front",
    model: network(tokenOutput(withClassToken)),
    gives: { features: model((g, map) => firstOf(g, withClassToken(g, map))) },
  },
  {
    name: "tokens with a class token, `tokens` mean",
    model: network(tokenOutput(withClassToken)),
    options: { normalisation: "unit", tokens: "mean" },
    gives: { features: model((g, map) => meanOf(g, withClassToken(g, map))) },
  },
  {
    name: "features, normalised (LayerNormalization)",
    model: model((g, map) => normalised(g, pooled(g, map))),
    gives: { features: model((g, map) => normalised(g, pooled(g, map))) },
  },
  {
    name: "features of length one (L2)",
    model: model((g, map) => {
      const value = pooled(g, map);
      return g.node("Div", [value, g.node("ReduceL2", [value], { axes: [1], keepdims: 1 })]);
    }),
    gives: {
      features: model((g, map) => g.node("LpNormalization", [pooled(g, map)], { axis: 1, p: 2 })),
    },
  },
  {
    name: "a last layer with Tanh (a pooler)",
    model: model((g, map) => {
      const square = constant(g, float32([CHANNELS, CHANNELS], randoms(CHANNELS ** 2, 8)));
      return g.node("Tanh", [g.node("MatMul", [pooled(g, map), square])]);
    }),
    gives: {
      features: model((g, map) => {
        const square = constant(g, float32([CHANNELS, CHANNELS], randoms(CHANNELS ** 2, 8)));
        return g.node("Tanh", [g.node("MatMul", [pooled(g, map), square])]);
      }),
    },
  },
  {
    name: "another value, named as `output`",
    model: network((g, map) => {
      g.node("Identity", [pooled(g, map)], {}, "embedding");
      features(g, g.node("Relu", ["embedding"]));
    }),
    options: { normalisation: "unit", output: "embedding" },
    gives: "pooled",
  },
];
