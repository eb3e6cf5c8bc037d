/** Reads one tile's bytes: a whole file, or a member of an archive. */
import { closeSync, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { inflateRawSync } from "node:zlib";
import type { NativeTile } from "../addon.js";
import { READ_WITHOUT_WAITING } from "../files/open-regular.js";
import type { EncodedTile } from "../tiles/tile.js";
import type { DecodeFailure } from "./decoder.js";

/** Largest encoded tile, in bytes; a larger file is no tile, and would only fill the memory. */
const MAX_BYTES = 256 << 20;

/** The first bytes that are read of a larger file. */
const HEAD_BYTES = 64 << 10;

/** Why a file that begins with `head` need not be read further. */
type Refusal = (head: Uint8Array) => DecodeFailure | undefined;

/**
 * The tile's bytes, or why they cannot be read. Of a file that `refuse` refuses only the beginning is read. Never throws for errors
 * of the file system.
 */
export function readTileBytes(tile: NativeTile | EncodedTile, refuse?: Refusal): Uint8Array | DecodeFailure {
  if ("bytes" in tile) return tile.bytes;
  let file: number;
  try {
    file = openSync(tile.path, READ_WITHOUT_WAITING);
  } catch (error) {
    return readFailure(error);
  }
  try {
    return readRange(file, fstatSync(file), tile, refuse);
  } catch (error) {
    return readFailure(error);
  } finally {
    closeSync(file);
  }
}

function readRange(file: number, stats: Stats, tile: NativeTile, refuse?: Refusal): Uint8Array | DecodeFailure {
  if (stats.isDirectory()) return { code: "READ", message: "Is a folder, not a file" };
  if (!stats.isFile()) return { code: "READ", message: "Is not a regular file" };
  const { offset = 0 } = tile;
  if (offset > stats.size) return { code: "READ", message: "Tile begins after the end of its file" };
  const available = stats.size - offset;
  const { byteLength = available } = tile;
  if (byteLength > available) return { code: "TRUNCATED", message: "Tile reaches beyond the end of its file" };
  const { inflatedLength } = tile;
  const hasHead = inflatedLength === undefined && byteLength > HEAD_BYTES && refuse !== undefined;
  const refusal = hasHead ? refuse(readFully(file, new Uint8Array(HEAD_BYTES), offset)) : undefined;
  if (refusal !== undefined) return refusal;
  const length = Math.max(byteLength, inflatedLength ?? 0);
  if (length > MAX_BYTES) {
    return { code: "LIMIT", message: `File of ${length} bytes exceeds the limit of ${MAX_BYTES} bytes` };
  }
  const bytes = readFully(file, new Uint8Array(byteLength), offset);
  return inflatedLength === undefined ? bytes : inflate(bytes, inflatedLength);
}

/** What a deflated member of an archive holds, if it is as long as the archive says. */
function inflate(bytes: Uint8Array, length: number): Uint8Array | DecodeFailure {
  if (length === 0) return new Uint8Array();
  try {
    const inflated = inflateRawSync(bytes, { maxOutputLength: length });
    if (inflated.length === length) return inflated;
  } catch {}
  return {
    code: "CORRUPT",
    message: "The archive is damaged at this member: it does not inflate to what it should be",
  };
}

/** Fills `bytes` from `offset`; fewer if the file has just shrunk. */
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
  // Node says "ENOENT: no such file or directory, open '/path'"; the path is already beside the message.
  const reason = /^\w+: ([^,]+)/.exec((error as Error).message)?.[1] ?? String(error);
  return { code: "READ", message: `Cannot open file: ${reason}` };
}
