/**
 * Checkpoint: a trained model as a folder. `model.json` is the readable part, with the hashes of the other two files;
 * `head.safetensors` holds the weights, `history.csv` one row per epoch. docs/formats.md describes the format.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { FormatError, InputError } from "../errors.js";
import { isMissing } from "../files/facts.js";
import { MOST_JSON_BYTES, refuseHugeJson } from "../files/json-size.js";
import { readWholeRegular } from "../files/open-regular.js";
import { ensureFolder } from "../files/output.js";
import { type FileContent, writeTogether } from "../files/write.js";
import { decodeSafetensors, encodeSafetensors } from "../onnx/safetensors.js";
import { float32 } from "../onnx/tensor.js";
import { type Checkpoint, checkModelJson, formatVersion, type ModelJson } from "./checkpoint-json.js";
import type { Head } from "./head.js";
import { historyFromCsv, historyToCsv } from "./history.js";

export type { Checkpoint };

const FILES = { model: "model.json", head: "head.safetensors", history: "history.csv" } as const;

/**
 * Writes `checkpoint` into `folder` and makes the folder if it is missing. A model already there is replaced; other
 * files stay. `model.json` takes its place last, when all files are on the disk: without it there is no model, and its
 * hashes show an interruption between the three renames.
 */
export async function saveCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  const files = toFiles(folder, checkpoint);
  await ensureFolder(folder);
  await writeTogether(files);
}

/**
 * The checkpoint in `folder`.
 *
 * @throws InputError if there is none
 * @throws FormatError for a damaged or foreign file, a version this canopy does not know, shapes that do not fit, and hashes that
 *   do not match; the message names the file and says what to do
 */
export async function loadCheckpoint(folder: string): Promise<Checkpoint> {
  const model = await readModelJson(folder);
  const headBytes = await readHashed(folder, FILES.head, model.files.head);
  const history = await readHashed(folder, FILES.history, model.files.history);
  const { version: _version, files: _files, thresholds, ...rest } = model;
  return {
    ...rest,
    thresholds: Float32Array.from(thresholds),
    head: readHead(join(folder, FILES.head), headBytes, model),
    history: historyFromCsv(history.toString("utf8"), join(folder, FILES.history)),
  };
}

/** In the order in which they take their places. */
function toFiles(folder: string, { head, history, thresholds, ...rest }: Checkpoint): FileContent[] {
  const { weight, bias, numFeatures, numTags } = head;
  const tensors = new Map([
    ["weight", float32([numFeatures, numTags], weight)],
    ["bias", float32([numTags], bias)],
  ]);
  const version = formatVersion(rest);
  const headBytes = encodeSafetensors(tensors, { format: "canopy head", version: String(version) });
  const historyBytes = Buffer.from(historyToCsv(history));
  const files = { head: sha256(headBytes), history: sha256(historyBytes) };
  const json: ModelJson = { version, ...rest, thresholds: [...thresholds], files };
  const content = `${JSON.stringify(json, undefined, 2)}\n`;
  // Fails before a model is written that could not be read again.
  checkModelJson(JSON.parse(content), join(folder, FILES.model));
  return [
    { path: join(folder, FILES.head), content: headBytes },
    { path: join(folder, FILES.history), content: historyBytes },
    { path: join(folder, FILES.model), content },
  ];
}

async function readModelJson(folder: string): Promise<ModelJson> {
  const path = join(folder, FILES.model);
  let text: string;
  try {
    text = (await readWholeRegular(path, MOST_JSON_BYTES)).toString("utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // Exported models and backbones are files, and are often named in place of the model.
    if (code === "ENOTDIR") {
      const remedy = "name the one that `canopy train` wrote";
      throw new InputError(`${folder} is no folder, and a model is one: ${remedy}.`, { cause });
    }
    if (!isMissing(cause)) throw new InputError(`${folder}: cannot read ${path} (${code}).`, { cause });
    throw new InputError(`${folder} holds no model: there is no ${path}. \`canopy train --out ${folder}\` makes one.`, {
      cause,
    });
  }
  refuseHugeJson(path, text);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, `${path} is damaged: it is not JSON. Restore it from a copy, or train again.`, {
      cause,
    });
  }
  return checkModelJson(json, path);
}

async function readHashed(folder: string, name: string, expected: string): Promise<Buffer> {
  const path = join(folder, name);
  let bytes: Buffer;
  try {
    bytes = await readWholeRegular(path);
  } catch (cause) {
    throw new FormatError(
      path,
      `The model in ${folder} is incomplete: cannot read ${path} (${(cause as NodeJS.ErrnoException).code}). Restore it, or train again.`,
      {
        cause,
      },
    );
  }
  if (sha256(bytes) !== expected) {
    throw new FormatError(
      path,
      `${path} is not the file that ${FILES.model} beside it was written with (its SHA-256 differs): restore both from one copy, or train again.`,
    );
  }
  return bytes;
}

function readHead(path: string, bytes: Buffer, { tags, card }: ModelJson): Head {
  const { tensors } = decodeSafetensors(bytes, path);
  const [weight, bias] = [tensors.get("weight"), tensors.get("bias")];
  const numFeatures = weight?.dims[0] ?? 0;
  const fits =
    weight?.data instanceof Float32Array &&
    bias?.data instanceof Float32Array &&
    weight.dims.length === 2 &&
    weight.dims[1] === tags.length &&
    bias.data.length === tags.length &&
    numFeatures === card.features.count;
  if (!fits) {
    throw new FormatError(
      path,
      `${path} does not hold a head of ${card.features.count} features and ${tags.length} tags, as ${FILES.model} says. Train again.`,
    );
  }
  const head = { weight: weight.data as Float32Array, bias: bias.data as Float32Array };
  for (const [name, values] of Object.entries(head)) {
    if (values.every(Number.isFinite)) continue;
    throw new FormatError(path, `${path} has values in "${name}" that are no finite numbers. Train again.`);
  }
  return { ...head, numFeatures, numTags: tags.length };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
