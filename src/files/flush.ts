/**
 * Flushing what was written to the disk, by a handle's number: Yarn's Plug'n'Play, which puts its own handles in place of Node's,
 * knows no `sync` of them.
 */
import { fdatasync, fsync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { promisify } from "node:util";

/** As `file.sync()`. */
export function flush({ fd }: FileHandle): Promise<void> {
  return promisify(fsync)(fd);
}

/** As `file.datasync()`. */
export function flushData({ fd }: FileHandle): Promise<void> {
  return promisify(fdatasync)(fd);
}
