/** The options of `train` with their defaults, checked before anything is read. */
import { checkInRange, checkOneOf } from "../check.js";
import type { DecodeOptions } from "../decode/decoder.js";
import { InputError } from "../errors.js";
import type { DeviceChoice } from "../features/device.js";
import { variantsFor } from "../features/dihedral.js";
import { type GradientConfig, type HeadConfig, type HeadOptions, resolveHeadConfig } from "../head/config.js";
import type { Normalisation } from "../models/file-model.js";
import { CALIBRATIONS, type CalibrationName } from "./calibration.js";

export interface TrainOptions {
  /** Folders, files, `.tar` archives, `@list.txt`. */
  tiles: readonly string[];
  /** Label CSV: first column the tile's name, second its tags separated by spaces. */
  labels: string;
  /** Model folder to write; it appears whole or not at all. */
  out: string;
  /** Name of a backbone (`canopy models list`) or FILE.onnx. @default the one in the box */
  backbone?: string | undefined;
  /** What an unknown FILE.onnx wants its pixels scaled to. @default "imagenet", with a warning */
  normalisation?: Normalisation | undefined;
  /** Pixels per side the backbone is fed. @default the backbone's */
  size?: number | undefined;
  /** @default "auto" */
  device?: DeviceChoice | undefined;
  /** Decode threads. @default what keeps the sessions fed */
  workers?: number | undefined;
  decode?: Partial<Omit<DecodeOptions, "size">> | undefined;
  /**
   * What of the backbone is used: its last features alone, or also the means of the feature maps before each halving of the resolution.
   * @default "pyramid"; "last" for gradient optimisers, which have no scaling of features unless told
   */
  features?: "pyramid" | "last" | undefined;
  /** Optimiser and its settings. @default L-BFGS with a cross-validated penalty */
  head?: { [K in keyof HeadOptions]: HeadOptions[K] | undefined } | undefined;
  /** Share of tiles held out for the history, stratified; 0 for none. @default 0.2 */
  val?: number | undefined;
  /** Train on all flips and quarter turns of each tile. @default "none" */
  augment?: "none" | "d4" | undefined;
  /** Score (and later predict) the mean over flips and quarter turns. @default "none" */
  tta?: "none" | "d4" | undefined;
  /** The F-beta thresholds are fitted for. @default 2 */
  beta?: number | undefined;
  /**
   * Groups of tags of which a tile has exactly one; kept only where cross-validation says that they help. "auto" finds them in the
   * labels, [] is for none. @default "auto"
   */
  exclusive?: "auto" | readonly (readonly string[])[] | undefined;
  /**
   * "auto" tries a second layer that corrects each tag's logit by all tags' logits, and keeps it only where cross-validation says that it
   * helps. @default "auto"; "none" for the tutorial's recipe
   */
  stacking?: "auto" | "none" | undefined;
  /** How probabilities are made to mean what they say; no decision changes. @default "platt"; "none" for the tutorial's recipe */
  calibrate?: CalibrationName | undefined;
  /**
   * Bytes that features may take in memory; more are streamed from disk, by a gradient optimiser and scored on the held-out tiles
   * alone. @default half of what is free
   */
  memory?: number | undefined;
  /** Replace a model in `out`. @default false */
  overwrite?: boolean | undefined;
  /** Go on with an interrupted training of the same tiles and settings. @default false */
  resume?: boolean | undefined;
}

export interface TrainSettings {
  config: HeadConfig;
  val: number;
  augment: "none" | "d4";
  tta: "none" | "d4";
  beta: number;
  features: "pyramid" | "last";
  exclusive: "auto" | readonly (readonly string[])[];
  stacking: "auto" | "none";
  calibrate: CalibrationName;
  /** Says where features of so many bytes go. */
  placeFeatures: (bytes: number) => "memory" | "disk";
  /** The optimiser for features on disk: the one asked for, or mini-batch descent instead of L-BFGS. */
  streamedConfig: () => GradientConfig;
  /** Elements of the dihedral group that are needed. */
  variants: readonly number[];
}

/** @throws OptionError for a value out of range, and for one that the optimiser has no use for */
export function resolveTrainSettings(options: TrainOptions): TrainSettings {
  // The tutorial's head is to be Keras', weight for weight.
  const plain = options.head?.recipe === "tutorial";
  const { val = 0.2, augment = "none", tta = "none", beta = 2, exclusive = "auto" } = options;
  const { stacking = plain ? "none" : "auto", calibrate = plain ? "none" : "platt" } = options;
  checkInRange("val", val, 0, 0.9);
  checkInRange("beta", beta, 0.01, 100);
  checkOneOf("augment", augment, ["none", "d4"]);
  checkOneOf("tta", tta, ["none", "d4"]);
  checkOneOf("stacking", stacking, ["auto", "none"]);
  checkOneOf("calibrate", calibrate, CALIBRATIONS);
  const said = Object.entries(options.head ?? {}).filter(([, value]) => value !== undefined);
  const config = resolveHeadConfig(Object.fromEntries(said) as HeadOptions);
  const { features = config.optimizer === "lbfgs" ? "pyramid" : "last" } = options;
  checkOneOf("features", features, ["pyramid", "last"]);
  const { memory = process.availableMemory() / 2 } = options;
  checkInRange("memory", memory, 1, Number.MAX_SAFE_INTEGER);
  const wantsLbfgs = options.head?.optimizer === "lbfgs" || options.head?.l2 !== undefined;
  return {
    config,
    val,
    augment,
    tta,
    beta,
    features,
    exclusive,
    stacking,
    calibrate,
    variants: variantsFor(augment, tta),
    placeFeatures: (bytes) => placeFeatures(bytes * COPIES, memory, augment === "d4" || tta === "d4", wantsLbfgs),
    streamedConfig: () => (config.optimizer === "lbfgs" ? streamedConfig(config.seed, said) : config),
  };
}

/** `settings` for features that come in `blocks`; see HeadConfig. */
export function withBlocks(settings: TrainSettings, blocks: readonly number[]): TrainSettings {
  if (blocks.length < 2) return settings;
  const { config, streamedConfig } = settings;
  return { ...settings, config: { ...config, blocks }, streamedConfig: () => ({ ...streamedConfig(), blocks }) };
}

/** Features are held once, and once more in the rows that a training is given. */
const COPIES = 2.2;

function placeFeatures(needed: number, memory: number, allVariants: boolean, wantsLbfgs: boolean): "memory" | "disk" {
  if (needed <= memory) return "memory";
  const sizes = `${gib(needed)} GiB of memory and ${gib(memory)} may be used: allow more with --memory`;
  if (allVariants)
    throw new InputError(`Features of all flips and turns need ${sizes}, or leave out --augment and --tta.`);
  if (wantsLbfgs)
    throw new InputError(`L-BFGS needs ${sizes}, or take another --optimizer, which streams features from disk.`);
  return "disk";
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toPrecision(2);
}

/** Mini-batch descent where features are on disk; `said` are options a user gave. Few passes are enough where there are many tiles. */
export function streamedConfig(seed: number, said: readonly [string, unknown][] = []): GradientConfig {
  const options = {
    ...Object.fromEntries(said),
    optimizer: "adam",
    scaling: "pareto",
    epochs: 20,
    seed,
  } as HeadOptions;
  return resolveHeadConfig(options) as GradientConfig;
}
