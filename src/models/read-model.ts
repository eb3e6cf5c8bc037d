/** Reads a network's file, which may be a pipe, a device, or a link that leads out of a stranger's folder. */
import { lstat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ModelError } from "../errors.js";
import { NOT_REGULAR, readWholeRegular } from "../files/open-regular.js";

/** The bytes of the regular file `path`; `advice` ends the message if it cannot be read. */
export async function readModelFile(path: string, advice: string): Promise<Uint8Array> {
  return readWholeRegular(path).catch((cause: NodeJS.ErrnoException) => {
    const isOther = cause.code === NOT_REGULAR || cause.code === "EISDIR";
    throw new ModelError(`${path} ${isOther ? "is no regular file" : `cannot be read (${cause.code})`}. ${advice}`, {
      cause,
    });
  });
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
