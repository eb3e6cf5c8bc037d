/** Backbone: the frozen network, as one ONNX Runtime session per worker thread. Batches go in, feature vectors come out. */

import { Worker } from "node:worker_threads";
import type { Batch } from "../batch/batch.js";
import type { SlotRing } from "../batch/slot-ring.js";
import { checkInteger } from "../check.js";
import { ModelError } from "../errors.js";
import { usableCores } from "../machine.js";
import { switchOffTelemetry } from "../onnx-runtime.js";
import type { Device } from "./device.js";
import type { Kernels } from "./kernels.js";
import { SessionThread } from "./session-thread.js";
import type { SessionSetup } from "./session-worker.js";

export interface BackboneOptions {
  /** ONNX file: `tiles` uint8 [N, size, size, 3] RGB in, `features` float32 [N, numFeatures] out. */
  model: Uint8Array;
  /** Pixels per side of the tiles it is fed. */
  size: number;
  /** Features of a tile. */
  numFeatures: number;
  /** The provider to run on; see `chooseDevice`. @default "cpu" */
  device?: Device;
  /** What computes if the model is quantised. @default see `kernelsOn` */
  kernels?: Kernels;
  /** Number of sessions, each in a thread of its own. @default one per core on the CPU, 1 on a GPU */
  sessions?: number;
  /** Threads inside one session. @default 1 */
  intraOpThreads?: number;
  /** Tiles per call of ONNX Runtime. @default on the CPU as many as keep layers near the caches, on a GPU whole batches */
  tilesPerRun?: number;
}

/** Pixels of one run on the CPU: three tiles of 224, nine of 128. Four took 2.5 % more processor time, one 4 %. */
const CPU_PIXELS_PER_RUN = 3 * 224 ** 2;

export class Backbone {
  readonly size: number;
  readonly numFeatures: number;
  readonly device: Device;
  readonly #threads: SessionThread[];
  readonly #stop: Int32Array;
  readonly #rings = new Map<SlotRing, number>();
  #ringCount = 0;

  private constructor(options: BackboneOptions, device: Device, threads: SessionThread[], stop: Int32Array) {
    this.size = options.size;
    this.numFeatures = options.numFeatures;
    this.device = device;
    this.#threads = threads;
    this.#stop = stop;
  }

  /** Starts the sessions. @throws ModelError if ONNX Runtime refuses the model or the device. */
  static async open(options: BackboneOptions): Promise<Backbone> {
    const device = options.device ?? "cpu";
    const { sessions = device === "cpu" ? usableCores() : 1, intraOpThreads = 1 } = options;
    checkInteger("sessions", sessions, 1, 1024);
    checkInteger("intraOpThreads", intraOpThreads, 1, 1024);
    const { model, size, numFeatures, tilesPerRun = defaultTilesPerRun(device, size) } = options;
    checkInteger("tilesPerRun", tilesPerRun, 1);
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const { kernels } = options;
    const setup: SessionSetup = { model, size, numFeatures, device, kernels, intraOpThreads, tilesPerRun, stop };
    switchOffTelemetry();
    const threads: SessionThread[] = [];
    try {
      for (let i = 0; i < sessions; i++) threads.push(new SessionThread(startWorker(setup)));
      await Promise.all(threads.map((thread) => thread.ready));
    } catch (error) {
      await Promise.all(threads.map((thread) => thread.close()));
      throw error;
    }
    return new Backbone(options, device, threads, stop);
  }

  /** Number of sessions. */
  get sessions(): number {
    return this.#threads.length;
  }

  /** Makes runs, also waiting ones, fail at their next call of ONNX Runtime, so that the end does not wait for them. */
  cancelRuns(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  /** Allows runs again, once those that `cancelRuns` cancelled have ended. */
  acceptRuns(): void {
    Atomics.store(this.#stop, 0, 0);
  }

  /**
   * Runs one batch in the session with the least to do; the batch must not be released before.
   * @param variants elements of the dihedral group (see dihedral.ts); pixels are turned and flipped here, not decoded
   * again.
   * @param into the result of an earlier run that is not needed any more: its memory is used again if it has the right
   * size.
   * @returns `[variants.length, tiles, numFeatures]` float32, owned by the caller. Rows of rejected tiles are
   * undefined.
   */
  run(
    batch: Batch,
    ring: SlotRing,
    variants: readonly number[] = [0],
    into: Float32Array | undefined = undefined,
  ): Promise<Float32Array> {
    const thread = this.#threads.reduce((best, other) => (other.load < best.load ? other : best));
    return thread.run({
      ring: this.#attach(ring),
      byteOffset: batch.slot.byteOffset,
      count: batch.tiles.length,
      variants,
      into,
    });
  }

  /** Lets the sessions forget a ring, so that its memory can go. */
  detach(ring: SlotRing): void {
    const number = this.#rings.get(ring);
    if (number === undefined) return;
    this.#rings.delete(ring);
    for (const thread of this.#threads) thread.send({ type: "detach", ring: number });
  }

  /** Waits for the runs under way, then ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #attach(ring: SlotRing): number {
    const known = this.#rings.get(ring);
    if (known !== undefined) return known;
    const number = this.#ringCount++;
    this.#rings.set(ring, number);
    for (const thread of this.#threads) thread.send({ type: "attach", ring: number, buffer: ring.buffer });
    return number;
  }
}

/** How many tiles one call of ONNX Runtime takes; whole batches on a GPU. */
export function defaultTilesPerRun(device: Device, size: number): number {
  return device === "cpu" ? Math.max(1, Math.round(CPU_PIXELS_PER_RUN / size ** 2)) : Number.MAX_SAFE_INTEGER;
}

function startWorker(setup: SessionSetup): Worker {
  try {
    return new Worker(new URL("./session-worker.js", import.meta.url), { workerData: setup });
  } catch (error) {
    throw new ModelError(`A session thread could not be started: ${(error as Error).message}`, { cause: error });
  }
}
