/** Whether a folder takes `A.png` and `a.png` for one file, as those of macOS and Windows do. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { explainWriteError } from "./write-error.js";

/** Tried out with a folder in it. @throws WriteError */
export async function foldsNames(folder: string): Promise<boolean> {
  const made = await mkdtemp(join(folder, ".canopy-names-")).catch((error) => {
    throw explainWriteError(error, folder);
  });
  try {
    return existsSync(join(folder, basename(made).toUpperCase()));
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}
