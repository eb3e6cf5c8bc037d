/** Reads a network's file, which may be a pipe, a device, or a link that leads out of a stranger's folder. */
import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { basename, join } from "node:path";
import { ModelError } from "../errors.js";

/** The bytes of the regular file `path`; `advice` ends the message if it cannot be read. */
export async function readModelFile(path: string, advice: string): Promise<Uint8Array> {
  try {
    // Without O_NONBLOCK, opening a pipe without a writer waits for ever.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      if (!(await file.stat()).isFile()) throw new ModelError(`${path} is no regular file. ${advice}`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    throw new ModelError(`${path} cannot be read (${(cause as NodeJS.ErrnoException).code}). ${advice}`, { cause });
  }
}

/** The file `name` of `folder`, unless a path or a link leads elsewhere. */
export async function readOwnFile(folder: string, name: string, advice: string): Promise<Uint8Array> {
  const path = join(folder, name);
  if (name !== basename(name) || name.includes("\\")) {
    throw new ModelError(`The model in ${folder} names a file outside its folder, ${name}. ${advice}`);
  }
  const isLink = await lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
  if (isLink) throw new ModelError(`${path} is a link, which may lead out of the model's folder. ${advice}`);
  return readModelFile(path, advice);
}
