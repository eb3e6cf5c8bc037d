import assert from "node:assert/strict";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { ModelError } from "../../src/errors.js";
import { GraphBuilder, valueInfo } from "../../src/onnx/graph.js";
import { type BackboneDescription, prepareBackbone } from "../../src/onnx/prepare.js";
import { decodeModel, encodeModel } from "../../src/onnx/proto.js";
import { cutAtFeatures } from "../../src/onnx/surgery.js";
import { int64 } from "../../src/onnx/tensor.js";
import {
  CHANNELS,
  conv1x1,
  flatten,
  flattenByShape,
  gemm,
  matMulAdd,
  network,
  pool,
  reshape,
  scores,
  type Tail,
} from "./networks.js";
import { maxDifference, randoms, runModel } from "./run.js";

const SIZE = 11;

const CARD: BackboneDescription = {
  name: "made-up",
  input: {
    name: "x",
    layout: "NCHW",
    channels: "RGB",
    scale: 255,
    mean: [0.4, 0.5, 0.6],
    std: [0.2, 0.3, 0.4],
    fixedSize: null,
  },
  features: { output: null, count: CHANNELS },
};

const TILES = new ort.Tensor(
  "uint8",
  Uint8Array.from(randoms(2 * SIZE * SIZE * 3, 9), (value) => Math.floor((value + 1) * 128)),
  [2, SIZE, SIZE, 3],
);

/** The body's pooled features, which every cut should give. */
async function expectedFeatures(): Promise<Float32Array> {
  const plain = network(
    (graph, map) => void graph.output("y", flatten(graph, pool(graph, map)), "float32", ["N", CHANNELS]),
  );
  const bytes = TILES.data as Uint8Array;
  const planes = new Float32Array(bytes.length);
  bytes.forEach((value, i) => {
    const [tile, place, channel] = [Math.floor(i / (3 * SIZE ** 2)), Math.floor(i / 3) % SIZE ** 2, i % 3];
    const { mean, std } = CARD.input;
    planes[(tile * 3 + channel) * SIZE ** 2 + place] = (value / 255 - mean[channel]) / std[channel];
  });
  return (await runModel(plain, { x: new ort.Tensor("float32", planes, [2, 3, SIZE, SIZE]) }))["y"].data;
}

const softmax: (...steps: Parameters<Tail>) => string = (graph, value) => graph.node("Softmax", [value], { axis: 1 });

const TAILS: Record<string, Tail> = {
  "pool, Flatten, Gemm (ResNet)": (g, map) => scores(g, gemm(g, flatten(g, pool(g, map)))),
  "pool, Flatten, MatMul, Add, Softmax": (g, map) => scores(g, softmax(g, matMulAdd(g, flatten(g, pool(g, map))))),
  "pool, 1x1 Conv, Flatten": (g, map) => scores(g, flatten(g, conv1x1(g, pool(g, map)))),
  "pool, 1x1 Conv, Reshape, Softmax": (g, map) => scores(g, softmax(g, reshape(g, conv1x1(g, pool(g, map)), [-1, 5]))),
  "1x1 Conv, Relu, pool, Flatten, Softmax (SqueezeNet)": (g, map) =>
    scores(g, softmax(g, flatten(g, pool(g, g.node("Relu", [conv1x1(g, map)]))))),
  "pool, Reshape to a shape read at run time, Gemm (MobileNetV2 of the Model Zoo)": (g, map) =>
    scores(g, gemm(g, flattenByShape(g, pool(g, map)))),
  "mean over the map, Dropout, Gemm (EfficientNet)": (g, map) => {
    const mean = g.node("ReduceMean", [map], { axes: [2, 3], keepdims: 0 });
    scores(g, gemm(g, g.node("Dropout", [mean])));
  },
  "mean over the map as last axis, MatMul with its Sigmoid": (g, map) => {
    const last = g.node("Transpose", [map], { perm: [0, 2, 3, 1] });
    const mean = g.node("ReduceMean", [last], { axes: [1, 2], keepdims: 0 });
    scores(g, g.node("Sigmoid", [matMulAdd(g, mean)]));
  },
  "tokens, one of them read by Gather, Gemm (ViT)": (g, map) => {
    const mean = reshape(g, pool(g, map), [0, CHANNELS, 1]);
    const patches = g.node("Concat", [mean, reshape(g, map, [0, CHANNELS, -1])], { axis: 2 });
    const tokens = g.node("Transpose", [patches], { perm: [0, 2, 1] });
    const first = g.node("Gather", [tokens, g.initializer("first", int64([], [0]))], { axis: 1 });
    scores(g, gemm(g, first));
  },
  "no classifier, a map [N, C, H, W]": (g, map) => void g.output("map", map, "float32", ["N", CHANNELS, "h", "w"]),
  "no classifier, pooled [N, C, 1, 1]": (g, map) =>
    void g.output("pooled", pool(g, map), "float32", ["N", CHANNELS, 1, 1]),
  "no classifier, features [N, C]": (g, map) =>
    void g.output("f", flatten(g, pool(g, map)), "float32", ["N", CHANNELS]),
  "features and scores as two outputs": (g, map) => {
    g.output("features", flatten(g, pool(g, map)), "float32", ["N", CHANNELS]);
    scores(g, gemm(g, "features"));
  },
  "inner values that have the names canopy gives": (g, map) => {
    const tiles = g.node("Identity", [map], {}, "tiles");
    const features = g.node("Identity", [tiles], {}, "features");
    scores(g, gemm(g, flatten(g, pool(g, features))));
  },
};

