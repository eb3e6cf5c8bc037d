/** Floats or 8-bit integers for a training that leaves the choice to canopy: integers if they are faster here, and no worse. */
import type { Device } from "../features/device.js";
import { kernelsOn } from "../features/kernels.js";
import type { PrecisionTiming } from "../features/time-precisions.js";
import type { Precision } from "../quantise/precision.js";
import type { FinishedTraining } from "./finished-training.js";

/** How a precision was chosen; docs/int8.md says the rules. */
export interface PrecisionChoice {
  precision: Precision;
  /** Why, as a sentence. */
  reason: string;
  /** Out-of-fold F2 with either; null if integers were not tried. */
  f2: { fp32: number; int8: number } | null;
  /** How many times faster the integer network is here; null if it was not measured. */
  gain: number | null;
}

/** F2 may fall by this much: less than what another seed changes. */
const MOST_LOST = 0.002;
/** Below this gain integers are not worth a network of their own. */
const LEAST_GAIN = 1.2;

interface Trials {
  device: Device;
  /** Trains with this precision. */
  attempt(precision: Precision): Promise<FinishedTraining>;
  /** Times the network of a training with "int8" against that with floats. */
  time(training: FinishedTraining): Promise<PrecisionTiming>;
}

/** Trains with floats, and with integers if the machine has kernels for them; returns the training to keep. */
export async function choosePrecision({
  device,
  attempt,
  time,
}: Trials): Promise<{ training: FinishedTraining; choice: PrecisionChoice }> {
  const floats = await attempt("fp32");
  const { kernels, reason } = kernelsOn(device);
  if (kernels === "simulated") {
    return { training: floats, choice: { precision: "fp32", reason: `${reason}.`, f2: null, gain: null } };
  }
  const integers = await attempt("int8");
  const f2 = { fp32: floats.fitted.scored.metrics.f2, int8: integers.fitted.scored.metrics.f2 };
  const lost = f2.fp32 - f2.int8;
  const change = `F2 out of fold ${f2.fp32.toFixed(4)} with floats, ${f2.int8.toFixed(4)} with integers`;
  if (lost > MOST_LOST) {
    const why = `${change}: more than ${MOST_LOST} lost.`;
    return { training: floats, choice: { precision: "fp32", reason: why, f2, gain: null } };
  }
  const { gain } = await time(integers);
  const isFaster = gain >= LEAST_GAIN;
  const choice: PrecisionChoice = {
    precision: isFaster ? "int8" : "fp32",
    reason: `${change}; integers are ${gain.toFixed(2)} times as fast.`,
    f2,
    gain,
  };
  return { training: isFaster ? integers : floats, choice };
}
