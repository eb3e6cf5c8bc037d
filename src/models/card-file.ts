/** Model cards as JSON files. */
import { readFileSync, statSync } from "node:fs";
import { FormatError } from "../errors.js";
import { parseJson } from "../files/read-json.js";
import { type ModelCard, modelCard } from "./card.js";

/** The card in `path`; a FormatError names the key that is wrong. */
export function readCard(path: string): ModelCard {
  let text: string;
  try {
    // Reading a pipe would wait for a writer for ever.
    if (!statSync(path).isFile())
      throw new FormatError(path, `The model card ${path} is no regular file. Move it away.`);
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new FormatError(path, `The model card ${path} cannot be read (${code}).`, { cause });
  }
  return parseJson(text, modelCard, { path, advice: "Mend this model card, or move it away." });
}

export function cardText(card: ModelCard): string {
  return `${JSON.stringify(card, undefined, 2)}\n`;
}
