/** Compares an exported model with canopy's own stages, on made-up tiles. */
import type { Tensor } from "onnxruntime-node";
import { resizeRgb } from "../decode/resize.js";
import { ALL_VARIANTS, applyDihedral } from "../features/dihedral.js";
import { precisionOn } from "../features/kernels.js";
import { sessionOptions } from "../features/session-options.js";
import type { Checkpoint } from "../head/checkpoint.js";
import { usableCores } from "../machine.js";
import { PROBABILITIES } from "../onnx/fuse.js";
import { FEATURES, TILES } from "../onnx/prepare.js";
import { loadOnnxRuntime } from "../onnx-runtime.js";
import type { IntegerForm } from "../quantise/precision.js";
import { prepareWith } from "../quantise/prepare.js";
import { scoreFeatures } from "../tags/prediction.js";

/** `[height, width, 3]` uint8 RGB. */
interface Picture {
  pixels: Uint8Array;
  width: number;
  height: number;
}

/**
 * Largest difference of probabilities between `exported` (what buildExport makes) and the stages of `predict`, on a tile of the model's
 * own size and one that has to be resized.
 */
export async function findDifference(
  exported: Uint8Array,
  backbone: Uint8Array,
  checkpoint: Checkpoint,
  form: IntegerForm,
): Promise<number> {
  const { size } = checkpoint.preprocessing;
  const pictures = [makePicture(size, size), makePicture(2 * size + 5, size + 3)];
  const own = await run(exported, PROBABILITIES, pictures);
  const expected = await score(backbone, checkpoint, form, pictures);
  return own.flat().reduce((most, each, i) => Math.max(most, Math.abs(each - (expected[i] as number))), 0);
}

function makePicture(width: number, height: number): Picture {
  const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 2654435761) >>> 24);
  return { pixels, width, height };
}

/** `[pictures, tags]`: resized, turned, through the backbone alone, then the head. */
async function score(
  backbone: Uint8Array,
  checkpoint: Checkpoint,
  form: IntegerForm,
  pictures: readonly Picture[],
): Promise<Float32Array> {
  const { card, head, preprocessing, precision = "fp32" } = checkpoint;
  const { size } = preprocessing;
  const variants = preprocessing.tta === "d4" ? ALL_VARIANTS : [0];
  const views = pictures.flatMap(({ pixels, width, height }) => {
    const resized = new Uint8Array(size * size * 3);
    resizeRgb(pixels, width, height, resized, size, preprocessing.antialias);
    return variants.map((variant) => {
      const turned = new Uint8Array(resized.length);
      applyDihedral(resized, turned, 1, size, variant);
      return { pixels: turned, width: size, height: size };
    });
  });
  const features = await run(
    prepareWith(precisionOn("cpu", precision), backbone, card, size, { form }),
    FEATURES,
    views,
  );
  const data = pictures.flatMap((_, i) => meanOf(features.slice(i * variants.length, (i + 1) * variants.length)));
  const matrix = { data: Float32Array.from(data), rows: pictures.length, numFeatures: head.numFeatures };
  return scoreFeatures(checkpoint, matrix);
}

/** One output for each picture. */
async function run(model: Uint8Array, output: string, pictures: readonly Picture[]): Promise<number[][]> {
  const ort = loadOnnxRuntime();
  const session = await ort.InferenceSession.create(model, sessionOptions("cpu", usableCores()));
  try {
    const outputs: number[][] = [];
    for (const { pixels, width, height } of pictures) {
      const tiles = new ort.Tensor("uint8", pixels, [1, height, width, 3]);
      const results = await session.run({ [TILES]: tiles }, [output]);
      outputs.push(Array.from((results[output] as Tensor).data as Float32Array));
    }
    return outputs;
  } finally {
    await session.release();
  }
}

function meanOf(vectors: readonly number[][]): number[] {
  const [first = []] = vectors;
  return first.map((_, i) => vectors.reduce((sum, each) => sum + (each[i] as number), 0) / vectors.length);
}
