/** Model cards as JSON files, checked field by field. */
import { readFileSync } from "node:fs";
import { FormatError } from "../errors.js";
import type { ModelCard } from "./card.js";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string" && value !== "";
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isTriple: Check = (value) => Array.isArray(value) && value.length === 3 && value.every(isNumber);
const isNonZero: Check = (value) => isNumber(value) && value !== 0;

const FIELDS: Readonly<Record<string, Check>> = {
  name: isText,
  file: isText,
  byteLength: isCount,
  sha256: (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
  licence: isText,
  description: isText,
  "input.name": isText,
  "input.layout": (value) => value === "NCHW" || value === "NHWC",
  "input.channels": (value) => value === "RGB" || value === "BGR",
  "input.scale": isNonZero,
  "input.mean": isTriple,
  "input.std": (value) => isTriple(value) && (value as number[]).every(isNonZero),
  "input.fixedSize": (value) => value === null || isCount(value),
  "input.defaultSize": isCount,
  "input.recommendedSizes": (value) => Array.isArray(value) && value.every(isCount),
  "features.output": (value) => value === null || isText(value),
  "features.count": isCount,
};

/** The card in `path`; a FormatError names the field that is wrong. */
export function readCard(path: string): ModelCard {
  let card: unknown;
  try {
    card = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new FormatError(path, `The model card ${path} is not readable as JSON.`, { cause });
  }
  for (const [field, check] of Object.entries(FIELDS)) {
    const value = field
      .split(".")
      .reduce((each: unknown, key) => (each as Record<string, unknown> | null)?.[key], card);
    if (!check(value)) {
      throw new FormatError(
        path,
        `The model card ${path} has no valid "${field}": ${JSON.stringify(value) ?? "missing"}.`,
      );
    }
  }
  return card as ModelCard;
}

export function cardText(card: ModelCard): string {
  return `${JSON.stringify(card, undefined, 2)}\n`;
}
