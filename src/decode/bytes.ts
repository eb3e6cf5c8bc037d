/** Reads one tile's bytes: a whole file, or a member of an archive. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import type { NativeTile } from "../addon.js";
import type { DecodeFailure } from "./decoder.js";

/** Largest encoded tile, in bytes; a larger file is certainly not one, and would only fill the memory. */
const MAX_BYTES = 1 << 30;

/** The tile's bytes, or why they cannot be had. Never throws for what the file system does. */
export function readTileBytes(tile: NativeTile): Uint8Array | DecodeFailure {
  let file: number;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    file = openSync(tile.path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return readFailure(error);
  }
  try {
    return readRange(file, fstatSync(file), tile);
  } catch (error) {
    return readFailure(error);
  } finally {
    closeSync(file);
  }
}

function readRange(file: number, stats: Stats, tile: NativeTile): Uint8Array | DecodeFailure {
  if (!stats.isFile()) return { code: "READ", message: stats.isDirectory() ? "is a folder" : "is not a regular file" };
  const offset = tile.offset ?? 0;
  const wanted = tile.byteLength ?? stats.size - offset;
  if (wanted > MAX_BYTES) return { code: "LIMIT", message: `${wanted} bytes are more than a tile may have` };
  const available = Math.min(wanted, stats.size - offset);
  if (available <= 0) return { code: "EMPTY", message: "has no bytes" };
  return readFully(file, new Uint8Array(available), offset);
}

/** Fills `bytes` from `offset`; what is missing because the file just shrank is cut off. */
function readFully(file: number, bytes: Uint8Array, offset: number): Uint8Array {
  let done = 0;
  while (done < bytes.length) {
    const count = readSync(file, bytes, done, bytes.length - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

function readFailure(error: unknown): DecodeFailure {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  const reasons: Record<string, string> = {
    ENOENT: "does not exist",
    EACCES: "may not be read",
    EISDIR: "is a folder",
    ELOOP: "is a link that goes in a circle",
  };
  return { code: "READ", message: reasons[code] ?? `cannot be read (${code})` };
}
