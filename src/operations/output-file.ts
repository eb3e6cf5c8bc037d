/** Where a command that makes one file writes it. */
import { existsSync } from "node:fs";
import { InputError } from "../errors.js";
import { replaceDurably } from "../predict/durable.js";

/** @throws InputError where `out` exists and may not be replaced; said before any work is done */
export function checkOutput(out: string, overwrite = false): void {
  if (existsSync(out) && !overwrite) {
    throw new InputError(`${out} exists already; --overwrite replaces it, or name another file.`);
  }
}

/** Writes `text` piece by piece beside `out`, and renames it when it is whole. */
export async function writeText(out: string, text: AsyncIterable<string> | Iterable<string>): Promise<void> {
  await replaceDurably(out, async (file) => {
    for await (const piece of text) await file.write(piece);
  });
}
