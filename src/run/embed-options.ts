/** Options of a bulk embedding, and the identity of its run. */
import { createHash } from "node:crypto";
import { checkOneOf, type OptionKinds } from "../check.js";
import type { EngineOptions, LoadedNetwork } from "../engine/engine.js";
import { OptionError } from "../errors.js";
import type { DeviceChoice } from "../features/device.js";
import type { Normalisation } from "../models/file-model.js";
import type { Tokens } from "../onnx/surgery.js";
import type { Precision } from "../quantise/precision.js";
import { RUN_VERSION } from "./formats.js";
import type { RunKind } from "./identity.js";
import { BULK_OPTIONS, type BulkOptions, checkBulkOptions, settingsOf } from "./options.js";

export interface EmbedOptions extends BulkOptions {
  /** Ends in .parquet or .jsonl. */
  out: string;
  /** Folder of a trained model, whose backbone is used as in its training. @default none: `backbone` says which */
  model?: string | undefined;
  /** With a model the file of its backbone; without one a name (`canopy models list`) or FILE.onnx. */
  backbone?: string | undefined;
  /** What the backbone runs on. @default "auto" */
  device?: DeviceChoice | undefined;
  /** Without a model: pixels per side. @default the backbone's */
  size?: number | undefined;
  /** Without a model: the last features alone, or means of feature maps at several resolutions too. @default "last" */
  features?: "pyramid" | "last" | undefined;
  /** Without a model: the scaling of pixels for an unknown FILE.onnx. @default "imagenet", with a warning */
  normalisation?: Normalisation | undefined;
  /** Without a model: of a FILE.onnx that ends in tokens the class token, or the mean of all. @default "class" if it has one */
  tokens?: Tokens | undefined;
}

/** What only a backbone without a model takes: a model says it itself. */
const BACKBONE_OPTIONS = ["size", "features", "normalisation", "tokens"] as const;

export const EMBED_OPTIONS: OptionKinds<EmbedOptions> = {
  model: "string?",
  backbone: "string?",
  device: true,
  size: true,
  features: true,
  normalisation: true,
  tokens: true,
  ...BULK_OPTIONS,
};

/** Throws an OptionError for the first value that does not fit. */
export function checkEmbedOptions(options: EmbedOptions): void {
  checkBulkOptions(options);
  if (options.features !== undefined) checkOneOf("features", options.features, ["pyramid", "last"]);
  if (options.model === undefined) {
    if (options.backbone === undefined) throw new OptionError("Give a `model`, or a `backbone` without one.");
    return;
  }
  const surplus = BACKBONE_OPTIONS.find((name) => options[name] !== undefined);
  if (surplus !== undefined) throw new OptionError(`The model says its \`${surplus}\` itself: leave the option out.`);
}

/** A network, and what tells it from others. */
export interface NamedNetwork {
  network: LoadedNetwork;
  /** Of the backbone. */
  name: string;
  /** What its features depend on beside how tiles are decoded: hash of the file, input, outputs, precision. */
  facts: readonly unknown[];
  precision: Precision;
}

/** The identity of a run with these options, except its input. */
export function embedIdentity(
  { network, name, facts }: NamedNetwork,
  setup: EngineOptions,
  options: EmbedOptions,
): RunKind {
  const hash = createHash("sha256").update(JSON.stringify(["embedding", network.preprocessing, ...facts]));
  return {
    version: RUN_VERSION,
    model: { sha256: hash.digest("hex"), backbone: name, tags: [] },
    settings: {
      probabilities: false,
      escapeFormulas: false,
      threshold: null,
      numFeatures: network.numFeatures,
      ...settingsOf(network, setup, options),
    },
    shard: options.shard ?? null,
  };
}
