/** The engine of a fine-tuning: which one runs is chosen by what there is, and said. */
import { loadAddon } from "../addon.js";
import { checkInteger } from "../check.js";
import { ModelError } from "../errors.js";
import type { Device } from "../features/device.js";
import type { TunableModel, TuningEngine } from "./engine.js";
import { createNativeEngine } from "./native-engine.js";
import { createOnnxEngine } from "./onnx-engine.js";

interface TuningEngineOptions {
  /** Threads on the CPU. */
  threads: number;
  device: Device;
  /** The largest batch that will come. */
  batchSize: number;
  /** @default "native" where it can run, else "onnx" */
  engine?: TuningEngine["name"];
}

interface ChosenEngine {
  engine: TuningEngine;
  /** Why this one. */
  reason: string;
}

/** @throws ModelError if the network cannot be fine-tuned, saying which of its operators is in the way. */
export async function createTuningEngine(model: TunableModel, options: TuningEngineOptions): Promise<ChosenEngine> {
  checkInteger("threads", options.threads, 1, 1024);
  checkInteger("batchSize", options.batchSize, 1);
  if (options.engine === "onnx") return { engine: await createOnnxEngine(model, options), reason: "it was asked for" };
  const native = await tryNative(model, options);
  if (!("reason" in native)) return { engine: native, reason: "it knows every operator of the network" };
  if (options.engine === "native") throw new ModelError(`The native engine cannot run here: ${native.reason}.`);
  return { engine: await createOnnxEngine(model, options), reason: native.reason };
}

/** The native engine, or what is in its way. */
async function tryNative(
  model: TunableModel,
  options: TuningEngineOptions,
): Promise<TuningEngine | { reason: string }> {
  if (options.device !== "cpu") return { reason: `the native engine runs on the CPU, not on ${options.device}` };
  const addon = loadAddon();
  if (addon === undefined) return { reason: "the native addon is not built" };
  return createNativeEngine(addon, model, options);
}
