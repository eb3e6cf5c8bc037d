/** A folder that appears whole or not at all. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { syncFolder } from "./folder.js";
import { ensureFolder } from "./output.js";
import { clearDrafts, draftPath, resumablePath } from "./temporary.js";
import { explainWriteError } from "./write-error.js";

interface FolderDraft {
  /** The folder to make files in. */
  path: string;
  /** Puts the folder in its place and flushes that; an old folder is removed once the new one is there. */
  publish(): Promise<void>;
  /** Removes the draft; does nothing after `publish`. */
  abandon(): Promise<void>;
}

/**
 * Begins the folder `out`. Write its files with the functions of `src/files/`, which flush them.
 * @throws InputError if nothing can be made there, before any work is done
 */
export async function createFolderDraft(out: string): Promise<FolderDraft> {
  const target = resolve(out);
  await clearDrafts(dirname(target));
  await restoreFolder(target);
  const path = draftPath(target);
  await ensureFolder(path);
  return {
    path,
    publish: () => publishFolder(path, target),
    abandon: () => rm(path, { recursive: true, force: true }),
  };
}

/** Puts the folder `draft`, whose files are on the disk already, in the place of `out`. */
export async function publishFolder(draft: string, out: string): Promise<void> {
  const replaced = resumablePath(`${out}.replaced`);
  await restoreFolder(out);
  try {
    if (existsSync(out)) await rename(out, replaced);
    await rename(draft, out);
  } catch (error) {
    await restoreFolder(out);
    throw explainWriteError(error, out);
  }
  await syncFolder(dirname(out));
  await rm(replaced, { recursive: true, force: true });
}

/** Puts the old folder back if a crash, or a failure, came between the two renames. */
async function restoreFolder(out: string): Promise<void> {
  const replaced = resumablePath(`${out}.replaced`);
  if (!existsSync(replaced)) return;
  if (existsSync(out)) await rm(replaced, { recursive: true, force: true });
  else await rename(replaced, out);
}
