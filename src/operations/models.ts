/** The operations behind `canopy models`: backbones as plain records, for people and programs. */
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { checkKind, checkKinds, type OptionKinds } from "../check.js";
import { InputError } from "../errors.js";
import { statIfThere } from "../files/facts.js";
import { loadCheckpoint } from "../head/checkpoint.js";
import { type ImportOptions, importModel } from "../models/import.js";
import { pullModel } from "../models/pull.js";
import { findModel, listModels, type ModelEntry, type ModelPlace } from "../models/registry.js";
import type { RunContext } from "../run-context.js";

/** What `canopy models ... --json` prints for a backbone; the keys are stable. */
export interface ModelRecord {
  name: string;
  default: boolean;
  place: ModelPlace;
  path: string | null;
  bytes: number;
  sha256: string;
  licence: string;
  description: string;
  url: string | null;
  features: number;
  defaultSize: number;
  sizes: number[];
  fixedSize: number | null;
  scores: { metric: string; value: number; size: number; measuredOn: string }[];
}

/** Every backbone known by name. */
export function listBackbones(): ModelRecord[] {
  return listModels().map(toRecord);
}

/** One backbone; an OptionError names the nearest if `name` is unknown. */
export function showBackbone(name: string): ModelRecord {
  return toRecord(findModel(name));
}

/** Downloads a backbone into the user's cache; see pullModel. */
export async function pullBackbone(name: string, context: RunContext = {}): Promise<ModelRecord> {
  return toRecord(await pullModel(name, context));
}

const IMPORT_OPTIONS: OptionKinds<ImportOptions> = {
  name: "string?",
  overwrite: "boolean?",
  signal: true,
  input: "string?",
  layout: true,
  channels: true,
  normalisation: true,
  output: "string?",
  tokens: true,
  card: true,
  onWarning: true,
};

/** Makes a backbone of a user's ONNX file, or of the one in a trained model's folder; see importModel. */
export async function importBackbone(path: string, options: ImportOptions = {}): Promise<ModelRecord> {
  checkKind("path", path, "string");
  checkKinds(options, IMPORT_OPTIONS);
  if (!(await statIfThere(path))?.isDirectory()) return toRecord(await importModel(path, options));
  const { card } = await loadCheckpoint(path);
  const file = join(path, card.file);
  if (!existsSync(file)) {
    throw new InputError(`${path} holds no backbone: its model was trained on ${card.name}, stored elsewhere.`);
  }
  return toRecord(await importModel(file, { name: basename(resolve(path)), ...options, card }));
}

function toRecord({ card, place, path, isDefault }: ModelEntry): ModelRecord {
  return {
    name: card.name,
    default: isDefault,
    place,
    path: path ?? null,
    bytes: card.byteLength,
    sha256: card.sha256,
    licence: card.licence,
    description: card.description,
    url: card.url ?? null,
    features: card.features.count,
    defaultSize: card.input.defaultSize,
    sizes: card.input.recommendedSizes,
    fixedSize: card.input.fixedSize,
    scores: card.scores ?? [],
  };
}
