/** Opening what a stranger named: a pipe, socket or device is refused, and nothing is waited for. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/**
 * Opens the regular file `path` for reading. Throws the system's error, or NotRegularError.
 * Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if ((await file.stat()).isFile()) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  throw new NotRegularError(path);
}

/** What is there is a folder, a pipe, a socket or a device. */
class NotRegularError extends Error {
  readonly code = "no regular file";

  constructor(path: string) {
    super(`${path} is no regular file`);
  }
}

/** The bytes of the regular file `path`, block by block. Throws as `openRegular` does. */
export async function* readRegular(path: string, highWaterMark = 1 << 16): AsyncGenerator<Buffer> {
  const file = await openRegular(path);
  yield* file.createReadStream({ highWaterMark });
}
