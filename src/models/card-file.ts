/** Model cards as JSON files. */
import { FormatError } from "../errors.js";
import { MOST_JSON_BYTES } from "../files/json-size.js";
import { readWholeRegularSync } from "../files/open-regular.js";
import { parseJson } from "../files/read-json.js";
import { type ModelCard, modelCard } from "./card.js";

/** The card in `path`; a FormatError names the key that is wrong. */
export function readCard(path: string): ModelCard {
  let text: string;
  try {
    text = readWholeRegularSync(path, MOST_JSON_BYTES).toString("utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new FormatError(path, `The model card ${path} cannot be read (${code}).`, { cause });
  }
  return parseJson(text, modelCard, { path, advice: "Mend this model card, or move it away." });
}

export function cardText(card: ModelCard): string {
  return `${JSON.stringify(card, undefined, 2)}\n`;
}
