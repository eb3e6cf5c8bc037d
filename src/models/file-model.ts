/** The card of an ONNX file a user hands over: its sidecar, a known hash, or what the file and the options say. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { ModelError, OptionError } from "../errors.js";
import { indexGraph } from "../onnx/editing.js";
import type { ValueInfoProto } from "../onnx/gen/onnx_pb.js";
import { decodeModel } from "../onnx/proto.js";
import { declaredDims } from "../onnx/shapes.js";
import { cutModel } from "../onnx/surgery.js";
import type { ModelCard } from "./card.js";
import { readCard } from "./card-file.js";
import { knownModel } from "./known.js";

/** How the network wants its pixels: `imagenet` mean and std, `tf` [-1, 1], `unit` [0, 1], `raw` 0..255. */
export const NORMALISATIONS = {
  imagenet: { scale: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  tf: { scale: 127.5, mean: [1, 1, 1], std: [1, 1, 1] },
  unit: { scale: 255, mean: [0, 0, 0], std: [1, 1, 1] },
  raw: { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
} as const satisfies Record<string, Pick<ModelCard["input"], "scale" | "mean" | "std">>;

export type Normalisation = keyof typeof NORMALISATIONS;

/** What may be said about a file that has no card; a card, or a known hash, makes all of it unnecessary. */
export interface FileModelOptions {
  /** Name of the image input. @default the only input */
  input?: string;
  /** Order of the input's dimensions. @default from the input's shape */
  layout?: "NCHW" | "NHWC";
  /** Order of the input's colours. @default "RGB" */
  channels?: "RGB" | "BGR";
  /** What pixels are scaled to before the network takes them. @default "imagenet", with a warning */
  normalisation?: Normalisation;
  /** The value to take as features. @default found by cutAtFeatures */
  output?: string;
  /** Told of what had to be guessed. */
  onWarning?: (message: string) => void;
}

/** SHA-256 of `bytes` in hexadecimal. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The card of the model `bytes` read from `path`. Throws a ModelError where the file is no usable image network. */
export function describeFile(bytes: Uint8Array, path: string, options: FileModelOptions = {}): ModelCard {
  const identity = { file: resolve(path), byteLength: bytes.byteLength, sha256: sha256Of(bytes) };
  const sidecar = `${path.replace(/\.onnx$/i, "")}.card.json`;
  if (existsSync(sidecar)) {
    const card = readCard(sidecar);
    if (card.sha256 !== identity.sha256)
      throw new ModelError(`${sidecar} is the card of another file than ${path}: hashes differ.`);
    return { ...card, ...identity };
  }
  const known = knownModel(identity.sha256);
  return known === undefined
    ? describeUnknown(bytes, path, identity, options)
    : { ...structuredClone(known), ...identity };
}

function describeUnknown(
  bytes: Uint8Array,
  path: string,
  identity: Pick<ModelCard, "file" | "byteLength" | "sha256">,
  options: FileModelOptions,
): ModelCard {
  const model = decodeModel(bytes, path);
  const features = cutModel(model, { path, ...(options.output === undefined ? {} : { output: options.output }) });
  const { initializers } = indexGraph(model.graph);
  const inputs = model.graph.input.filter((each) => !initializers.has(each.name));
  const input = imageInput(inputs, path, options);
  const dims = declaredDims(input) ?? [];
  const layout = options.layout ?? (dims[3] === 3 && dims[1] !== 3 ? "NHWC" : "NCHW");
  const fixedSize = fixedSizeOf(layout === "NCHW" ? dims.slice(2) : dims.slice(1, 3), path);
  if (options.normalisation === undefined) {
    options.onWarning?.(
      `Nothing says how ${path} wants its pixels; ImageNet's mean and standard deviation are assumed. ` +
        "`normalisation` says it: imagenet, tf, unit or raw.",
    );
  }
  return {
    name: basename(path).replace(/\.onnx$/i, ""),
    ...identity,
    licence: "unknown",
    description: `A user's own file, ${basename(path)}.`,
    input: {
      name: input.name,
      layout,
      channels: options.channels ?? "RGB",
      ...structuredClone(mutable(NORMALISATIONS[options.normalisation ?? "imagenet"])),
      fixedSize,
      defaultSize: fixedSize ?? 224,
      recommendedSizes: [fixedSize ?? 224],
    },
    features: { output: options.output ?? null, count: features.count },
  };
}

function mutable(preset: (typeof NORMALISATIONS)[Normalisation]): Pick<ModelCard["input"], "scale" | "mean" | "std"> {
  return { scale: preset.scale, mean: [...preset.mean], std: [...preset.std] };
}

function imageInput(inputs: readonly ValueInfoProto[], path: string, options: FileModelOptions): ValueInfoProto {
  const names = inputs.map((each) => each.name).join(", ");
  const input = options.input === undefined ? inputs[0] : inputs.find((each) => each.name === options.input);
  if (input === undefined) {
    if (options.input === undefined) throw new ModelError(`${path} has no input its features depend on.`);
    throw new OptionError(`${path} has no input called "${options.input}"; it has ${names}.`);
  }
  if (inputs.length > 1)
    throw new ModelError(`The features of ${path} depend on several inputs (${names}): it is no image network.`);
  const rank = declaredDims(input)?.length;
  if (rank !== undefined && rank !== 4) {
    throw new ModelError(
      `Input "${input.name}" of ${path} has ${rank} dimensions; images have 4: [N, 3, H, W] or [N, H, W, 3].`,
    );
  }
  return input;
}

/** The side of the only square the input takes; null where height and width are free. */
function fixedSizeOf([height, width]: (number | undefined)[], path: string): number | null {
  if (height === undefined && width === undefined) return null;
  if (height !== undefined && width !== undefined && height !== width) {
    throw new ModelError(`${path} takes pictures of ${width}x${height} only; canopy's tiles are square.`);
  }
  return height ?? width ?? null;
}
