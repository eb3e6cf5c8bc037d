/** Making what happened in a folder last: names of new files, renames, removals. */
import { open } from "node:fs/promises";
import { explainWriteError } from "./write-error.js";

/** Not every platform can open a folder or flush it; there it is left to the file system. */
const CANNOT = ["EINVAL", "EPERM", "EISDIR", "EACCES", "ENOTSUP"];

/** @throws WriteError */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  try {
    await handle?.sync();
  } catch (error) {
    if (!CANNOT.includes((error as NodeJS.ErrnoException).code ?? "")) throw explainWriteError(error, folder);
  } finally {
    await handle?.close();
  }
}
