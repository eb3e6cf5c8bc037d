/** Opens files that a stranger named, without waiting: a pipe, socket or device is refused. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** Flags to open for reading: without O_NONBLOCK, opening a named pipe would wait for a writer for ever. */
export const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Opens the regular file `path` for reading. Throws the system's error, or NotRegularError. */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, READ_WITHOUT_WAITING);
  try {
    const info = await file.stat();
    if (info.isFile()) return file;
    throw new NotRegularError(path, info.isDirectory() ? "EISDIR" : NOT_REGULAR);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The code of its error but for folders, where others have that of the system. */
export const NOT_REGULAR = "no regular file";

/** The path is a folder, a pipe, a socket or a device. */
class NotRegularError extends Error {
  readonly code: string;

  constructor(path: string, code: string) {
    super(`${path} is no regular file`);
    this.code = code;
  }
}

/** All bytes of the regular file `path`. Throws as `openRegular` does. */
export async function readWholeRegular(path: string): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The bytes of the regular file `path`, block by block. Throws as `openRegular` does. */
export async function* readRegular(path: string, highWaterMark = 1 << 16): AsyncGenerator<Buffer> {
  const file = await openRegular(path);
  yield* file.createReadStream({ highWaterMark });
}
