/** A model's folder: it appears whole or not at all, and replaces only another model. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.js";
import { createFolderDraft } from "../files/folder-draft.js";
import { finetuneStateFile } from "../training/finetune-states.js";
import { statesFile } from "../training/states.js";

/** Call it before any work is done. @throws InputError if `out` exists and may not be replaced, or cannot be made */
export async function checkModelFolder(out: string, { overwrite }: { overwrite: boolean }): Promise<void> {
  // First: an old model that a crash left under another name is put back, so that it is not overwritten unasked.
  await (await createFolderDraft(out)).abandon();
  if (existsSync(out) && !(await isEmptyFolder(out))) {
    if (!overwrite) {
      throw new InputError(`${out} exists already; \`overwrite\` replaces it, or name another folder.`, { path: out });
    }
    if (!existsSync(join(out, "model.json"))) {
      throw new InputError(`${out} exists and is not a model's folder, so it is not overwritten; name another one.`);
    }
  }
}

/** What an interrupted training has done may be hours of work. @throws InputError if there is one of the model `out` */
export function refuseInterrupted(out: string): void {
  const state = [finetuneStateFile(out), statesFile(out)].find(existsSync);
  if (state === undefined) return;
  throw new InputError(
    `An interrupted training of ${out} is in ${state}: go on with \`resume\`, or start anew with \`overwrite\`.`,
  );
}

/** The folder `out` with what `fill` writes into the folder it is given. */
export async function writeModelFolder<T>(out: string, fill: (folder: string) => Promise<T>): Promise<T> {
  const draft = await createFolderDraft(out);
  try {
    const result = await fill(draft.path);
    await draft.publish();
    return result;
  } finally {
    await draft.abandon();
  }
}

async function isEmptyFolder(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch {
    return false;
  }
}
