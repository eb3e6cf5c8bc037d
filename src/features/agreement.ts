/**
 * Whether a GPU computes what the CPU does. ONNX Runtime's providers are wrong about some operators without a word (1.30:
 * WebGPU about convolutions with five outputs in each group), so a network is run on both once, before its results count.
 */
import type * as Ort from "onnxruntime-node";
import { ModelError } from "../errors.js";
import { loadOnnxRuntime } from "../onnx-runtime.js";
import type { Device } from "./device.js";
import { sessionOptions } from "./session-options.js";

/** Float outputs of a session by name. */
export type Outputs = Readonly<Record<string, Pick<Ort.Tensor, "data">>>;

/** Distance of an output from the CPU's, of its norm. Deep networks of 8-bit integers that round otherwise are 0.06 apart on noise. */
const OF_ITSELF = 0.15;
/** The same, of the norm of all outputs: of gradients that are nearly 0, rounding is most. */
const OF_ALL = 1e-3;

/** @throws ModelError if the session of `model` on `device` gives other floats for `feeds` than one on the CPU */
export async function checkDevice(
  device: Device,
  session: Ort.InferenceSession,
  model: Uint8Array,
  feeds: Readonly<Record<string, Ort.Tensor>>,
): Promise<void> {
  if (device === "cpu") return;
  const cpu = await loadOnnxRuntime().InferenceSession.create(model, sessionOptions("cpu", 1));
  try {
    const wrong = disagreement(await session.run(feeds), await cpu.run(feeds));
    if (wrong !== undefined) throw new ModelError(explain(device, wrong));
  } finally {
    await cpu.release();
  }
}

/** The first output that is far from what is expected, and how far, of its norm. */
export function disagreement(found: Outputs, expected: Outputs): { output: string; off: number } | undefined {
  const norms = Object.values(expected).map(({ data }) => norm(data as Float32Array));
  const limit = OF_ALL * Math.hypot(...norms.filter(Number.isFinite));
  for (const [i, [output, { data }]] of Object.entries(expected).entries()) {
    const values = data as Float32Array;
    const off = norm((found[output].data as Float32Array).map((value, at) => value - values[at]));
    if (Number.isFinite(norms[i]) && !(off <= OF_ITSELF * norms[i] + limit)) return { output, off: off / norms[i] };
  }
  return undefined;
}

/** The same noise each time, for networks that are tried out. */
export function fillWithNoise(pixels: Uint8Array): Uint8Array {
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 2654435761) >>> 24;
  return pixels;
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
}

function explain(device: Device, { output, off }: { output: string; off: number }): string {
  const far = Number.isFinite(off) ? `off by ${Math.round(off * 100)} %` : "far off";
  return `${device} computes this network wrongly: its ${output} are ${far} there, by the CPU's results. Run it on the CPU.`;
}
