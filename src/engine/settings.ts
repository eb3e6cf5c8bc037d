/** Settings for running a model, in bulk or on single pictures, and the engine options that follow from them. */
import { checkInRange, checkInteger, type OptionKinds } from "../check.js";
import { type Colorspace, checkDecodeOptions, DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import { planInBudget } from "./budget.js";
import type { EngineOptions, LoadedModel, LoadedNetwork } from "./engine.js";

export interface EngineSettings {
  /** One threshold for all tags, 0 to 1. @default the fitted ones */
  threshold?: number | undefined;
  /** Decode threads. @default one per core, as far as `memory` reaches */
  workers?: number | undefined;
  /** Sessions of the backbone. @default one per core on the CPU, one on a GPU, as far as `memory` reaches */
  sessions?: number | undefined;
  /** Tiles per batch. @default 24 at 224 pixels and 72 at 128 on the CPU, 32 on a GPU */
  batchSize?: number | undefined;
  /** How the components of a JPEG are read. @default what the model was trained with */
  colorspace?: Colorspace | undefined;
  /** What to do with a JPEG whose data ends early. @default "reject" */
  onTruncated?: DecodeOptions["onTruncated"] | undefined;
  /** A picture with more pixels than this is rejected. @default 178956970, and 33554432 for what is no JPEG */
  maxPixels?: number | undefined;
  /**
   * Budget in bytes: sessions and batches are chosen to fit it, and tiles that would exceed it are rejected. @default
   * none
   */
  memory?: number | undefined;
}

export const ENGINE_SETTINGS: OptionKinds<EngineSettings> = {
  threshold: true,
  workers: true,
  sessions: true,
  batchSize: true,
  colorspace: true,
  onTruncated: true,
  maxPixels: true,
  memory: true,
};

/** OptionError for the first value out of its range. */
export function checkEngineSettings(settings: EngineSettings): void {
  const { threshold, colorspace, onTruncated, maxPixels, batchSize, memory } = settings;
  checkDecodeOptions({ colorspace, onTruncated, maxPixels });
  if (threshold !== undefined) checkInRange("threshold", threshold, 0, 1);
  if (batchSize !== undefined) checkInteger("batchSize", batchSize, 1, 4096);
  if (memory !== undefined) checkInteger("memory", memory, 1);
}

/** Workers, sessions and decoding for a model, within the memory budget. */
export function engineOptions({ checkpoint, device }: LoadedModel, settings: EngineSettings): EngineOptions {
  return networkOptions({ preprocessing: checkpoint.preprocessing, device }, settings);
}

/** The same for a network. */
export function networkOptions(
  { preprocessing, device }: Pick<LoadedNetwork, "preprocessing" | "device">,
  settings: EngineSettings,
): EngineOptions {
  const { workers, sessions, batchSize, memory } = settings;
  const { size } = preprocessing;
  const { plan, tileBytes } = planInBudget({ device, size, workers, sessions, batchSize, memory });
  const decode = {
    colorspace: settings.colorspace ?? preprocessing.colorspace,
    antialias: preprocessing.antialias,
    maxPixels: settings.maxPixels ?? DECODE_DEFAULTS.maxPixels,
    maxBytes: tileBytes,
    onTruncated: settings.onTruncated ?? DECODE_DEFAULTS.onTruncated,
    bands: preprocessing.bands ?? null,
    stretch: preprocessing.stretch ?? null,
  };
  return { plan, decode, threshold: settings.threshold };
}
