/** A model's folder while it is being made: it appears whole or not at all, and replaces nothing but another model. */
import { existsSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InputError } from "../errors.js";
import { ensureFolder } from "../files/output.js";

export interface ModelFolder {
  /** Where it will be, as the user named it. */
  path: string;
  /** Where it is made. */
  partial: string;
  /** Puts it in its place. */
  publish(): Promise<void>;
}

/** @throws InputError where `out` exists and may not be replaced; said before any work is done */
export async function openModelFolder(out: string, { overwrite }: { overwrite: boolean }): Promise<ModelFolder> {
  if (existsSync(out) && !(await isEmptyFolder(out))) {
    if (!overwrite) {
      throw new InputError(`${out} exists already; --overwrite replaces it, or name another folder.`);
    }
    if (!existsSync(join(out, "model.json"))) {
      throw new InputError(`${out} exists and is not a model's folder, so it is not overwritten; name another one.`);
    }
  }
  const partial = `${resolve(out)}.partial-${process.pid}`;
  // Made and removed, so that a place where it cannot be made is refused now, not after the training.
  await ensureFolder(partial);
  await rm(partial, { recursive: true });
  return { path: out, partial, publish: () => publish(partial, resolve(out)) };
}

async function isEmptyFolder(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch {
    return false;
  }
}

async function publish(partial: string, out: string): Promise<void> {
  const old = `${out}.old-${process.pid}`;
  if (existsSync(out)) {
    await rename(out, old);
  }
  await rename(partial, out);
  await rm(old, { recursive: true, force: true });
}
