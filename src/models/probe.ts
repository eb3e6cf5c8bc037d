/** Trying a backbone out: two tiles through ONNX Runtime, before anybody relies on it. */
import ort from "onnxruntime-node";
import { ModelError } from "../errors.js";
import { FEATURES, prepareBackbone, TILES } from "../onnx/prepare.js";
import type { ModelCard } from "./card.js";

/**
 * Runs `model` on two tiles of `size` pixels, as a batch and one by one. Throws a ModelError where it does not run, gives other than
 * `[2, count]` finite features, or where a tile's features depend on its neighbour in the batch.
 */
export async function probeBackbone(model: Uint8Array, card: ModelCard, size: number): Promise<void> {
  const session = await createSession(prepareBackbone(model, card, size), card);
  const run = async (pixels: Uint8Array) => {
    const tiles = new ort.Tensor("uint8", pixels, [pixels.length / (size * size * 3), size, size, 3]);
    const features = (await session.run({ [TILES]: tiles }))[FEATURES] as ort.Tensor;
    return { dims: features.dims, data: Float32Array.from(features.data as Float32Array) };
  };
  try {
    const pixels = Uint8Array.from({ length: 2 * size * size * 3 }, (_, i) => (i * 2654435761) >>> 24);
    const second = await run(pixels.subarray(pixels.length / 2));
    const both = await run(pixels).catch((cause: Error) => {
      const message = `${card.name} runs on one tile but not on two: its graph fixes the batch; export it with a free batch dimension.`;
      throw new ModelError(message, { cause });
    });
    const { count } = card.features;
    if (both.dims.join() !== `2,${count}` || !both.data.every(Number.isFinite)) {
      throw new ModelError(
        `${card.name} gives [${both.dims.join(", ")}] for 2 tiles, not [2, ${count}] finite features.`,
      );
    }
    const scale = both.data.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
    if (second.data.some((each, i) => Math.abs(each - (both.data[count + i] as number)) > 1e-3 * scale + 1e-6)) {
      throw new ModelError(`${card.name} gives a tile other features in a batch than alone; canopy needs batches.`);
    }
  } catch (cause) {
    throw cause instanceof ModelError ? cause : failed(card, size, cause);
  } finally {
    await session.release();
  }
}

async function createSession(prepared: Uint8Array, card: ModelCard): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(prepared, { logSeverityLevel: 4 });
  } catch (cause) {
    throw failed(card, undefined, cause);
  }
}

function failed(card: ModelCard, size: number | undefined, cause: unknown): ModelError {
  const at = size === undefined ? "" : ` on tiles of ${size} pixels`;
  return new ModelError(`${card.name} does not run${at} in ONNX Runtime: ${(cause as Error).message.split("\n")[0]}`, {
    cause,
  });
}
