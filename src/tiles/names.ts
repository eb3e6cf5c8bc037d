/** Which files are tiles, and their names. */
import { basename, extname, posix, relative, sep } from "node:path";
import { isRemote, isWeb, pathOf, placeOf } from "../remote/address.js";
import type { Tile, TileFailure } from "./tile.js";

/** File name endings, in lower case, that make a file found in a folder or an archive a tile. */
export const TILE_EXTENSIONS = [".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"] as const;

const EXTENSIONS: ReadonlySet<string> = new Set(TILE_EXTENSIONS);

/** macOS puts `._a.jpg` beside `a.jpg` where the file system has no place for its notes, also into archives. */
export function hasTileExtension(path: string): boolean {
  const place = placeOf(path);
  return EXTENSIONS.has(extname(place).toLowerCase()) && !basename(place).startsWith("._");
}

/** Whether it is read as an archive, by its name. */
export function isArchive(path: string): boolean {
  return [".tar", ".zip"].includes(extname(placeOf(path)).toLowerCase()) || isCompressed(path);
}

/** Whether it is a tar that is unpacked while it is read, by its name. */
export function isCompressed(path: string): boolean {
  return /\.(tar\.gz|tgz|tar\.zst|tzst)$/i.test(placeOf(path));
}

/** `a/b/train_1.jpg` -> `train_1`: only the last extension goes. */
export function tileName(path: string): string {
  const base = isWeb(path) ? decoded(basename(placeOf(path))) : basename(path);
  return base.slice(0, base.length - extname(base).length);
}

/** A name in an address has signs such as %20. */
function decoded(name: string): string {
  try {
    return basename(decodeURIComponent(name));
  } catch {
    return name;
  }
}

/** A tile that is a whole file. */
export function fileTile(path: string): Tile {
  return { name: tileName(path), path };
}

/** A tile that is some bytes of an archive. */
export function memberTile(
  archive: string,
  member: string,
  { offset, byteLength }: { offset: number; byteLength: number },
): Tile {
  return { name: tileName(member), path: archive, offset, byteLength, member };
}

/** Stands for something that should have tiles and cannot be read: a run rejects it with its reason. */
export function failedTile(path: string, code: TileFailure["code"], message: string): Tile {
  return { name: tileName(path), path, offset: 0, byteLength: 0, failure: { code, message } };
}

/** The same for a member of an archive. */
export function failedMember(archive: string, member: string, code: TileFailure["code"], message: string): Tile {
  return { ...failedTile(archive, code, message), name: tileName(member), member };
}

/** One spelling of a member's name. */
export function memberName(path: string): string {
  return posix.normalize(path).replace(/^\/+|\/+$/g, "");
}

/** What a tile is called by. */
export const NAMINGS = ["file", "path"] as const;
export type Naming = (typeof NAMINGS)[number];

/** `14/8190/5460` of `14/8190/5460.png`: the tile's path without its ending, in its archive, below the `folder` that is the input, or else as it was given; of an address without its server. */
export function pathName({ path, member }: Tile, folder: string | undefined): string {
  if (member === undefined && isRemote(path)) return pathName({ name: "", path, member: pathOf(path) }, folder);
  const place = member ?? (folder === undefined ? path : relative(folder, path)).split(sep).join("/");
  return memberName(place.slice(0, place.length - extname(place).length));
}
