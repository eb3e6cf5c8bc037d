/**
 * The backbones canopy knows: those in the box (models/*.json), the untrained one it builds, those that can be pulled, and those a user
 * imported. Comes in: a name or a file. Goes out: a card and the bytes it describes, checked by size and SHA-256.
 */
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { closest } from "fastest-levenshtein";
import { cacheFolder } from "../cache-folder.js";
import { ModelError, OptionError } from "../errors.js";
import type { ModelCard } from "./card.js";
import { readCard } from "./card-file.js";
import { describeFile, type FileModelOptions, sha256Of } from "./file-model.js";
import { buildMobileNetV2, untrainedWeights } from "./mobilenetv2.js";

/** Where a backbone's bytes are: shipped with canopy, built on the fly, in the user's cache, or not here yet. */
export type ModelPlace = "box" | "built" | "cache" | "not downloaded";

export interface ModelEntry {
  card: ModelCard;
  place: ModelPlace;
  /** Path of the ONNX file, where there is one. */
  path?: string;
  /** Given no backbone, this one is used. */
  isDefault: boolean;
}

export interface ResolvedBackbone {
  card: ModelCard;
  /** The model file as it is; prepareBackbone makes it take tiles. */
  bytes: Uint8Array;
}

export interface ResolveOptions extends FileModelOptions {
  /** Pixels per side the backbone will be fed, checked against what it takes. @default the card's */
  size?: number;
}

/** Folder of the cards and models that come with canopy. */
export const BOX = fileURLToPath(new URL("../../../models/", import.meta.url));

/** Folder of pulled and imported models. */
export function modelCache(): string {
  return join(cacheFolder(), "models");
}

/** Every backbone known by name: the box first, then the user's imports, each by name. */
export function listModels(): ModelEntry[] {
  const box = cardsIn(BOX).map((card) => entryOf(card));
  const taken = new Set(box.map(({ card }) => card.name));
  const imported = cardsIn(modelCache()).filter((card) => !taken.has(card.name));
  return [...box, ...imported.map((card) => entryOf(card))];
}

/** `canopy`, the trained backbone in the box, or `untrained` where it is not there. */
export function defaultBackbone(): string {
  return existsSync(join(BOX, "canopy.json")) ? "canopy" : "untrained";
}

/** The entry called `name`; an OptionError names the nearest where there is none. */
export function findModel(name: string): ModelEntry {
  const models = listModels();
  const entry = models.find(({ card }) => card.name === name);
  if (entry !== undefined) return entry;
  const names = models.map(({ card }) => card.name);
  throw new OptionError(
    `There is no backbone called "${name}"; did you mean "${closest(name, names)}"? Known are ${names.join(", ")}, or give a FILE.onnx.`,
  );
}

/**
 * The backbone called `nameOrFile`, or the one in that ONNX file. Throws an OptionError for an unknown name, a ModelError where it is
 * not downloaded, damaged, or takes no tiles of `options.size`.
 */
export async function resolveBackbone(nameOrFile: string, options: ResolveOptions = {}): Promise<ResolvedBackbone> {
  const resolved = isFile(nameOrFile) ? await resolveFile(nameOrFile, options) : await resolveName(nameOrFile);
  const { fixedSize } = resolved.card.input;
  if (options.size !== undefined && fixedSize !== null && fixedSize !== options.size) {
    throw new ModelError(`${nameOrFile} takes tiles of ${fixedSize} pixels only, not ${options.size}.`);
  }
  return resolved;
}

/**
 * The bytes of a backbone whose card was recorded elsewhere (in a trained model's folder): by its name, or where its file lay, and only
 * if the hash is the recorded one. `file` says where it is now.
 */
export async function loadBackbone(card: ModelCard, options: { file?: string } = {}): Promise<Uint8Array> {
  if (options.file === undefined && listModels().some((each) => each.card.sha256 === card.sha256)) {
    const entry = listModels().find((each) => each.card.sha256 === card.sha256) as ModelEntry;
    return (await resolveName(entry.card.name)).bytes;
  }
  const path = options.file ?? card.file;
  if (options.file === undefined && !isAbsolute(path)) {
    throw new ModelError(
      `The model was trained on another version of the backbone ${card.name} (sha256 ${card.sha256}), which this canopy does not have: ` +
        "train it again, use the canopy that trained it, or name that version's file with `backbone`.",
    );
  }
  const advice = `The model was trained on the backbone ${card.name} (sha256 ${card.sha256}): name its file with \`backbone\`.`;
  const bytes = await readModel(path, advice);
  verify(bytes, card, path);
  return bytes;
}

/** Throws a ModelError where `bytes` are not what `card` says; `path` is for the message. */
export function verify(bytes: Uint8Array, card: ModelCard, path: string): void {
  if (bytes.byteLength !== card.byteLength) {
    throw new ModelError(`${path} has ${bytes.byteLength} bytes, the backbone ${card.name} has ${card.byteLength}.`);
  }
  const sha256 = sha256Of(bytes);
  if (sha256 !== card.sha256) {
    throw new ModelError(`${path} is not the backbone ${card.name}: its SHA-256 is ${sha256}, not ${card.sha256}.`);
  }
}

function cardsIn(folder: string): ModelCard[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => readCard(join(folder, name)));
}

function entryOf(card: ModelCard): ModelEntry {
  const isDefault = card.name === defaultBackbone();
  if (card.untrained !== undefined) return { card, place: "built", isDefault };
  for (const [place, folder] of [["box", BOX] as const, ["cache", modelCache()] as const]) {
    const path = join(folder, card.file);
    if (existsSync(path)) return { card, place, path, isDefault };
  }
  return { card, place: "not downloaded", isDefault };
}

function isFile(nameOrFile: string): boolean {
  return /\.onnx$/i.test(nameOrFile) || basename(nameOrFile) !== nameOrFile;
}

async function resolveFile(path: string, options: FileModelOptions): Promise<ResolvedBackbone> {
  const bytes = await readModel(path, "Give the path of an ONNX file, or the name of a backbone (canopy models list).");
  return { card: describeFile(bytes, path, options), bytes };
}

async function resolveName(name: string): Promise<ResolvedBackbone> {
  const { card, place, path } = findModel(name);
  if (card.untrained !== undefined) {
    const bytes = buildMobileNetV2(untrainedWeights(card.untrained.seed));
    verify(bytes, card, "The untrained MobileNetV2 canopy built");
    return { card, bytes };
  }
  if (path === undefined || place === "not downloaded") {
    const size = `${(card.byteLength / 1e6).toFixed(1)} MB`;
    throw new ModelError(
      `The backbone ${name} is not on this machine: \`canopy models pull ${name}\` fetches it (${size}).`,
    );
  }
  const bytes = await readModel(path, `\`canopy models pull ${name}\` fetches it again.`);
  verify(bytes, card, path);
  return { card, bytes };
}

async function readModel(path: string, advice: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ModelError(`${path} cannot be read (${(cause as NodeJS.ErrnoException).code}). ${advice}`, { cause });
  }
}
