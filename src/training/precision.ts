/** Floats or 8-bit integers for a training that leaves the choice to canopy: integers if they are faster here, and no worse. */
import type { Device } from "../features/device.js";
import { kernelsOn } from "../features/kernels.js";
import { type PrecisionTiming, timePrecisions } from "../features/time-precisions.js";
import type { ResolvedBackbone } from "../models/registry.js";
import type { Precision } from "../quantise/precision.js";
import { prepareWith } from "../quantise/prepare.js";
import type { RunContext } from "../run-context.js";
import type { PrecisionOption } from "./settings.js";

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

/** Trainings of either precision, or what else is compared by its F2. */
interface Trials<T> {
  attempt(precision: Precision): Promise<T>;
  /** What it ran on. */
  device(attempt: T): Device;
  /** Out of fold. */
  f2(attempt: T): number;
  /** Times the network of an attempt with "int8" against that with floats. */
  time(integers: T): Promise<PrecisionTiming>;
}

interface Chosen<T> {
  kept: T;
  choice: PrecisionChoice;
}

/** The precisions that `option` allows on `device`. */
export function candidates(option: PrecisionOption, device: Device): readonly Precision[] {
  if (option !== "auto") return [option];
  return kernelsOn(device).kernels === "integer" ? ["fp32", "int8"] : ["fp32"];
}

/** What the precision `option` gives; "auto" keeps the better one, and says why. */
export async function withPrecision<T>(
  option: PrecisionOption,
  trials: Trials<T>,
  { onNotice }: RunContext,
): Promise<{ kept: T; choice: PrecisionChoice | null }> {
  if (option !== "auto") return { kept: await trials.attempt(option), choice: null };
  const chosen = await choosePrecision(trials);
  onNotice?.(`Precision ${chosen.choice.precision}: ${chosen.choice.reason}`);
  return chosen;
}

/** Tries floats, and integers if the machine has kernels for them; returns the one to keep. */
export async function choosePrecision<T>({ attempt, device: deviceOf, f2: f2Of, time }: Trials<T>): Promise<Chosen<T>> {
  const floats = await attempt("fp32");
  const device = deviceOf(floats);
  if (!candidates("auto", device).includes("int8")) {
    const { reason } = kernelsOn(device);
    return { kept: floats, choice: { precision: "fp32", reason: `${reason}.`, f2: null, gain: null } };
  }
  const integers = await attempt("int8");
  const f2 = { fp32: f2Of(floats), int8: f2Of(integers) };
  const lost = f2.fp32 - f2.int8;
  const change = `F2 out of fold ${f2.fp32.toFixed(4)} with floats, ${f2.int8.toFixed(4)} with integers`;
  if (lost > MOST_LOST) {
    const why = `${change}: more than ${MOST_LOST} lost.`;
    return { kept: floats, choice: { precision: "fp32", reason: why, f2, gain: null } };
  }
  const { gain } = await time(integers);
  const isFaster = gain >= LEAST_GAIN;
  const choice: PrecisionChoice = {
    precision: isFaster ? "int8" : "fp32",
    reason: `${change}; integers are ${gain.toFixed(2)} times as fast.`,
    f2,
    gain,
  };
  return { kept: isFaster ? integers : floats, choice };
}

/** Times a backbone, whose card has ranges, with either precision. */
export function timeBackbone({ card, bytes }: ResolvedBackbone, size: number): Promise<PrecisionTiming> {
  const model = (precision: Precision) => prepareWith(precision, bytes, card, size);
  return timePrecisions({ fp32: model("fp32"), int8: model("int8"), size, numFeatures: card.features.count });
}
