/** Folders of outputs are made, or refused with a message, before any work is done. */
import { constants, existsSync } from "node:fs";
import { access, mkdir, readdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InputError } from "../errors.js";
import { isMissing } from "./facts.js";
import { syncFolder } from "./folder.js";

/**
 * Makes the folder `path` and those above it if they are missing. One by one, because Node's recursive mkdir never
 * returns for paths such as /proc, where a folder can be neither made nor found.
 * @throws InputError if something else is in the way, if one cannot be made, and if nothing can be written into it
 */
export async function ensureFolder(path: string): Promise<void> {
  const missing: string[] = [];
  let at = resolve(path);
  while (!(await isFolder(at, path))) {
    missing.push(at);
    // A drive of Windows that is not there has nothing above it.
    if (dirname(at) === at) throw new InputError(`There is no ${at}, so there can be no folder ${path}.`);
    at = dirname(at);
  }
  await access(at, constants.W_OK).catch((cause) => {
    throw new InputError(`The folder ${at} cannot be written into; name another place.`, { cause });
  });
  for (const folder of missing.reverse()) {
    await mkdir(folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "EEXIST") return;
      throw new InputError(`The folder ${folder} cannot be made (${cause.code}); name another place.`, { cause });
    });
    await syncFolder(dirname(folder));
  }
}

/** The path of what lies beside the file or folder `out`, by the `ending` of its name. */
export function beside(out: string, ending: string): string {
  return `${out.replace(/(?<=.)\/+$/, "")}${ending}`;
}

/** Names of what is in the folder `out`, which exists. @throws InputError if it is none, or cannot be read */
export async function namesIn(out: string): Promise<string[]> {
  return readdir(out).catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === "ENOTDIR" ? "exists and is not a folder" : `cannot be read (${cause.code})`;
    throw new InputError(`${out} ${what}: give another folder.`, { cause });
  });
}

/** @throws InputError if one of the `files` to write is a folder or a device, which no file should replace */
export async function refuseFolder(...files: string[]): Promise<void> {
  for (const file of files) {
    const found = await stat(file).catch(() => undefined);
    if (found === undefined || found.isFile()) continue;
    const what = found.isDirectory() ? "a folder" : "a device or a pipe";
    throw new InputError(`${file} is ${what}, not a file; name another one.`);
  }
}

/**
 * Makes the folder of `out` if it is missing.
 * @throws InputError if `out` exists and may not be replaced, or cannot be made, before any work is done
 */
export async function checkOutput(out: string, overwrite = false): Promise<void> {
  await refuseFolder(out);
  if (existsSync(out) && !overwrite) {
    throw new InputError(`${out} exists already; \`overwrite\` replaces it, or name another file.`, { path: out });
  }
  await ensureFolder(dirname(out));
}

/** False if nothing is at `at`, one of the folders of the path `wanted`. */
async function isFolder(at: string, wanted: string): Promise<boolean> {
  const found = await stat(at).catch((cause: NodeJS.ErrnoException) => {
    if (isMissing(cause)) return undefined;
    throw new InputError(`The folder ${wanted} cannot be used: ${at} cannot be read (${cause.code}).`, { cause });
  });
  if (found !== undefined && !found.isDirectory()) {
    const place = at === resolve(wanted) ? "" : `, so there can be no folder ${wanted}`;
    throw new InputError(`${at} is not a folder${place}; name another place.`);
  }
  return found !== undefined;
}
