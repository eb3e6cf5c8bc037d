/** Sessions and decode workers, started together: both are there, or neither. */
import { DecodePool } from "../decode/pool.js";
import type { RunContext } from "../run-context.js";
import { Backbone, type BackboneOptions } from "./backbone.js";

export interface Pipeline {
  backbone: Backbone;
  pool: DecodePool;
}

/** Throws a ModelError where ONNX Runtime refuses the model or the device. */
export async function openPipeline(options: BackboneOptions, workers: number, context: RunContext): Promise<Pipeline> {
  const backbone = await Backbone.open(options);
  try {
    return { backbone, pool: new DecodePool({ workers }, context) };
  } catch (error) {
    await backbone.close();
    throw error;
  }
}
