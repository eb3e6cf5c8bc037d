import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { turnTiles } from "../../src/decode/alter.js";
import { isFailure } from "../../src/decode/decoder.js";
import { resizeRgb } from "../../src/decode/resize.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { type BackboneDescription, type PrepareOptions, prepareBackbone } from "../../src/onnx/prepare.js";
import { GOLDENS, readFloats, readPng } from "../goldens.js";
import { needsShared, SHARED } from "../helpers.js";
import { maxDifference, randoms, runModel } from "./run.js";

/** A smooth picture with some noise, `[height, width, 3]` bytes. */
function picture(width: number, height: number): Uint8Array {
  return Uint8Array.from(randoms(width * height * 3), (noise, i) => {
    const [y, x] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width];
    return Math.max(0, Math.min(255, 128 + 90 * Math.sin(x / 5 + (i % 3)) * Math.cos(y / 7) + 40 * noise));
  });
}

/** The features of a network that has its pixels themselves as features: what `options` make of `pixels`, `[size, size, 3]`. */
async function pixelsThrough(
  pixels: Uint8Array,
  dims: number[],
  size: number,
  layout: "NCHW" | "NHWC",
  options: PrepareOptions,
  opset = 17,
) {
  const graph = new GraphBuilder("identity", { opset });
  const x = graph.input("x", "float32", layout === "NCHW" ? ["N", 3, size, size] : ["N", size, size, 3]);
  const last = layout === "NCHW" ? graph.node("Transpose", [x], { perm: [0, 2, 3, 1] }) : x;
  graph.output("y", graph.node("Flatten", [last]), "float32", ["N", size * size * 3]);
  const input = {
    name: "x",
    layout,
    channels: "RGB",
    scale: 1,
    mean: [0, 0, 0],
    std: [1, 1, 1],
    fixedSize: null,
  } as const;
  const card: BackboneDescription = { name: "identity", input, features: { output: "y", count: size * size * 3 } };
  const tiles = new ort.Tensor("uint8", pixels, dims);
  return (await runModel(prepareBackbone(graph.build(), card, size, options), { tiles }))["features"].data;
}

/** Widths, heights and results: shrinking by few and by many taps, growing, both at once, single rows and pixels, the size itself. */
const SHAPES = [
  [61, 83, 32],
  [40, 30, 32],
  [20, 9, 32],
  [256, 256, 224],
  [255, 64, 128],
  [300, 200, 30],
  [500, 20, 30],
  [20, 500, 30],
  [700, 600, 17],
  [1, 1, 9],
  [1, 90, 8],
  [90, 1, 8],
  [50, 40, 1],
  [33, 33, 33],
  // Halves of a weight's unit, where the order of operations decides.
  [6, 7, 18],
  [14, 22, 44],
] as const;

for (const mode of ["antialias", "plain"] as const) {
  test(`the graph resizes to the same bits as canopy (${mode})`, async () => {
    for (const [width, height, size] of SHAPES) {
      const pixels = picture(width, height);
      const expected = new Uint8Array(size * size * 3);
      resizeRgb(pixels, width, height, expected, size, mode === "antialias");
      const actual = await pixelsThrough(pixels, [1, height, width, 3], size, "NHWC", { resize: mode });
      assert.deepEqual(actual, Float32Array.from(expected), `${width}x${height} to ${size}`);
    }
  });
}

test("the graph resizes to the same bits in every operator set it may be asked for", async () => {
  const pixels = picture(90, 70);
  const expected = new Uint8Array(24 * 24 * 3);
  resizeRgb(pixels, 90, 70, expected, 24, true);
  for (const opset of [11, 12, 13, 14, 16, 18, 21, 22]) {
    const actual = await pixelsThrough(pixels, [1, 70, 90, 3], 24, "NCHW", { resize: "antialias" }, opset);
    assert.deepEqual(actual, Float32Array.from(expected), `operator set ${opset}`);
  }
});

test("all tiles of a batch are resized, each by itself", async () => {
  const pixels = picture(50, 120);
  const whole = await pixelsThrough(pixels, [3, 40, 50, 3], 24, "NCHW", { resize: "antialias" });
  const parts = await Promise.all(
    [0, 1, 2].map((i) => {
      const tile = pixels.slice(i * 40 * 50 * 3, (i + 1) * 40 * 50 * 3);
      return pixelsThrough(tile, [1, 40, 50, 3], 24, "NCHW", { resize: "antialias" });
    }),
  );
  assert.deepEqual(
    Array.from(whole),
    parts.flatMap((part) => Array.from(part)),
  );
});

test("the graph resizes within a level of Pillow, and to TensorFlow's numbers", async () => {
  const { pixels, width, height } = await readPng("resizing/source");
  for (const size of [24, 75]) {
    const dims = [1, height, width, 3];
    const smooth = await pixelsThrough(pixels, dims, size, "NHWC", { resize: "antialias" });
    const pillow = (await readPng(`resizing/pillow-${size}`)).pixels;
    assert.ok(maxDifference(smooth, Float32Array.from(pillow)) <= 1);
    const plain = await pixelsThrough(pixels, dims, size, "NHWC", { resize: "plain" });
    assert.ok(maxDifference(plain, readFloats(join(GOLDENS, `resizing/tensorflow-${size}.f32`))) <= 0.51);
  }
});

test("the graph resizes real tiles within a level of Pillow", needsShared("golden"), async () => {
  const golden = readFileSync(join(SHARED, "golden/pil_resize_bilinear_128.u8"));
  const rows = readFileSync(join(SHARED, "planet-sample/labels.csv"), "utf8").split("\n").slice(1, 7);
  for (const [i, row] of rows.entries()) {
    const bytes = readFileSync(join(SHARED, `planet-sample/tiles/${row.split(",")[0]}.jpg`));
    const image = await readBytesWithSharp(bytes, { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject" });
    assert.ok(!isFailure(image));
    const dims = [1, image.height, image.width, 3];
    const actual = await pixelsThrough(image.pixels, dims, 128, "NHWC", { resize: "antialias" });
    const tile = golden.subarray(i * actual.length, (i + 1) * actual.length);
    assert.ok(maxDifference(actual, Float32Array.from(tile)) <= 1);
  }
});

test("pixels of the model's size pass a resizing graph unchanged, in both layouts", async () => {
  const pixels = picture(24, 24);
  for (const layout of ["NCHW", "NHWC"] as const) {
    for (const mode of ["antialias", "plain"] as const) {
      assert.deepEqual(
        await pixelsThrough(pixels, [1, 24, 24, 3], 24, layout, { resize: mode }),
        Float32Array.from(pixels),
      );
    }
  }
});

test("all views average the eight flips and turns of each tile", async () => {
  const size = 6;
  const pixels = picture(size, 2 * size);
  const mean = new Float32Array(pixels.length);
  const turned = new Uint8Array(pixels.length);
  for (let k = 0; k < 8; k++) {
    turnTiles(pixels, turned, 2, size, k);
    for (const [i, value] of turned.entries()) mean[i] = mean[i] + value / 8;
  }
  for (const layout of ["NCHW", "NHWC"] as const) {
    const actual = await pixelsThrough(pixels, [2, size, size, 3], size, layout, { allViews: true });
    assert.ok(maxDifference(actual, mean) < 1e-4);
  }
});