for (const [name, tail] of Object.entries(TAILS)) {
  test(`cut at its pooled features: ${name}`, async () => {
    const prepared = prepareBackbone(network(tail), CARD, SIZE);
    const { features } = await runModel(prepared, { tiles: TILES });
    assert.deepEqual(features?.dims, [2, CHANNELS]);
    assert.ok(maxDifference(features.data, await expectedFeatures()) < 1e-5);
    assert.ok(!decodeModel(prepared, name).graph.initializer.some((each) => each.name.startsWith("fc_")));
  });
}

const FIXED_TAILS: Record<string, Tail> = {
  "Reshape to [1, C]": (g, map) => scores(g, gemm(g, reshape(g, pool(g, map), [1, CHANNELS])), [1, 5]),
  "Reshape to [1, -1]": (g, map) => scores(g, gemm(g, reshape(g, pool(g, map), [1, -1])), [1, 5]),
  "Reshape in the middle, then Flatten": (g, map) =>
    scores(
      g,
      gemm(g, flatten(g, pool(g, reshape(g, reshape(g, map, [1, CHANNELS, -1]), [1, CHANNELS, 5, 5])))),
      [1, 5],
    ),
};

for (const [name, tail] of Object.entries(FIXED_TAILS)) {
  test(`a batch fixed at one becomes free: ${name}`, async () => {
    const prepared = prepareBackbone(network(tail, [1, 3, SIZE, SIZE]), CARD, SIZE);
    const { features } = await runModel(prepared, { tiles: TILES });
    assert.deepEqual(features?.dims, [2, CHANNELS]);
    assert.ok(maxDifference(features.data, await expectedFeatures()) < 1e-5);
  });
}

test("a network that wants pixels last, or blue first, gets them so", async () => {
  const tail = TAILS["pool, Flatten, Gemm (ResNet)"] as Tail;
  const last = { ...CARD, input: { ...CARD.input, layout: "NHWC" as const } };
  const { features } = await runModel(prepareBackbone(network(tail, ["N", "H", "W", 3]), last, SIZE), { tiles: TILES });
  assert.ok(maxDifference(features.data, await expectedFeatures()) < 1e-5);
  const flipped = new ort.Tensor("uint8", (TILES.data as Uint8Array).slice(), TILES.dims);
  for (let i = 0; i < flipped.data.length; i += 3) (flipped.data as Uint8Array).subarray(i, i + 3).reverse();
  for (const [layout, shape] of [
    ["NCHW", ["N", 3, "H", "W"]],
    ["NHWC", ["N", "H", "W", 3]],
  ] as const) {
    const blueFirst = { ...CARD, input: { ...CARD.input, layout, channels: "BGR" as const } };
    const result = await runModel(prepareBackbone(network(tail, shape), blueFirst, SIZE), { tiles: flipped });
    assert.ok(maxDifference(result["features"].data, await expectedFeatures()) < 1e-5);
  }
});

test("a named value is taken as the features", () => {
  const model = network((g, map) => {
    g.node("Identity", [flatten(g, pool(g, map))], {}, "embedding");
    scores(g, gemm(g, "embedding"));
  });
  const cut = (output: string) => {
    const { features } = cutAtFeatures(model, { output });
    return [features.output, features.place, features.count];
  };
  assert.deepEqual(cut("embedding"), ["embedding", "embedding", CHANNELS]);
  assert.deepEqual(cut("scores"), ["scores", "scores", 5]);
});

