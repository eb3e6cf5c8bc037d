/** A backbone of two small convolutions that sees red alone, and tiles that differ in green and blue. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { float32 } from "../../src/onnx/tensor.js";
import { createRandom } from "../../src/random.js";
import { encode } from "../images.js";

export const SIDE = 16;

/** Writes `tiny.onnx`: input float32 `[N, 3, H, W]`, output `features` `[N, 8]`. Below set 11 with a Clip whose bounds are attributes. */
export function writeTinyBackbone(folder: string, opset = 17): string {
  const graph = new GraphBuilder("tiny", { opset });
  const random = createRandom(9);
  const conv = (input: string, name: string, dims: number[], stride: number, isSeen: (i: number) => boolean) => {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const values = Float32Array.from({ length: count }, (_, i) => (isSeen(i) ? random.uniform() - 0.4 : 0));
    const weight = graph.initializer(`${name}.weight`, float32(dims, values));
    const bias = graph.initializer(`${name}.bias`, float32([dims[0]], new Float32Array(dims[0]).fill(0.1)));
    const window = { kernel_shape: [3, 3], strides: [stride, stride], pads: [1, 1, 1, 1] };
    return graph.node("Relu", [graph.node("Conv", [input, weight, bias], window)]);
  };
  const pixels = graph.input("pixels", "float32", ["N", 3, "H", "W"]);
  const first = conv(pixels, "first", [12, 3, 3, 3], 2, (i) => Math.floor(i / 9) % 3 === 0);
  const maps = conv(first, "second", [8, 12, 3, 3], 1, () => true);
  const bounds = opset < 11 ? { min: { float: 0 }, max: { float: 6 } } : {};
  const pooled = graph.node("GlobalAveragePool", [opset < 11 ? graph.node("Clip", [maps], bounds) : maps]);
  graph.output("features", graph.node("Flatten", [pooled]), "float32", ["N", 8]);
  const path = join(folder, "tiny.onnx");
  writeFileSync(path, graph.build());
  return path;
}

/** Writes `count` tiles with labels: forest (green) or water (blue), in sun or shade (bright or dark). */
export async function writeColours(folder: string, count: number): Promise<{ tiles: string; labels: string }> {
  const rows = ["image_name,tags"];
  for (let i = 0; i < count; i++) {
    const random = createRandom(4, i);
    const [isForest, isSunny] = [i % 2 === 0, random.uniform() < 0.5];
    const light = isSunny ? 1 : 0.6;
    const colour = [100, isForest ? 170 : 100, isForest ? 100 : 170].map((each) => each * light);
    const pixels = Buffer.from(
      Array.from({ length: SIDE * SIDE * 3 }, (_, at) => (colour[at % 3] as number) + random.below(40)),
    );
    writeFileSync(join(folder, `tile${i}.png`), await encode(pixels, SIDE, 3, "png"));
    rows.push(`tile${i},${isForest ? "forest" : "water"} ${isSunny ? "sun" : "shade"}`);
  }
  const labels = join(folder, "labels.csv");
  writeFileSync(labels, `${rows.join("\n")}\n`);
  return { tiles: folder, labels };
}

/** Writes both into `folder`: `count` tiles in its folder `tiles`. Returns the options to train the backbone on them. */
export async function writeTinyTraining(folder: string, count: number, opset?: number) {
  mkdirSync(join(folder, "tiles"));
  const { tiles, labels } = await writeColours(join(folder, "tiles"), count);
  const backbone = writeTinyBackbone(folder, opset);
  const common = { normalisation: "unit", size: SIDE, device: "cpu", exclusive: [] } as const;
  return { tiles: [tiles], labels, backbone, ...common };
}

/** Files of a fine-tuned model that are the same if it learns the same. */
export const LEARNT_FILES = ["model.json", "head.safetensors", "history.csv", "backbone.onnx"];

export function learntBytes(model: string): Buffer[] {
  return LEARNT_FILES.map((name) => readFileSync(join(model, name)));
}
