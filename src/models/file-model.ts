/**
 * The card of a user's ONNX file: from the card beside it, by a known hash, or from the file itself and the options.
 */
import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { ModelError } from "../errors.js";
import { decodeModel } from "../onnx/proto.js";
import { cutModel, type Tokens } from "../onnx/surgery.js";
import type { ModelCard } from "./card.js";
import { readCard } from "./card-file.js";
import { imageInput } from "./image-input.js";
import { knownModel, saidOf } from "./known.js";
import { sha256Of } from "./sha256.js";

/** How the network wants its pixels: `imagenet` mean and std, `tf` [-1, 1], `unit` [0, 1], `raw` 0..255. */
export const NORMALISATIONS = {
  imagenet: { scale: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  tf: { scale: 127.5, mean: [1, 1, 1], std: [1, 1, 1] },
  unit: { scale: 255, mean: [0, 0, 0], std: [1, 1, 1] },
  raw: { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
} as const satisfies Record<string, Pick<ModelCard["input"], "scale" | "mean" | "std">>;

export type Normalisation = keyof typeof NORMALISATIONS;

/** What a user may say about a file without a card. With a card, or a known hash, none of it is needed. */
export interface FileModelOptions {
  /** Name of the image input. @default the only input */
  input?: string;
  /** Order of the input's dimensions. @default from the input's shape, or from what the network does first */
  layout?: "NCHW" | "NHWC";
  /** Order of the input's colours. @default "RGB" */
  channels?: "RGB" | "BGR";
  /** What pixels are scaled to for the network. @default "imagenet", with a warning; "raw" if it takes integers */
  normalisation?: Normalisation;
  /** The value to take as features. @default found by cutAtFeatures */
  output?: string;
  /**
   * If the network ends in tokens: its class token or the mean of all. @default "class" if it has one, with a warning
   */
  tokens?: Tokens;
  /** What is known of the file already; it must be the card of these bytes. */
  card?: ModelCard;
  /** Called with what had to be guessed. */
  onWarning?: (message: string) => void;
}

/** The card of the model `bytes` read from `path`. Throws a ModelError if the file is no usable image network. */
export function describeFile(bytes: Uint8Array, path: string, options: FileModelOptions = {}): ModelCard {
  const identity = { file: resolve(path), byteLength: bytes.byteLength, sha256: sha256Of(bytes) };
  const known = knownFacts(path, identity.sha256, options);
  if (known === undefined) return describeUnknown(bytes, path, identity, options);
  const unused = saidOf(options);
  if (unused.length > 0) {
    options.onWarning?.(
      `canopy knows how ${path} wants its pixels, and does not use what is given: ${unused.join(", ")}.`,
    );
  }
  return { ...known, ...identity };
}

function knownFacts(path: string, sha256: string, { card: given }: FileModelOptions) {
  if (given !== undefined) {
    if (given.sha256 !== sha256) throw otherFile(path, "the model's folder");
    return given;
  }
  const sidecar = `${path.replace(/\.onnx$/i, "")}.card.json`;
  if (existsSync(sidecar)) {
    const card = readCard(sidecar);
    if (card.sha256 !== sha256) throw otherFile(path, sidecar);
    return card;
  }
  return structuredClone(knownModel(sha256));
}

function otherFile(path: string, card: string): ModelError {
  return new ModelError(`${card} is the card of another file than ${path}: hashes differ.`);
}

function describeUnknown(
  bytes: Uint8Array,
  path: string,
  identity: Pick<ModelCard, "file" | "byteLength" | "sha256">,
  options: FileModelOptions,
): ModelCard {
  const model = decodeModel(bytes, path);
  const { output, tokens } = options;
  const cut = cutModel(model, { path, ...(output && { output }), ...(tokens && { tokens }) });
  const { type, ...input } = imageInput(model.graph, path, options);
  for (const note of cut.notes) options.onWarning?.(`${path}: ${note}`);
  const normalisation = options.normalisation ?? (type.startsWith("float") ? assumeImagenet(path, options) : "raw");
  return {
    name: basename(path).replace(/\.onnx$/i, ""),
    ...identity,
    licence: "unknown",
    description: `A user's own file, ${basename(path)}.`,
    input: {
      ...input,
      channels: options.channels ?? "RGB",
      ...structuredClone(mutable(NORMALISATIONS[normalisation])),
      defaultSize: input.fixedSize ?? 224,
      recommendedSizes: [input.fixedSize ?? 224],
    },
    features: { output: cut.place ?? null, count: cut.count, ...(cut.tokens && { tokens: cut.tokens }) },
  };
}

function assumeImagenet(path: string, { onWarning }: FileModelOptions): Normalisation {
  onWarning?.(
    `Nothing says how ${path} wants its pixels; ImageNet's mean and standard deviation are assumed. ` +
      "`normalisation` says it: imagenet, tf, unit or raw.",
  );
  return "imagenet";
}

function mutable(preset: (typeof NORMALISATIONS)[Normalisation]): Pick<ModelCard["input"], "scale" | "mean" | "std"> {
  return { scale: preset.scale, mean: [...preset.mean], std: [...preset.std] };
}
