/**
 * The backbones canopy knows: those in the box (models/*.json), the untrained one it builds, those that can be pulled,
 * and those a user imported. In: a name or a file. Out: a card and the bytes it describes, checked by size and SHA-256.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { closest } from "fastest-levenshtein";
import { cacheFolder } from "../cache-folder.js";
import { ModelError, OptionError } from "../errors.js";
import type { ModelCard } from "./card.js";
import { readCard } from "./card-file.js";
import type { FileModelOptions } from "./file-model.js";
import { knownModel, saidOf } from "./known.js";
import { readModelFile } from "./read-model.js";
import { sha256Of } from "./sha256.js";

/** Where a backbone's bytes are: shipped with canopy, built when needed, in the user's cache, or not downloaded. */
export type ModelPlace = "box" | "built" | "cache" | "not downloaded";

export interface ModelEntry {
  card: ModelCard;
  place: ModelPlace;
  /** Path of the ONNX file, if there is one. */
  path?: string;
  /** Used if no backbone is given. */
  isDefault: boolean;
}

export interface ResolvedBackbone {
  card: ModelCard;
  /** The model file as it is; see prepareBackbone. */
  bytes: Uint8Array;
  /** Path of the list that its card names. */
  seenTiles?: string;
}

export interface ResolveOptions extends FileModelOptions {
  /** Pixels per side the backbone will be fed, checked against what it takes. @default the card's */
  size?: number;
  /** Whether the means of its maps at several resolutions follow its last features; see withPyramid. @default false */
  pyramid?: boolean;
  /** Ends trying the network out. */
  signal?: AbortSignal | undefined;
}

/** Folder of the cards and models that come with canopy. */
export const BOX = fileURLToPath(new URL("../../../models/", import.meta.url));

/** Folder of pulled and imported models. */
export function modelCache(): string {
  return join(cacheFolder(), "models");
}

/** Every backbone with a name: those in the box first, then the user's imports, each sorted by name. */
export function listModels(): ModelEntry[] {
  const box = cardsIn(BOX).map((card) => entryOf(card));
  const taken = new Set(box.map(({ card }) => card.name));
  const imported = cardsIn(modelCache()).filter((card) => !taken.has(card.name));
  return [...box, ...imported.map((card) => entryOf(card))];
}

/** `canopy`, the trained backbone in the box, or `untrained` without it. */
export function defaultBackbone(): string {
  return existsSync(join(BOX, "canopy.json")) ? "canopy" : "untrained";
}

/** The entry called `name`; an OptionError names the nearest if there is none. */
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
 * The backbone called `nameOrFile`, or the one in that ONNX file, which is tried out. Throws an OptionError for an unknown name, a
 * ModelError if it is not downloaded, damaged, takes no tiles of `options.size`, or cannot serve; see probeBackbone.
 */
export async function resolveBackbone(nameOrFile: string, options: ResolveOptions = {}): Promise<ResolvedBackbone> {
  const found = isFile(nameOrFile) ? await resolveFile(nameOrFile, options) : await resolveName(nameOrFile);
  const { card, bytes } = found;
  if (!isFile(nameOrFile)) refuseSaid(nameOrFile, options);
  const { fixedSize } = card.input;
  if (options.size !== undefined && fixedSize !== null && fixedSize !== options.size) {
    throw new ModelError(`${nameOrFile} takes tiles of ${fixedSize} pixels only, not ${options.size}.`);
  }
  const size = options.size ?? fixedSize ?? card.input.defaultSize;
  const wanted = options.pyramid ? (await import("./pyramid.js")).withPyramid(card, bytes) : card;
  if (isVouchedFor(card)) return { ...found, card: wanted };
  const { probeBackbone } = await import("./probe.js");
  return { ...found, card: await probeBackbone(bytes, wanted, size, options) };
}

/** Whether the backbone comes with canopy or can be pulled. */
function isObtainable({ sha256 }: ModelCard): boolean {
  return listModels().some(
    ({ card, place }) => card.sha256 === sha256 && (card.url !== undefined || place !== "cache"),
  );
}

/** Networks with a known hash are known to run; all others are tried out. */
export function isVouchedFor(card: ModelCard): boolean {
  return isObtainable(card) || knownModel(card.sha256) !== undefined;
}

/** Throws a ModelError if `bytes` are not what `card` says; `path` is for the message. */
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

/** @throws OptionError for what only a file needs to be told */
function refuseSaid(name: string, options: ResolveOptions): void {
  const [said] = saidOf(options);
  if (said !== undefined) throw new OptionError(`The backbone ${name} says its ${said} itself: leave the option out.`);
}

async function resolveFile(path: string, options: ResolveOptions): Promise<ResolvedBackbone> {
  const bytes = await readModelFile(
    path,
    "Give the path of an ONNX file, or the name of a backbone (canopy models list).",
  );
  const { describeWithAdvice } = await import("./tried-advice.js");
  return { card: await describeWithAdvice(bytes, path, options), bytes };
}

/** The backbone called `name`, checked; see resolveBackbone. */
export async function resolveName(name: string): Promise<ResolvedBackbone> {
  const { card, place, path } = findModel(name);
  if (card.untrained !== undefined) {
    const { buildMobileNetV2, untrainedWeights } = await import("./mobilenetv2.js");
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
  const bytes = await readModelFile(path, `\`canopy models pull ${name}\` fetches it again.`);
  verify(bytes, card, path);
  return { card, bytes, ...(card.seenTiles !== undefined && { seenTiles: join(dirname(path), card.seenTiles) }) };
}
