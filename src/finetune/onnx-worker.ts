/** The thread of the ONNX engine: calls in, answers out, one at a time. */
import { parentPort, workerData } from "node:worker_threads";
import type { TuningEngine } from "./engine.js";
import { OnnxTrainer, type TrainerSetup } from "./onnx-trainer.js";

type Method = "step" | "logits" | "weights" | "state" | "restore";

/** The call of a method. */
export type TuningCall = { [M in Method]: { method: M; args: Parameters<TuningEngine[M]> } }[Method];
export type TuningAnswer = Awaited<ReturnType<TuningEngine[Method]>>;

export type TuningRequest = ({ id: number } & TuningCall) | { method: "close" };
/** `ready` and `failed` come first; a message means failure. */
export type TuningReply =
  | { type: "ready" }
  | { type: "failed"; message: string }
  | { type: "answer"; id: number; answer: TuningAnswer }
  | { type: "error"; id: number; message: string };

const port = parentPort!;

try {
  serve(await OnnxTrainer.open(workerData as TrainerSetup));
  reply({ type: "ready" });
} catch (error) {
  reply({ type: "failed", message: (error as Error).message });
  port.close();
}

function serve(trainer: OnnxTrainer): void {
  let last = Promise.resolve();
  port.on("message", (request: TuningRequest) => {
    last = last.then(() => (request.method === "close" ? port.close() : answer(trainer, request)));
  });
}

async function answer(trainer: OnnxTrainer, request: { id: number } & TuningCall): Promise<void> {
  const { id } = request;
  try {
    reply({ type: "answer", id, answer: await call(trainer, request) });
  } catch (error) {
    reply({ type: "error", id, message: (error as Error).message });
  }
}

function call(trainer: OnnxTrainer, request: TuningCall): Promise<TuningAnswer> {
  switch (request.method) {
    case "step":
      return trainer.step(...request.args);
    case "logits":
      return trainer.logits(...request.args);
    case "weights":
      return trainer.weights();
    case "state":
      return trainer.state();
    case "restore":
      return trainer.restore(...request.args);
  }
}

function reply(message: TuningReply): void {
  port.postMessage(message);
}
