/**
 * A session worker: one ONNX Runtime session for the life of the thread. In: batches of pixels in shared memory. Out:
 * features.
 */
import { parentPort, workerData } from "node:worker_threads";
import type * as Ort from "onnxruntime-node";
import { loadAddon } from "../addon.js";
import { loadOnnxRuntime } from "../onnx-runtime.js";
import { checkDevice, fillWithNoise } from "./agreement.js";
import type { Device } from "./device.js";
import { applyDihedral } from "./dihedral.js";
import type { Kernels } from "./kernels.js";
import { sessionOptions } from "./session-options.js";

export interface SessionSetup {
  /** ONNX file: `tiles` uint8 [N, size, size, 3] in, `features` float32 [N, numFeatures] out. */
  model: Uint8Array;
  device: Device;
  /** What computes if the model is quantised. @default see `kernelsOn` */
  kernels?: Kernels | undefined;
  intraOpThreads: number;
  /** Tiles per call of ONNX Runtime; a batch with more is cut. */
  tilesPerRun: number;
  size: number;
  numFeatures: number;
  /** One number in shared memory: not 0 makes every run fail before its next call. */
  stop: Int32Array;
}

/** Messages of the main thread. A ring is attached once and then named by its number. */
export type SessionRequest =
  | { type: "attach"; ring: number; buffer: SharedArrayBuffer }
  | { type: "detach"; ring: number }
  | {
      type: "run";
      id: number;
      ring: number;
      byteOffset: number;
      count: number;
      variants: readonly number[];
      /** Memory for the features, if it has their size. */
      into: Float32Array | undefined;
    }
  | { type: "close" };

export type SessionReply =
  | { type: "ready" }
  | { type: "failed"; message: string }
  | { type: "done"; id: number; features: Float32Array }
  | { type: "error"; id: number; message: string };

/** A ring as ONNX Runtime may read it. `shared` must live as long as `readable`, which may be an alias of its memory. */
interface AttachedRing {
  shared: SharedArrayBuffer;
  readable: ArrayBufferLike | undefined;
}

const ort = loadOnnxRuntime();
const port = parentPort!;
const setup = workerData as SessionSetup;
const rings = new Map<number, AttachedRing>();
let scratch = new Uint8Array(0);

try {
  const { device, intraOpThreads, kernels } = setup;
  const session = await ort.InferenceSession.create(setup.model, sessionOptions(device, intraOpThreads, kernels));
  await checkDevice(device, session, setup.model, feedsOf(fillWithNoise(new Uint8Array(setup.size ** 2 * 3)), 1));
  serve(session);
  port.postMessage({ type: "ready" } satisfies SessionReply);
} catch (error) {
  port.postMessage({ type: "failed", message: explain((error as Error).message) } satisfies SessionReply);
  port.close();
}

function explain(message: string): string {
  if (!/requires f16 but the device does not support it/.test(message)) return message;
  return "this GPU has no half precision for WebGPU (its driver lacks shader-f16). Take floats, or the CPU.";
}

function serve(session: Ort.InferenceSession): void {
  let last = Promise.resolve();
  port.on("message", (request: SessionRequest) => {
    last = last.then(() => handle(session, request));
  });
}

async function handle(session: Ort.InferenceSession, request: SessionRequest): Promise<void> {
  if (request.type === "attach") rings.set(request.ring, attach(request.buffer));
  else if (request.type === "detach") rings.delete(request.ring);
  else if (request.type === "close") port.close();
  else {
    const { id } = request;
    try {
      const features = await extract(session, request);
      port.postMessage({ type: "done", id, features } satisfies SessionReply, [features.buffer as ArrayBuffer]);
    } catch (error) {
      port.postMessage({ type: "error", id, message: (error as Error).message } satisfies SessionReply);
    }
  }
}

/** ONNX Runtime takes shared memory itself from Node 22 on; on Node 20 through the addon's alias, and without the addon by copying. */
function attach(shared: SharedArrayBuffer): AttachedRing {
  if (Number(process.versions.node.split(".")[0]) >= 22) return { shared, readable: shared };
  return { shared, readable: loadAddon()?.aliasShared(new Uint8Array(shared)) };
}

/** `[variants, count, numFeatures]` float32. */
async function extract(
  session: Ort.InferenceSession,
  request: SessionRequest & { type: "run" },
): Promise<Float32Array> {
  const { count, variants, into } = request;
  const { size, numFeatures, tilesPerRun, stop } = setup;
  const length = variants.length * count * numFeatures;
  const features = into?.length === length ? into : new Float32Array(length);
  for (const [v, variant] of variants.entries()) {
    for (let from = 0; from < count; from += tilesPerRun) {
      if (Atomics.load(stop, 0) !== 0) throw new Error("the run was stopped");
      const tiles = Math.min(tilesPerRun, count - from);
      const byteOffset = request.byteOffset + from * size ** 2 * 3;
      const pixels = pixelsOf(rings.get(request.ring)!, byteOffset, tiles, variant);
      features.set(await runSession(session, pixels, tiles), (v * count + from) * numFeatures);
    }
  }
  return features;
}

/** One call of ONNX Runtime: `[count, numFeatures]`. */
async function runSession(session: Ort.InferenceSession, pixels: Uint8Array, count: number): Promise<Float32Array> {
  const { numFeatures } = setup;
  const output = await session.run(feedsOf(pixels, count));
  const features = output["features"];
  if (features?.size !== count * numFeatures) throw new Error(`the model gave ${features?.dims} for ${count} tiles`);
  return features.data as Float32Array;
}

function feedsOf(pixels: Uint8Array, count: number): Record<string, Ort.Tensor> {
  return { tiles: new ort.Tensor("uint8", pixels, [count, setup.size, setup.size, 3]) };
}

/**
 * The tiles themselves if they can be read in place, else (and for all turned or flipped variants) a copy in the
 * scratch buffer.
 */
function pixelsOf(ring: AttachedRing, byteOffset: number, count: number, variant: number): Uint8Array {
  const byteLength = count * setup.size ** 2 * 3;
  if (variant === 0 && ring.readable !== undefined) return new Uint8Array(ring.readable, byteOffset, byteLength);
  if (scratch.length < byteLength) scratch = new Uint8Array(byteLength);
  const target = scratch.subarray(0, byteLength);
  const source = new Uint8Array(ring.shared, byteOffset, byteLength);
  if (variant === 0) target.set(source);
  else applyDihedral(source, target, count, setup.size, variant);
  return target;
}
