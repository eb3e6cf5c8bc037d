/** The key of a tile in the feature store: changes when the file's path, place in its archive, size or modification time changes. */
import { hash } from "node:crypto";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { isRemote } from "../remote/address.js";
import type { Tile } from "../tiles/tile.js";
import { KEY_BYTES } from "./segment.js";

/** Files looked up at the same time. */
const AT_ONCE = 1024;

/**
 * Keys of all tiles, `[tiles, 16]` bytes with the last byte 0. A tile whose file cannot be found has an all-zero key:
 * it is never cached.
 */
export async function tileKeys(tiles: readonly Tile[]): Promise<Uint8Array> {
  const keys = new Uint8Array(tiles.length * KEY_BYTES);
  const stamps = new Map<string, Promise<string | undefined>>();
  const stampOf = (path: string): Promise<string | undefined> => {
    const known = stamps.get(path) ?? stampFile(path);
    stamps.set(path, known);
    return known;
  };
  for (let from = 0; from < tiles.length; from += AT_ONCE) {
    const part = tiles.slice(from, from + AT_ONCE);
    const found = await Promise.all(part.map((tile) => (tile.failure ? undefined : stampOf(tile.path))));
    for (const [i, stamp] of found.entries()) {
      if (stamp !== undefined) keys.set(hashTile(part[i], stamp), (from + i) * KEY_BYTES);
    }
    // An archive holds many tiles and is looked up once; single files need not be remembered.
    if (stamps.size > AT_ONCE) stamps.clear();
  }
  return keys;
}

/** True for the key of a tile that cannot be cached. */
export function isUnkeyed(key: Uint8Array): boolean {
  return key.every((byte) => byte === 0);
}

function hashTile(tile: Tile, stamp: string): Uint8Array {
  const place = `${resolve(tile.path)}\0${tile.member ?? ""}\0${tile.offset ?? 0}\0${tile.byteLength ?? ""}\0${stamp}`;
  return hash("sha256", place, "buffer").subarray(0, KEY_BYTES - 1);
}

async function stampFile(path: string): Promise<string | undefined> {
  // Asking the server for each costs as much as the tile.
  if (isRemote(path)) return undefined;
  try {
    const { size, mtimeNs } = await stat(path, { bigint: true });
    return `${size}\0${mtimeNs}`;
  } catch {
    return undefined;
  }
}
