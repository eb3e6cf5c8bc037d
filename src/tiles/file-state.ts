/** The state of files: size and time of modification, which show that a file has changed. */
import { stat } from "node:fs";

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
  return new Promise((resolve) => {
    stat(path, (error, info) => resolve(error ? undefined : { size: info.size, mtime: Math.round(info.mtimeMs) }));
  });
}
