/** The options of `train`: checked, with defaults, sorted by stage. */
import { checkInRange, checkKinds, checkOneOf, type OptionKinds } from "../check.js";
import type { Bands, DecodeOptions } from "../decode/decoder.js";
import { checkStretchOption, type StretchOption } from "../decode/stretch.js";
import { OptionError } from "../errors.js";
import type { DeviceChoice } from "../features/device.js";
import { variantsFor } from "../features/dihedral.js";
import { type FinetuneConfig, type FinetuneOptions, resolveFinetune } from "../finetune/config.js";
import {
  type GradientConfig,
  type HeadConfig,
  type HeadOptions,
  resolveHeadConfig,
  type Scaling,
} from "../head/config.js";
import type { VariantUse } from "../head/variants.js";
import { type LabelOptions, labelOptions } from "../labels/options.js";
import type { ModelCard } from "../models/card.js";
import type { Normalisation } from "../models/file-model.js";
import type { Tokens } from "../onnx/surgery.js";
import { PRECISIONS } from "../quantise/precision.js";
import type { TileInputs } from "../tiles/inputs.js";
import { CALIBRATIONS, type CalibrationName } from "./calibration.js";
import type { DatasetOptions, FeatureBudget } from "./dataset.js";
import type { ReadoutOptions } from "./readout.js";
import type { TagTarget } from "./thresholds.js";

export interface TrainOptions extends LabelOptions {
  /** Folders, files, archives, patterns, `@list.txt`. */
  tiles: TileInputs;
  /**
   * Label file, or a folder with a folder for each tag; see readLabels. With `split` the tiles for training are trained
   * on, those for validation are held out, and those for testing left out.
   */
  labels: string;
  /** Model folder to write; it appears whole or not at all. */
  out: string;
  /** Name of a backbone (`canopy models list`) or FILE.onnx. @default the one in the box */
  backbone?: string | undefined;
  /**
   * Puts a copy of the backbone into the model's folder. Without it the model names it by its hash: it must be one that canopy knows, or lie
   * in a folder of CANOPY_BACKBONES.
   * @default true
   */
  storeBackbone?: boolean | undefined;
  /** The scaling of pixels for an unknown FILE.onnx. @default "imagenet", with a warning; "raw" if it takes integers */
  normalisation?: Normalisation | undefined;
  /**
   * If a FILE.onnx ends in tokens: its class token or the mean of all. @default "class" if it has one, with a warning
   */
  tokens?: Tokens | undefined;
  /** Pixels per side the backbone is fed. @default the backbone's */
  size?: number | undefined;
  /**
   * What the backbone computes with (see docs/int8.md): 32-bit floats, 8-bit integers, half precision on a GPU, or what is better here;
   * with "auto" features are made with both.
   * @default "fp32"
   */
  precision?: PrecisionOption | undefined;
  /** What the backbone runs on. @default "auto" */
  device?: DeviceChoice | undefined;
  /** Decode threads. @default one per core */
  workers?: number | undefined;
  /** How tiles are decoded. @default DECODE_DEFAULTS */
  decode?: Partial<Omit<DecodeOptions, "size" | "bands" | "stretch">> | undefined;
  /** Bands of TIFFs that become red, green and blue, from 1, or the one that becomes gray; kept with the model. @default the first */
  bands?: Bands | undefined;
  /**
   * Sample values of TIFFs that become 0 and 255; percentiles are measured over the tiles, and kept with the model as values.
   * @default 8 bits as they are, 16 over their whole range, others rejected
   */
  stretch?: StretchOption | undefined;
  /**
   * Which features of the backbone are used: the last alone, or also the means of the feature maps before each halving
   * of the resolution.
   * @default "pyramid"; "last" for gradient optimisers, which do not scale features unless told to
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
  /** Thresholds of single tags by a precision or recall, instead of F-beta. @default [] */
  targets?: readonly TagTarget[] | undefined;
  /**
   * Groups of tags of which a tile has exactly one, and gets exactly one. "auto" finds groups in the labels, in which thresholds decide, and
   * drops them if they cost score; [] is for none. @default "auto", [] for the tutorial's recipe
   */
  exclusive?: "auto" | readonly (readonly string[])[] | undefined;
  /**
   * Then trains backbone and head together, and keeps that model if it scores better on tiles that it has not seen. @default
   * false
   */
  finetune?: boolean | FinetuneOptions | undefined;
  /** Calibration of probabilities; it changes no decision. @default "platt"; "none" for the tutorial's recipe */
  calibrate?: CalibrationName | undefined;
  /**
   * Bytes that features may take in memory; more are streamed from disk, by a gradient optimiser and scored on the held-out tiles
   * alone. @default half of what is free
   */
  memory?: number | undefined;
  /** Folder for the numbers of the training, as a file of events for TensorBoard. @default none */
  tensorboard?: string | undefined;
  /** Of label-errors.csv: see `CsvOptions`. @default false */
  escapeFormulas?: boolean | undefined;
  /** Replace a model in `out`. @default false */
  overwrite?: boolean | undefined;
  /** Go on with an interrupted training of the same tiles and settings. @default false */
  resume?: boolean | undefined;
}

