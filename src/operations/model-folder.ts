/** Where a model's folder may be made: it replaces nothing but another model. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.js";
import { createFolderDraft } from "../files/folder-draft.js";

/** @throws InputError where `out` exists and may not be replaced, or cannot be made; said before any work is done */
export async function checkModelFolder(out: string, { overwrite }: { overwrite: boolean }): Promise<void> {
  if (existsSync(out) && !(await isEmptyFolder(out))) {
    if (!overwrite) {
      throw new InputError(`${out} exists already; --overwrite replaces it, or name another folder.`);
    }
    if (!existsSync(join(out, "model.json"))) {
      throw new InputError(`${out} exists and is not a model's folder, so it is not overwritten; name another one.`);
    }
  }
  const trial = await createFolderDraft(out);
  await trial.abandon();
}

async function isEmptyFolder(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch {
    return false;
  }
}
