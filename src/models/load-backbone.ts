/** Finds the backbone of a trained model again: in the model's folder, or elsewhere by its hash. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ModelError } from "../errors.js";
import { statIfThere } from "../files/facts.js";
import { namesIn } from "../files/output.js";
import type { ModelCard } from "./card.js";
import { probeBackbone } from "./probe.js";
import { readModelFile, readOwnFile } from "./read-model.js";
import { isVouchedFor, listModels, resolveName, verify } from "./registry.js";
import { sha256Of } from "./sha256.js";

export interface LoadOptions {
  /** Folder of the trained model, which may hold the backbone. */
  folder?: string | undefined;
  /** The backbone's file, if it is to be no other. */
  file?: string | undefined;
  /** Pixels per side it will be fed. */
  size?: number | undefined;
  /** Ends trying the network out. */
  signal?: AbortSignal | undefined;
}

/**
 * The bytes of a backbone whose card is in a trained model's folder: from a file that is named, from that folder, or by its hash from
 * those that canopy knows and from the folders of CANOPY_BACKBONES. No other place is searched, whatever the card says; bytes with
 * another hash are refused.
 */
export async function loadBackbone(card: ModelCard, options: LoadOptions = {}): Promise<Uint8Array> {
  const bytes = await findBytes(card, options);
  if (isVouchedFor(card)) return bytes;
  await probeBackbone(bytes, card, options.size ?? card.input.defaultSize, options);
  return bytes;
}

async function findBytes(card: ModelCard, { folder, file }: LoadOptions): Promise<Uint8Array> {
  const advice = `The model was trained on the backbone ${card.name} (sha256 ${card.sha256}): name its file with \`backbone\`.`;
  if (file !== undefined) return verified(await readModelFile(file, advice), card, file);
  if (folder !== undefined && existsSync(join(folder, card.file))) {
    return verified(await readOwnFile(folder, card.file, advice), card, join(folder, card.file));
  }
  const entry = listModels().find((each) => each.card.sha256 === card.sha256);
  if (entry !== undefined) return (await resolveName(entry.card.name)).bytes;
  const found = await search(card);
  if (found !== undefined) return found;
  throw new ModelError(describeMissing(card, folder));
}

function verified(bytes: Uint8Array, card: ModelCard, path: string): Uint8Array {
  verify(bytes, card, path);
  return bytes;
}

/** Folders for backbones that are too large to be in every model that is trained on them. */
function searchPath(): string[] {
  return (process.env["CANOPY_BACKBONES"] ?? "").split(delimiter).filter((folder) => folder !== "");
}

/** The file of these very bytes, whatever it is called. */
async function search({ byteLength, sha256 }: ModelCard): Promise<Uint8Array | undefined> {
  for (const folder of searchPath()) {
    const names = (await statIfThere(folder)) ? await namesIn(folder) : [];
    for (const path of names.filter((name) => /\.onnx$/i.test(name)).map((name) => join(folder, name))) {
      const stats = await statIfThere(path);
      if (!stats?.isFile() || stats.size !== byteLength) continue;
      const bytes = await readModelFile(path, "Take it out of CANOPY_BACKBONES, or make it readable.");
      if (sha256Of(bytes) === sha256) return bytes;
    }
  }
  return undefined;
}

function describeMissing({ name, sha256 }: ModelCard, folder: string | undefined): string {
  const here = listModels().some(({ card }) => card.name === name);
  const other = here
    ? ` The ${name} of this canopy is another version; the canopy that trained the model has the right one.`
    : "";
  const places = [...(folder === undefined ? [] : [folder]), "canopy itself", "the folders of CANOPY_BACKBONES"];
  return (
    `The backbone ${name} (sha256 ${sha256}) that the model was trained on is not in ${places.join(", ")}: ` +
    `name its file with \`backbone\`.${other}`
  );
}
