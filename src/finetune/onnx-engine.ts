/** The engine by ONNX Runtime: runs any network whose operators have gradient rules, on any device. */
import { Worker } from "node:worker_threads";
import { ModelError } from "../errors.js";
import type { Device } from "../features/device.js";
import { switchOffTelemetry } from "../onnx-runtime.js";
import type { TunableModel, TuningEngine } from "./engine.js";
import type { TrainerSetup } from "./onnx-trainer.js";
import type { TuningAnswer, TuningCall, TuningReply, TuningRequest } from "./onnx-worker.js";
import { buildTrainingGraphs } from "./training-graph.js";

export interface OnnxEngineOptions {
  device: Device;
  /** Threads of ONNX Runtime. */
  threads: number;
  /** The largest batch that will come. */
  batchSize: number;
  /** Tiles per call of ONNX Runtime. @default on the CPU as many as keep memory small, on a GPU whole batches */
  tilesPerRun?: number;
}

/** Pixels of one run on the CPU: eight tiles of 128, two or three of 224. */
const CPU_PIXELS_PER_RUN = 8 * 128 ** 2;

/** @throws ModelError if the network cannot be differentiated, or ONNX Runtime refuses the graph. */
export async function createOnnxEngine(model: TunableModel, options: OnnxEngineOptions): Promise<TuningEngine> {
  const { device, threads, tilesPerRun = defaultTilesPerRun(options, model) } = options;
  const { size, stored, numFeatures, numTags } = model;
  const tile = stored === undefined ? [size, size, 3] : [stored];
  const setup = { ...buildTrainingGraphs(model), device, threads, tile, numFeatures, numTags, tilesPerRun };
  const thread = new TuningThread(setup);
  await thread.ready;
  return {
    name: "onnx",
    step: (...args) => thread.call<"step">({ method: "step", args }),
    logits: (...args) => thread.call<"logits">({ method: "logits", args }),
    weights: () => thread.call<"weights">({ method: "weights", args: [] }),
    state: () => thread.call<"state">({ method: "state", args: [] }),
    restore: (...args) => thread.call<"restore">({ method: "restore", args }),
    close: () => thread.close(),
  };
}

function defaultTilesPerRun({ device, batchSize }: OnnxEngineOptions, { size, stored }: TunableModel): number {
  return device === "cpu" && stored === undefined
    ? Math.min(batchSize, Math.max(1, Math.round(CPU_PIXELS_PER_RUN / size ** 2)))
    : batchSize;
}

interface Waiting {
  resolve: (answer: TuningAnswer) => void;
  reject: (error: Error) => void;
}

/** The calling thread's end of the worker. */
class TuningThread {
  /** Resolves once the sessions exist. */
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #failure: ModelError | undefined;

  constructor(setup: TrainerSetup) {
    switchOffTelemetry();
    const worker = new Worker(new URL("./onnx-worker.js", import.meta.url), { workerData: setup });
    this.#worker = worker;
    this.ready = new Promise((resolve, reject) => {
      worker.on("message", (reply: TuningReply) => {
        if (reply.type === "ready") resolve();
        else if (reply.type === "failed")
          reject(new ModelError(`ONNX Runtime cannot train the network: ${reply.message}`));
        else this.#settle(reply);
      });
      worker.on("error", (error) => reject(new ModelError(`The training thread failed: ${error.message}`)));
    });
    this.#exited = new Promise((resolve) => worker.on("exit", () => resolve()));
    worker.on("error", (error) => this.#abandon(`The training thread failed: ${error.message}`));
    worker.on("exit", () => this.#abandon("The training thread has ended."));
  }

  call<Method extends TuningCall["method"]>(
    call: TuningCall & { method: Method },
  ): Promise<Awaited<ReturnType<TuningEngine[Method]>>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      this.#worker.postMessage({ id, ...call } satisfies TuningRequest);
    });
  }

  /** Lets the worker answer its calls. Terminating it during a run could abort the whole process. */
  async close(): Promise<void> {
    if (this.#failure === undefined) this.#worker.postMessage({ method: "close" } satisfies TuningRequest);
    await this.#exited;
  }

  #settle(reply: TuningReply & { type: "answer" | "error" }): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.type === "answer") waiting?.resolve(reply.answer);
    else waiting?.reject(new ModelError(`ONNX Runtime failed on a step: ${reply.message}`));
  }

  #abandon(message: string): void {
    this.#failure = new ModelError(message);
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
