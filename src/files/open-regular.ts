/** Opens files that a stranger named, without waiting: a pipe, socket or device is refused. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
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

/** All bytes of the regular file `path`. Throws as `openRegular` does, and an error for more than `most` of them. */
export async function readWholeRegular(path: string, most = Infinity): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    refuseLarger(path, (await file.stat()).size, most);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The same, at once. */
export function readWholeRegularSync(path: string, most: number): Buffer {
  const file = openSync(path, READ_WITHOUT_WAITING);
  try {
    const info = fstatSync(file);
    if (!info.isFile()) throw new NotRegularError(path, info.isDirectory() ? "EISDIR" : NOT_REGULAR);
    refuseLarger(path, info.size, most);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function refuseLarger(path: string, bytes: number, most: number): void {
  if (bytes > most) throw new TooLargeError(path, most);
}

/** The file has more bytes than any good one. */
class TooLargeError extends Error {
  readonly code: string;

  constructor(path: string, most: number) {
    super(`${path} is too large`);
    this.code = `more than ${most / 2 ** 20} MiB`;
  }
}

/** The bytes of the regular file `path`, block by block. Throws as `openRegular` does. */
export async function* readRegular(path: string, highWaterMark = 1 << 16): AsyncGenerator<Buffer> {
  const file = await openRegular(path);
  yield* file.createReadStream({ highWaterMark });
}
