/** How canopy's session threads set ONNX Runtime up. */
import type { InferenceSession } from "onnxruntime-node";
import type { Device } from "./device.js";
import { type Kernels, kernelsOn } from "./kernels.js";

/** `kernels`: what computes if the model is quantised. */
export function sessionOptions(
  device: Device,
  intraOpThreads: number,
  kernels: Kernels = kernelsOn(device).kernels,
): InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    // Sessions share the cores with the decode workers: a waiting thread must sleep, not spin.
    extra: {
      session: {
        intra_op: { allow_spinning: "0" },
        inter_op: { allow_spinning: "0" },
        disable_quant_qdq: kernels === "integer" ? "0" : "1",
      },
    },
  };
}
