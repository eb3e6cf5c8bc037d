/** Imports a network: its part up to the features and a card go into the user's cache, under a name. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { InputError, InterruptedError } from "../errors.js";
import { readWholeRegular } from "../files/open-regular.js";
import { ensureFolder } from "../files/output.js";
import { writeTogether } from "../files/write.js";
import { cutAtFeatures } from "../onnx/surgery.js";
import type { ModelCard } from "./card.js";
import { cardText } from "./card-file.js";
import type { FileModelOptions } from "./file-model.js";
import { type ProbeOptions, probeBackbone } from "./probe.js";
import { readModelFile } from "./read-model.js";
import { listModels, type ModelEntry, modelCache } from "./registry.js";
import { sha256Of } from "./sha256.js";
import { describeWithAdvice } from "./tried-advice.js";

export interface ImportOptions extends FileModelOptions {
  /** What to call it. @default the file's name without .onnx */
  name?: string;
  /** Replace an import of the same name. @default false */
  overwrite?: boolean;
  /** Ends trying the network out. */
  signal?: AbortSignal | undefined;
}

/**
 * Cuts the classifier off the network in `path`, tries it out, and stores it under a name for `--backbone`. A size that
 * its input declares but does not need is dropped. Throws an InputError if the name is taken, a ModelError if the
 * network cannot serve.
 */
export async function importModel(path: string, options: ImportOptions = {}): Promise<ModelEntry> {
  const name = options.name ?? basename(path).replace(/\.onnx$/i, "");
  checkName(name, options.overwrite ?? false);
  const original = await readModelFile(path, "Give the path of an ONNX file.");
  const { seenTiles: list, ...found } = await describeWithAdvice(original, path, options);
  const seen = list === undefined ? undefined : await readIfThere(join(dirname(path), list));
  const cut = cutAtFeatures(original, {
    path,
    ...(found.features.output === null ? {} : { output: found.features.output }),
    ...(found.features.tokens === undefined ? {} : { tokens: found.features.tokens }),
  });
  const card: ModelCard = {
    ...found,
    name,
    file: `${name}.onnx`,
    byteLength: cut.model.byteLength,
    sha256: sha256Of(cut.model),
    description: `${found.description} Imported from ${basename(path)} (SHA-256 ${found.sha256}).`,
    features: { output: cut.features.output, count: cut.features.count },
    ...(seen && { seenTiles: `${name}.tiles.bin` }),
  };
  const probed = await probeBackbone(cut.model, card, card.input.defaultSize, options);
  await store(cut.model, await freeSize(cut.model, probed, options), seen);
  return listModels().find((each) => each.card.name === name) as ModelEntry;
}

function checkName(name: string, overwrite: boolean): void {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new InputError(
      `"${name}" is no name for a backbone: letters, digits, dot, dash and underscore; \`name\` gives another.`,
    );
  }
  const entry = listModels().find((each) => each.card.name === name);
  if (entry !== undefined && !(overwrite && entry.place === "cache" && entry.card.url === undefined)) {
    const advice = entry.card.url === undefined && entry.place === "cache" ? "`overwrite` replaces it, or " : "";
    throw new InputError(`There is a backbone called ${name} already; ${advice}\`name\` gives this one another.`);
  }
}

/** The card without its fixed size if the network also runs 32 pixels larger. */
async function freeSize(model: Uint8Array, card: ModelCard, options: ProbeOptions): Promise<ModelCard> {
  const { fixedSize } = card.input;
  if (fixedSize === null) return card;
  const free = { ...card, input: { ...card.input, fixedSize: null } };
  return probeBackbone(model, free, fixedSize + 32, options).catch((error) => {
    if (error instanceof InterruptedError) throw error;
    return card;
  });
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return existsSync(path) ? readWholeRegular(path) : undefined;
}

/** The model is written before its card, so that a card always has its files. */
async function store(model: Uint8Array, card: ModelCard, seen: Uint8Array | undefined): Promise<void> {
  const folder = modelCache();
  await ensureFolder(folder);
  await writeTogether([
    { path: join(folder, card.file), content: model },
    ...(seen && card.seenTiles ? [{ path: join(folder, card.seenTiles), content: seen }] : []),
    { path: join(folder, `${card.name}.json`), content: cardText(card) },
  ]);
}
