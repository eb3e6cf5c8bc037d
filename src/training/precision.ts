/**
 * The precision of a training that leaves it to canopy: fewer bits than floats have (integers on the CPU, halves on a GPU) if they are
 * faster here, and no worse.
 */
import { ModelError } from "../errors.js";
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
  /** Out-of-fold F2 with each that was tried; null if only floats were. */
  f2: Partial<Record<Precision, number>> | null;
  /** How many times faster than floats the other is here; null if it was not measured. */
  gain: number | null;
}

const NAMES: Record<Precision, string> = { fp32: "floats", int8: "integers", fp16: "halves" };
/** F2 may fall by this much: less than what another seed changes. */
const MOST_LOST = 0.002;
/** Below this gain another precision is not worth a network of its own. */
const LEAST_GAIN = 1.2;

/** Trainings of either precision, or what else is compared by its F2. */
interface Trials<T> {
  attempt(precision: Precision): Promise<T>;
  /** What it ran on. */
  device(attempt: T): Device;
  /** Out of fold. */
  f2(attempt: T): number;
  /** Times the network of an attempt against that with floats. */
  time(attempt: T): Promise<PrecisionTiming>;
  /** Whether a choice for the frozen backbone was told before. @default false */
  tuned?: boolean;
}

interface Chosen<T> {
  kept: T;
  choice: PrecisionChoice;
}

/** The precisions that `option` allows on `device`. */
export function candidates(option: PrecisionOption, device: Device): readonly Precision[] {
  if (option !== "auto") return [option];
  if (device !== "cpu") return ["fp32", "fp16"];
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
  const of = trials.tuned ? " of the tuned backbone" : "";
  onNotice?.(`Precision ${chosen.choice.precision}${of}: ${chosen.choice.reason}`);
  return chosen;
}

/** Tries floats, and what may be faster on this device; returns the one to keep. */
export async function choosePrecision<T>({ attempt, device: deviceOf, f2: f2Of, time }: Trials<T>): Promise<Chosen<T>> {
  const floats = await attempt("fp32");
  const device = deviceOf(floats);
  const [, other] = candidates("auto", device);
  const keepFloats = (reason: string, f2: PrecisionChoice["f2"] = null): Chosen<T> => ({
    kept: floats,
    choice: { precision: "fp32", reason, f2, gain: null },
  });
  if (other === undefined) return keepFloats(`${kernelsOn(device).reason}.`);
  const rival = await attempt(other).catch(modelErrorOf);
  if (rival instanceof ModelError)
    return keepFloats(`The backbone does not run with ${NAMES[other]}: ${rival.message}`);
  const [before, after] = [f2Of(floats), f2Of(rival)];
  const f2 = { fp32: before, [other]: after };
  const change = `F2 out of fold ${before.toFixed(4)} with floats, ${after.toFixed(4)} with ${NAMES[other]}`;
  if (before - after > MOST_LOST) return keepFloats(`${change}: more than ${MOST_LOST} lost.`, f2);
  const { gain } = await time(rival);
  const isFaster = gain >= LEAST_GAIN;
  const reason = `${change}; ${NAMES[other]} are ${gain.toFixed(2)} times as fast.`;
  return {
    kept: isFaster ? rival : floats,
    choice: { precision: isFaster ? other : "fp32", reason, f2, gain },
  };
}

/** A network that cannot have the other precision, or a device that has no such numbers, is no failure of the training. */
function modelErrorOf(error: unknown): ModelError {
  if (error instanceof ModelError) return error;
  throw error;
}

/** Times a backbone on `device` against itself with floats; for integers its card must have ranges. */
export function timeBackbone(
  precision: Precision,
  { card, bytes }: ResolvedBackbone,
  size: number,
  device: Device,
): Promise<PrecisionTiming> {
  const model = (each: Precision) => prepareWith(each, bytes, card, size);
  const numFeatures = card.features.count;
  return timePrecisions({ floats: model("fp32"), other: model(precision), size, numFeatures, device });
}