export interface TrainSettings {
  precision: PrecisionOption;
  backbone: BackboneSettings;
  data: Omit<DatasetOptions, "backbone" | "size">;
  fit: FitSettings;
  readout: Required<Pick<ReadoutOptions, "beta" | "exclusive" | "calibrate" | "targets">>;
  /** Absent if the backbone stays as it is. */
  finetune?: FinetuneConfig;
}

const PRECISION_OPTIONS = ["auto", ...PRECISIONS] as const;
export type PrecisionOption = (typeof PRECISION_OPTIONS)[number];

export interface BackboneSettings {
  /** Undefined for the default. */
  name: string | undefined;
  /** Whether the model holds a copy. */
  store: boolean;
  size: number | undefined;
  normalisation: Normalisation | undefined;
  tokens: Tokens | undefined;
  features: "pyramid" | "last";
}

export interface FitSettings extends VariantUse {
  head: HeadConfig;
  /** For features on disk: `head`, or mini-batch descent instead of L-BFGS. */
  headOnDisk: GradientConfig;
  /** Share of the tiles. */
  holdOut: number;
}

const FINETUNE_OPTIONS: OptionKinds<FinetuneOptions> = { epochs: true, learningRate: true, blocks: true };

/**
 * What the options say, with what the backbone's `card` recommends where they say nothing.
 * @throws OptionError for a value out of range, and for one that the optimiser has no use for
 */
export function resolveTrainSettings(options: TrainOptions, card?: ModelCard): TrainSettings {
  const fit = resolveFit(options);
  const { tiles, labels, backbone, normalisation, tokens, size, device, workers, decode, bands, stretch } = options;
  if (stretch !== undefined) checkStretchOption(stretch);
  const { features = fit.head.optimizer === "lbfgs" ? "pyramid" : "last" } = options;
  checkOneOf("features", features, ["pyramid", "last"]);
  const { precision = "fp32" } = options;
  checkOneOf("precision", precision, PRECISION_OPTIONS);
  if (options.head?.recipe === "tutorial" && precision !== "fp32") {
    throw new OptionError(
      `The recipe tutorial computes with floats: leave out \`precision\` ${precision}, or the recipe.`,
    );
  }
  const variants = variantsFor(fit.augment, fit.tta);
  return {
    precision,
    backbone: { name: backbone, store: options.storeBackbone ?? true, size, normalisation, tokens, features },
    data: {
      tiles,
      labels,
      ...labelOptions(options),
      parts: [["train", "val"]],
      device,
      workers,
      decode: { ...decode, bands: bands ?? null },
      stretch,
      variants,
      budget: resolveBudget(options, variants),
    },
    fit,
    readout: resolveReadout(options),
    ...resolveTuning(options, fit, card),
  };
}

function resolveTuning(
  { finetune = false }: TrainOptions,
  { head }: FitSettings,
  card: ModelCard | undefined,
): Pick<TrainSettings, "finetune"> {
  if (finetune === false) return {};
  const options = finetune === true ? {} : finetune;
  checkKinds(options, FINETUNE_OPTIONS, "finetune.");
  return { finetune: resolveFinetune(options, head.seed, card?.finetune?.learningRate) };
}

function resolveFit({ val = 0.2, augment = "none", tta = "none", head = {} }: TrainOptions): FitSettings {
  checkInRange("val", val, 0, 0.9);
  checkOneOf("augment", augment, ["none", "d4"]);
  checkOneOf("tta", tta, ["none", "d4"]);
  const said = Object.fromEntries(Object.entries(head).filter(([, value]) => value !== undefined)) as HeadOptions;
  const config = resolveHeadConfig(said);
  const headOnDisk = config.optimizer === "lbfgs" ? streamedConfig(config.seed, config.scaling) : config;
  return { head: config, headOnDisk, holdOut: val, augment, tta };
}

function resolveReadout({
  beta = 2,
  exclusive,
  calibrate,
  targets = [],
  head,
}: TrainOptions): TrainSettings["readout"] {
  // The tutorial's head shall equal that of Keras in every weight.
  const isTutorial = head?.recipe === "tutorial";
  const chosen = calibrate ?? (isTutorial ? "none" : "platt");
  for (const { measure, value } of targets) {
    checkOneOf("targets", measure, ["precision", "recall"]);
    checkInRange("targets", value, 0, 1);
  }
  checkInRange("beta", beta, 0.01, 100);
  checkOneOf("calibrate", chosen, CALIBRATIONS);
  return { beta, exclusive: exclusive ?? (isTutorial ? [] : "auto"), calibrate: chosen, targets };
}

function resolveBudget(options: TrainOptions, variants: readonly number[]): FeatureBudget {
  const { memory = process.availableMemory() / 2, head } = options;
  checkInRange("memory", memory, 1, Number.MAX_SAFE_INTEGER);
  const wantsLbfgs = head?.optimizer === "lbfgs" || head?.l2 !== undefined;
  return { bytes: memory, neededBy: variants.length > 1 ? "variants" : wantsLbfgs ? "lbfgs" : null };
}

/** Mini-batch descent for features on disk. With many tiles few passes are enough. */
export function streamedConfig(seed: number, scaling: Scaling = "pareto"): GradientConfig {
  return resolveHeadConfig({ optimizer: "adam", scaling, epochs: 20, seed }) as GradientConfig;
}
