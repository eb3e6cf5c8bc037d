/** The stepper of a training. Two forms of the same arithmetic: native kernels, or an ONNX graph. */
import { loadAddon } from "../addon.js";
import type { GradientConfig } from "./config.js";
import { createNativeStepper } from "./native-stepper.js";
import { createOnnxStepper } from "./onnx-stepper.js";
import type { Stepper, StepperKind, StepperShape } from "./stepper.js";

/** The stepper of `kind`; by default native kernels if the addon is built, else ONNX Runtime. */
export async function createStepper(
  config: GradientConfig,
  shape: StepperShape,
  kind: StepperKind = loadAddon() === undefined ? "onnx" : "native",
): Promise<Stepper> {
  return kind === "native" ? createNativeStepper(config, shape) : createOnnxStepper(config, shape);
}
