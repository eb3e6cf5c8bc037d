/** SessionThread: the main thread's end of one session worker. */
import type { Worker } from "node:worker_threads";
import { ModelError } from "../errors.js";
import type { SessionReply, SessionRequest } from "./session-worker.js";

type RunRequest = Omit<SessionRequest & { type: "run" }, "type" | "id">;

interface Waiting {
  resolve: (features: Float32Array) => void;
  reject: (error: Error) => void;
}

export class SessionThread {
  /** Resolves once the session exists; rejects with ModelError if ONNX Runtime refuses the model. */
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #nextId = 0;
  #ended = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.ready = new Promise((resolve, reject) => {
      worker.on("message", (reply: SessionReply) => {
        if (reply.type === "ready") resolve();
        else if (reply.type === "failed") reject(new ModelError(`ONNX Runtime cannot use the model: ${reply.message}`));
        else this.#settle(reply);
      });
      worker.on("error", (error) => reject(new ModelError(`A session thread failed: ${error.message}`)));
      worker.on("exit", () => reject(new ModelError("A session thread ended before its session was ready.")));
    });
    this.ready.catch(() => {});
    this.#exited = new Promise((resolve) => worker.on("exit", () => resolve()));
    worker.on("error", (error) => this.#abandon(`A session thread failed: ${error.message}`));
    worker.on("exit", () => this.#abandon("A session thread ended during a run."));
  }

  /** Runs without an answer so far. */
  get load(): number {
    return this.#waiting.size;
  }

  run(request: RunRequest): Promise<Float32Array> {
    if (this.#ended) return Promise.reject(new ModelError("The session thread has ended."));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const { into } = request;
      this.#worker.postMessage(
        { type: "run", id, ...request } satisfies SessionRequest,
        into ? [into.buffer as ArrayBuffer] : [],
      );
    });
  }

  send(request: SessionRequest): void {
    this.#worker.postMessage(request);
  }

  /** Lets the worker finish its runs. Terminating it during a run could abort the whole process. */
  async close(): Promise<void> {
    if (!this.#ended) this.send({ type: "close" });
    await this.#exited;
  }

  #settle(reply: SessionReply & { type: "done" | "error" }): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.type === "done") waiting?.resolve(reply.features);
    else waiting?.reject(new ModelError(`ONNX Runtime failed on a batch: ${reply.message}`));
  }

  #abandon(message: string): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(new ModelError(message));
    this.#waiting.clear();
  }
}
