/** The gradient of Resize, which is linear: ONNX Runtime's own results for unit vectors are its matrix. */
import assert from "node:assert/strict";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { appendGradients } from "../../src/autodiff/gradients.js";
import { type Attributes, GraphBuilder, valueInfo } from "../../src/onnx/graph.js";
import { decodeModel, encodeModel } from "../../src/onnx/proto.js";
import { float32, int64 } from "../../src/onnx/tensor.js";
import { maxDifference, randoms, runModel } from "../onnx/run.js";

const [HEIGHT, WIDTH] = [4, 3];

type Target = { sizes: number[] } | { scales: number[] };

const TARGETS: Record<string, Target> = {
  "larger by sizes": { sizes: [7, 6] },
  "smaller by sizes": { sizes: [2, 2] },
  "by factors": { scales: [1, 1, 2.3, 1.5] },
};

const MODES: Attributes[] = ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"].flatMap(
  (coordinates) => [
    { mode: "linear", coordinate_transformation_mode: coordinates },
    ...["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].map((nearest_mode) => ({
      mode: "nearest",
      coordinate_transformation_mode: coordinates,
      nearest_mode,
    })),
  ],
);

/** Maps `[N, 1, HEIGHT, WIDTH]`, resized; `sizes` are of height and width only. */
function network(target: Target, attributes: Attributes): Uint8Array {
  const graph = new GraphBuilder("resize", { opset: 19 });
  const x = graph.input("x", "float32", ["N", 1, HEIGHT, WIDTH]);
  const inputs =
    "sizes" in target
      ? [x, "", "", graph.initializer("sizes", int64([2], target.sizes))]
      : [x, "", graph.initializer("scales", float32([4], target.scales))];
  graph.node("Resize", inputs, "sizes" in target ? { ...attributes, axes: [2, 3] } : attributes, "y");
  return graph.build();
}

async function gradientOf(bytes: Uint8Array, seed: Float32Array, dims: readonly number[]): Promise<Float32Array> {
  const model = decodeModel(bytes, "The case");
  model.graph.input.push(valueInfo("seed", "float32", dims));
  const gradient = appendGradients(model.graph, { output: "y", gradient: "seed", of: ["x"] }).get("x") ?? "";
  model.graph.output = [valueInfo(gradient, "float32", ["N", 1, HEIGHT, WIDTH])];
  const x = new ort.Tensor("float32", new Float32Array(HEIGHT * WIDTH), [1, 1, HEIGHT, WIDTH]);
  return (await runModel(encodeModel(model), { x, seed: new ort.Tensor("float32", seed, dims) }))[gradient].data;
}

for (const [what, target] of Object.entries(TARGETS)) {
  test(`gradient of Resize, ${what}`, async () => {
    for (const attributes of MODES) {
      const bytes = network(target, attributes);
      const model = decodeModel(bytes, "The case");
      model.graph.output = [valueInfo("y", "float32", ["N", 1, "H", "W"])];
      const units = Float32Array.from({ length: (HEIGHT * WIDTH) ** 2 }, (_, i) =>
        Number(i % (HEIGHT * WIDTH + 1) === 0),
      );
      const x = new ort.Tensor("float32", units, [HEIGHT * WIDTH, 1, HEIGHT, WIDTH]);
      const { y } = await runModel(encodeModel(model), { x });
      const results = y.data.length / (HEIGHT * WIDTH);
      const seed = randoms(results);
      const expected = Float32Array.from({ length: HEIGHT * WIDTH }, (_, pixel) =>
        seed.reduce((sum, value, i) => sum + value * y.data[pixel * results + i], 0),
      );
      const found = await gradientOf(bytes, seed, [1, ...y.dims.slice(1)]);
      assert.ok(maxDifference(found, expected) < 1e-5, `${JSON.stringify(attributes)}: ${found}, not ${expected}`);
    }
  });
}
