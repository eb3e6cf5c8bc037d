/** The state of files: size and time of modification, which show that a file has changed. */
import { createHash } from "node:crypto";
import { stat } from "node:fs";
import { isRemote } from "../remote/address.js";

export interface FileState {
  size: number;
  /** In whole milliseconds: what most tools restore. */
  mtime: number;
}

/** The state of each of `paths`, undefined if there is no such file. Consecutive equal paths are looked up once. */
export function statesOf(paths: readonly string[]): Promise<(FileState | undefined)[]> {
  const states: Promise<FileState | undefined>[] = [];
  for (const [i, path] of paths.entries()) states.push(i > 0 && path === paths[i - 1] ? states[i - 1] : stateOf(path));
  return Promise.all(states);
}

/**
 * With a callback, because it takes half of the time that `stat` of node:fs/promises does, and there may be millions.
 */
function stateOf(path: string): Promise<FileState | undefined> {
  if (isRemote(path)) return remoteState(path);
  return new Promise((resolve) => {
    stat(path, (error, info) => resolve(error ? undefined : { size: info.size, mtime: Math.round(info.mtimeMs) }));
  });
}

/** Of a file of a server: its ETag or time of modification as a number in place of the time. */
async function remoteState(path: string): Promise<FileState | undefined> {
  const { stateOf: askFor } = await import("../remote/remote-file.js");
  const state = await askFor(path).catch(() => undefined);
  if (state?.size === undefined) return undefined;
  const mtime = createHash("sha256")
    .update(state.tag ?? "")
    .digest()
    .readUIntBE(0, 6);
  return { size: state.size, mtime };
}
