import assert from "node:assert/strict";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { type BackboneDescription, prepareBackbone } from "../../src/onnx/prepare.js";
import { findLevels } from "../../src/onnx/pyramid.js";
import { float32, int64 } from "../../src/onnx/tensor.js";
import { maxDifference, randoms, runModel } from "./run.js";

const SIZE = 32;
const TILES = new ort.Tensor(
  "uint8",
  Uint8Array.from(randoms(2 * SIZE * SIZE * 3, 5), (value) => Math.floor((value + 1) * 128)),
  [2, SIZE, SIZE, 3],
);

/** Four halvings: a residual one (two readers of different width at stride 2), a padded one, a pool; and a mean of each map in `means`. */
function halvings(means: readonly [string, number][] = []): Uint8Array {
  const graph = new GraphBuilder("halvings");
  const conv = (input: string, name: string, from: number, to: number, stride: number, pads = 1) => {
    const weight = graph.initializer(`${name}_w`, float32([to, from, 3, 3], randoms(to * from * 9, to)));
    const attributes = { strides: [stride, stride], pads: [pads, pads, pads, pads] };
    return graph.node("Relu", [graph.node("Conv", [input, weight], attributes)], {}, name);
  };
  const first = conv(graph.input("x", "float32", ["N", 3, "H", "W"]), "stem", 3, 4, 2);
  const wide = conv(first, "wide", 4, 6, 1);
  const summed = graph.node("Add", [
    conv(wide, "left", 6, 5, 2),
    conv(conv(wide, "narrow", 6, 2, 1), "right", 2, 5, 2),
  ]);
  const around = graph.initializer("around", int64([8], [0, 0, 1, 1, 0, 0, 1, 1]));
  const padded = graph.node("Pad", [graph.node("Relu", [summed], {}, "middle"), around]);
  const coarse = conv(conv(padded, "coarse", 5, 7, 2, 0), "deep", 7, 7, 1);
  const last = conv(graph.node("MaxPool", [coarse], { kernel_shape: [2, 2], strides: [2, 2] }), "last", 7, 8, 1);
  for (const [name, channels] of means) {
    graph.output(`${name}_mean`, graph.node("GlobalAveragePool", [name]), "float32", ["N", channels, 1, 1]);
  }
  const flat = graph.node("Flatten", [graph.node("GlobalAveragePool", [last])]);
  graph.output("features", flat, "float32", ["N", 8]);
  return graph.build();
}

const CARD: BackboneDescription = {
  name: "halvings",
  input: { name: "x", layout: "NCHW", channels: "RGB", scale: 1, mean: [0, 0, 0], std: [1, 1, 1], fixedSize: null },
  features: { output: "features", count: 8 },
};

test("the levels are the widest maps that halvings read, one for each resolution, before any padding", () => {
  assert.deepEqual(findLevels(halvings(), "halvings", "features"), [
    { name: "wide", count: 6 },
    { name: "middle", count: 5 },
    { name: "deep", count: 7 },
  ]);
});

test("a network that halves nothing has no levels", () => {
  const graph = new GraphBuilder("flat");
  const weight = graph.initializer("w", float32([4, 3, 1, 1], randoms(12)));
  const map = graph.node("Conv", [graph.input("x", "float32", ["N", 3, "H", "W"]), weight]);
  graph.output("features", graph.node("Flatten", [graph.node("GlobalAveragePool", [map])]), "float32", ["N", 4]);
  assert.deepEqual(findLevels(graph.build(), "flat", null), []);
});

test("a prepared backbone gives the features and behind them each level's mean", async () => {
  const levels = findLevels(halvings(), "halvings", "features");
  const card = { ...CARD, features: { output: "features", count: 8 + 6 + 5 + 7, levels } };
  const { features } = await runModel(prepareBackbone(halvings(), card, SIZE), { tiles: TILES });
  assert.deepEqual(features.dims, [2, 26]);

  const pixels = new Float32Array(TILES.data.length);
  (TILES.data as Uint8Array).forEach((value, i) => {
    const [tile, place, channel] = [Math.floor(i / (3 * SIZE ** 2)), Math.floor(i / 3) % SIZE ** 2, i % 3];
    pixels[(tile * 3 + channel) * SIZE ** 2 + place] = value;
  });
  const plain = await runModel(halvings(levels.map(({ name, count }) => [name, count])), {
    x: new ort.Tensor("float32", pixels, [2, 3, SIZE, SIZE]),
  });
  const expected = [0, 1].flatMap((tile) => [
    ...plain["features"].data.subarray(tile * 8, tile * 8 + 8),
    ...levels.flatMap(({ name, count }) => [...plain[`${name}_mean`].data.subarray(tile * count, (tile + 1) * count)]),
  ]);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assert.ok(maxDifference(features.data, Float32Array.from(expected)) < 1e-5 * largest);
});

test("a card that names a level the network does not have is refused", () => {
  const features = { output: "features", count: 9, levels: [{ name: "gone", count: 1 }] };
  assert.throws(() => prepareBackbone(halvings(), { ...CARD, features }, SIZE), /no feature map called "gone"/);
});
