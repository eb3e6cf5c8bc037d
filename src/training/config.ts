/** A training's configuration as a file: the options of `train`, in YAML or JSON. */
import { createRequire } from "node:module";
import { isDeepStrictEqual } from "node:util";
import { FormatError } from "../errors.js";
import { readWholeRegularSync } from "../files/open-regular.js";
import { defaultBackbone } from "../models/registry.js";
import { resolveTrainSettings, type TrainOptions } from "./settings.js";

/** In a model's folder: what it was trained with. */
export const CONFIG_FILE = "config.yaml";

/** The parser takes gigabytes for long files. */
const MOST_BYTES = 2 ** 18;

// Loaded when it is needed: most commands read no YAML.
const loadYaml = (): typeof import("yaml") => createRequire(import.meta.url)("yaml");

/** Options of the run and its machine: they do not change what is learnt. */
const OF_A_RUN = new Set(["device", "workers", "memory", "tensorboard", "escapeFormulas"]);

/** The options in the file `path`, as they are written: `train` checks them. */
export function readConfig(path: string): Partial<TrainOptions> {
  const text = readText(path);
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (cause) {
    throw new FormatError(path, `${path} cannot be read as YAML or JSON: ${(cause as Error).message.split("\n")[0]}`, {
      cause,
    });
  }
  if (!isRecord(parsed)) {
    throw new FormatError(path, `${path} holds no options: write them as \`tiles: train-jpg\`, one on a line.`);
  }
  return toCamelCase(parsed) as Partial<TrainOptions>;
}

function readText(path: string): string {
  try {
    return readWholeRegularSync(path, MOST_BYTES).toString("utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new FormatError(path, `The configuration ${path} cannot be read (${code}).`, { cause });
  }
}

function parse(text: string): unknown {
  const { parseDocument, visit } = loadYaml();
  // The library compares every key with every other, which takes minutes for many.
  const document = parseDocument(text, { uniqueKeys: false });
  if (document.errors.length > 0) throw document.errors[0];
  visit(document, { Map: (_, { items }) => refuseRepeated(items.map(({ key }) => String(key))) });
  // Aliases may stand for any number of values.
  return document.toJS({ maxAliasCount: 0 });
}

function refuseRepeated(keys: readonly string[]): void {
  const seen = new Set<string>();
  for (const key of keys) {
    if (seen.has(key)) throw new Error(`the option ${key} is there twice`);
    seen.add(key);
  }
}

/** Names may also be spelt as flags are, or as in JSON that canopy prints: `batch-size`, `batch_size`. */
function toCamelCase(options: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(options).map(([name, value]) => [
    name.replaceAll(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    isRecord(value) ? toCamelCase(value) : value,
  ]);
  return Object.fromEntries(entries);
}

/** The file for `options`: all that are given, and the defaults of those that decide what is trained. */
export function configToYaml(options: TrainOptions): string {
  return loadYaml().stringify(completeOptions(options), { aliasDuplicateObjects: false });
}

/** Those of an output's place and state are of one run, and left out. */
export function completeOptions({ out: _out, overwrite: _overwrite, resume: _resume, ...options }: TrainOptions) {
  const { backbone, fit, precision, readout } = resolveTrainSettings({ ...options, out: "" });
  const complete = {
    ...options,
    backbone: backbone.name ?? defaultBackbone(),
    features: backbone.features,
    precision,
    head: { ...options.head, seed: fit.head.seed },
    val: fit.holdOut,
    augment: fit.augment,
    tta: fit.tta,
    ...readout,
  };
  return dropUndefined(complete);
}

/** Names of options that decide what is trained and are not the same in a stored configuration and in `options`. */
export function differingOptions(stored: object, options: TrainOptions): string[] {
  const [old, asked] = [dropUndefined(stored), dropUndefined(completeOptions(options))];
  const names = new Set([...Object.keys(old), ...Object.keys(asked)]);
  return [...names].filter((name) => !OF_A_RUN.has(name) && !isDeepStrictEqual(old[name], asked[name]));
}

/** `changes` over `base`: lists as a whole, groups of options one by one. */
export function mergeOptions(base: object, changes: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(dropUndefined(changes))) {
    const old = merged[name];
    merged[name] = isRecord(value) && isRecord(old) ? mergeOptions(old, value) : value;
  }
  return merged;
}

function dropUndefined(options: object): Record<string, unknown> {
  const said = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said.map(([name, value]) => [name, isRecord(value) ? dropUndefined(value) : value]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
