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
  // Workers start while sessions are opened.
  const pool = new DecodePool({ workers }, context);
  try {
    return { backbone: await Backbone.open(options), pool };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
