/** Writing so that a power cut leaves the old file or the new one, never half of one. */
import { type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CanopyError, FormatError } from "../errors.js";

/** Writes `content` beside `path` (as `draft`), on to the disk, and renames it; nothing is left beside `path` where that fails. */
export async function writeDurably(path: string, content: string | Uint8Array, draft?: string): Promise<void> {
  await replaceDurably(path, (file) => file.writeFile(content), draft);
}

/** As `writeDurably`, for content that comes bit by bit. */
export async function replaceDurably(
  path: string,
  fill: (file: FileHandle) => Promise<void>,
  draft = `${path}.tmp`,
): Promise<void> {
  try {
    const file = await open(draft, "w");
    try {
      await fill(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw explainDiskError(error, path);
  }
}

/** Makes renames and removals in `folder` last. Not every platform can open a folder; there it is left to the file system. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder || ".", "r").catch(() => undefined);
  try {
    await handle?.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EINVAL" && code !== "EPERM" && code !== "EISDIR") throw error;
  } finally {
    await handle?.close();
  }
}

export async function syncParent(path: string): Promise<void> {
  await syncFolder(dirname(path));
}

/** Flushes a file somebody else has written. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The JSON in `path`, or undefined where there is no such file. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new FormatError(path, `${path} is not JSON; it may have been damaged.`, { cause: error });
  }
}

/** A full disk or quota as a CanopyError that says what to do; other errors as they are. */
export function explainDiskError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  const what = code === "ENOSPC" ? "No space is left on the disk" : "The disk quota is used up";

  return new CanopyError(
    "DISK_FULL",
    `${what}: ${path} could not be written. What was done before is safe: make room, then go on with --resume.`,
    { cause: error },
  );
}
