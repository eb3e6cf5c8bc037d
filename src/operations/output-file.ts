/** Where a command that makes one file writes it. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { InputError } from "../errors.js";
import { ensureFolder, refuseFolder } from "../output-folder.js";
import { replaceDurably } from "../predict/durable.js";

/**
 * Makes the folder of `out` where it is missing.
 * @throws InputError where `out` exists and may not be replaced, or cannot be made; said before any work is done
 */
export async function checkOutput(out: string, overwrite = false): Promise<void> {
  await refuseFolder(out);
  if (existsSync(out) && !overwrite) {
    throw new InputError(`${out} exists already; --overwrite replaces it, or name another file.`);
  }
  await ensureFolder(dirname(out));
}

/** Writes `text` piece by piece beside `out`, and renames it when it is whole. */
export async function writeText(out: string, text: AsyncIterable<string> | Iterable<string>): Promise<void> {
  await replaceDurably(out, async (file) => {
    for await (const piece of text) await file.write(piece);
  });
}