test("where no place is found, or the named one is none, the candidates are named", () => {
  const unknown = network((g, map) => scores(g, g.node("NoSuchClassifier", [flatten(g, pool(g, map))])));
  const message = (error: Error) =>
    error instanceof ModelError && /tiny.onnx has no place.* as `output` of an import: "Flatten_/.test(error.message);
  assert.throws(() => cutAtFeatures(unknown, { path: "tiny.onnx" }), message);
  assert.throws(() => cutAtFeatures(unknown, { output: "nope" }), /has no value called "nope"/);
  assert.throws(() => cutAtFeatures(unknown, { output: "body_w" }), /has no value called "body_w"/);
  const words = network((g, map) => {
    const split = g.node("Unsqueeze", [map, g.initializer("axes", int64([1], [4]))]);
    g.output("words", split, "float32", ["N", CHANNELS, "H", "W", 1]);
  });
  assert.throws(() => cutAtFeatures(words, { output: "words" }), /cannot be cut at "words" \[\?, 8, \?, \?, 1\]/);
});

test("cards and sizes that do not fit are refused", () => {
  const model = network(TAILS["pool, Flatten, Gemm (ResNet)"] as Tail);
  const input = (fields: object) => ({ ...CARD, input: { ...CARD.input, ...fields } });
  assert.throws(
    () => prepareBackbone(model, { ...CARD, features: { output: null, count: 9 } }, SIZE),
    /gives 8 features, its card says 9/,
  );
  assert.throws(() => prepareBackbone(model, input({ name: "image" }), SIZE), /one input, "image".*depend on "x"/);
  assert.throws(() => prepareBackbone(model, input({ fixedSize: 224 }), SIZE), /tiles of 224 pixels only, not 11/);
  assert.throws(
    () => prepareBackbone(network(TAILS["no classifier, features [N, C]"] as Tail, [4, 3, "H", "W"]), CARD, SIZE),
    /batches of 4/,
  );
  assert.throws(
    () =>
      prepareBackbone(network(TAILS["no classifier, features [N, C]"] as Tail, undefined, { opset: 6 }), CARD, SIZE),
    /operator set 6/,
  );
});

test("initializers that old exporters also list as inputs become constants", async () => {
  const model = decodeModel(network(TAILS["pool, Flatten, Gemm (ResNet)"] as Tail), "old");
  for (const { name, dims } of [...model.graph.initializer])
    model.graph.input.push(valueInfo(name, "float32", dims.map(Number)));
  model.irVersion = 3n;
  const prepared = prepareBackbone(encodeModel(model), CARD, SIZE);
  assert.deepEqual(
    decodeModel(prepared, "new").graph.input.map(({ name }) => name),
    ["tiles"],
  );
  const { features } = await runModel(prepared, { tiles: TILES });
  assert.ok(maxDifference(features.data, await expectedFeatures()) < 1e-5);
});

test("a float16 network takes and gives what others do", async () => {
  const graph = new GraphBuilder("half");
  const x = graph.input("x", "float16", ["N", 3, "H", "W"]);
  // 1.5, 0.5 and -2 as float16 bits
  const factors = graph.initializer("factors", {
    type: "float16",
    dims: [3],
    data: Uint16Array.of(0x3e00, 0x3800, 0xc000),
  });
  graph.output("y", graph.node("Mul", [flatten(graph, pool(graph, x)), factors]), "float16", ["N", 3]);
  const card = { ...CARD, features: { output: null, count: 3 } };
  const { features } = await runModel(prepareBackbone(graph.build(), card, SIZE), { tiles: TILES });
  const bytes = TILES.data as Uint8Array;
  const expected = Float32Array.from({ length: 6 }, (_, i) => {
    const [tile, channel] = [Math.floor(i / 3), i % 3];
    const own = bytes.subarray(tile * SIZE ** 2 * 3, (tile + 1) * SIZE ** 2 * 3).filter((_, at) => at % 3 === channel);
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
    return ((mean / 255 - CARD.input.mean[channel]) / CARD.input.std[channel]) * [1.5, 0.5, -2][channel];
  });
  assert.ok(maxDifference(features.data, expected) < 5e-3);
});
