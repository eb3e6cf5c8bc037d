/**
 * Child process of probe.ts: reads a prepared backbone from stdin, runs it on three tiles, and prints a verdict as
 * JSON. It is a process of its own because a network may hang, exhaust memory, or crash ONNX Runtime.
 */
import type { Tensor } from "onnxruntime-node";
import { endWithParent } from "../end-with-parent.js";
import { FEATURES, TILES } from "../onnx/prepare.js";
import { loadOnnxRuntime } from "../onnx-runtime.js";

/** What a network does with tiles. */
export type Verdict =
  | { outcome: "runs" }
  /** ONNX Runtime refuses the network, or fails on one tile. */
  | { outcome: "fails"; message: string }
  | { outcome: "fails in a batch"; message: string }
  /** The result is not `[tiles, count]`. */
  | { outcome: "other shape"; dims: readonly number[] }
  | { outcome: "not finite" }
  /** The same tile has other features each time, or beside other tiles. */
  | { outcome: "varies" }
  | { outcome: "depends on neighbours" };

const TILE_COUNT = 3;
/** Differences above this share of the largest feature are more than rounding. */
const TOLERANCE = 1e-3;

endWithParent();
const [size, count] = process.argv.slice(2).map(Number) as [number, number];
const verdict = await probe(await readStdin()).catch((error: Error): Verdict => {
  return { outcome: "fails", message: error.message };
});
process.stdout.write(`${JSON.stringify(verdict)}\n`);

async function probe(model: Uint8Array): Promise<Verdict> {
  const ort = loadOnnxRuntime();
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4 });
  const run = async (pixels: Uint8Array) => {
    const tiles = new ort.Tensor("uint8", pixels, [pixels.length / (size * size * 3), size, size, 3]);
    const features = (await session.run({ [TILES]: tiles }))[FEATURES] as Tensor;
    return { dims: features.dims, data: Float32Array.from(features.data as Float32Array) };
  };
  const pixels = makeTiles();
  const tileOf = (i: number) => pixels.subarray(i * size * size * 3, (i + 1) * size * size * 3);
  const alone: Float32Array[] = [];
  for (let i = 0; i < TILE_COUNT; i++) {
    const { dims, data } = await run(tileOf(i));
    if (dims.join() !== `1,${count}`) return { outcome: "other shape", dims };
    if (!data.every(Number.isFinite)) return { outcome: "not finite" };
    alone.push(data);
  }
  if (differs((await run(tileOf(0))).data, alone[0])) return { outcome: "varies" };
  let batch: Awaited<ReturnType<typeof run>>;
  try {
    batch = await run(pixels);
  } catch (error) {
    return { outcome: "fails in a batch", message: (error as Error).message };
  }
  if (batch.dims.join() !== `${TILE_COUNT},${count}`) return { outcome: "other shape", dims: batch.dims };
  const isSame = alone.every((row, i) => !differs(batch.data.subarray(i * count, (i + 1) * count), row));
  return isSame ? { outcome: "runs" } : { outcome: "depends on neighbours" };
}

/** Very different tiles: dark and flat, noise of all values, and a gradient of colours. */
function makeTiles(): Uint8Array {
  const values = size * size * 3;
  const noise = (i: number) => (i * 2654435761) >>> 24;
  const slope = (i: number) => {
    const [row, column] = [Math.floor(i / 3 / size), Math.floor(i / 3) % size];
    return Math.floor((255 * [row, column, size - 1 - row][i % 3]) / size);
  };
  return Uint8Array.from({ length: TILE_COUNT * values }, (_, i) => {
    if (i < values) return 20 + (noise(i) >> 4);
    return i < 2 * values ? noise(i) : slope(i - 2 * values);
  });
}

function differs(a: Float32Array, b: Float32Array): boolean {
  const largest = b.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  return a.some((each, i) => Math.abs(each - b[i]) > TOLERANCE * largest + 1e-6);
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
