/** Flushing a folder, so that new files, renames and removals in it survive a power cut. */
import { open } from "node:fs/promises";
import { flush } from "./flush.js";
import { explainWriteError } from "./write-error.js";

/** Not every platform can open or flush a folder; then it is left to the file system. */
const CANNOT = ["EINVAL", "EPERM", "EISDIR", "EACCES", "ENOTSUP"];

/** @throws WriteError */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await flush(handle).finally(() => handle.close());
  } catch (error) {
    if (!CANNOT.includes((error as NodeJS.ErrnoException).code ?? "")) throw explainWriteError(error, folder);
  }
}
