/** How label files spell tiles: names, paths, addresses. */
import type { Tile } from "../tiles/tile.js";

const IMAGE_EXTENSION = /\.(jpe?g|png|tiff?|webp|bmp|gif|jp2)$/i;

/** A tile's name as labels may spell it, without folder and image extension: "a/train_7.jpg" is "train_7". */
export function toTileName(spelled: string): string {
  return spelled.slice(spelled.lastIndexOf("/") + 1).replace(IMAGE_EXTENSION, "");
}

export function withoutExtension(path: string): string {
  return path.replace(IMAGE_EXTENSION, "");
}

export function hasImageExtension(text: string): boolean {
  return IMAGE_EXTENSION.test(text);
}

/** Characters of paths and addresses. */
const NOT_PLAIN = /[/\\:?#]/;

/**
 * A path with `/` between its folders, from a path, a Windows path, or an address ("s3://bucket/a/1.png",
 * "https://host/a/1.png?token=x", Label Studio's "/data/local-files/?d=a/1.png"). Composed Unicode (NFC), so that names
 * compare.
 */
export function toPath(spelled: string): string {
  const text = spelled.trim().normalize("NFC");
  if (!NOT_PLAIN.test(text)) return text;
  return cleanAddress(text)
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..")
    .join("/");
}

/** Label Studio puts eight hexadecimal digits before the names of uploaded files. */
const UPLOADED = /^(.*\/upload\/(?:.*\/)?)[0-9a-f]{8}-([^/]+)$/;

function cleanAddress(text: string): string {
  const local = text.indexOf("?d=");
  if (local >= 0) return decode(text.slice(local + 3));
  if (/^https?:\/\//i.test(text) || text.startsWith("/data/upload/")) {
    return decode(text.replace(/[?#].*$/, ""))
      .replace(/^https?:\/\//i, "")
      .replace(UPLOADED, "$1$2");
  }
  const path = text.replace(/^[a-z][a-z0-9+.-]+:\/\//i, "");
  return path.includes("/") ? path : path.replaceAll("\\", "/");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text).normalize("NFC");
  } catch {
    return text; // a plain path with a % in it
  }
}

/** `path` if it is the tile `name` and so tells it from others of that name; else `name`. */
export function withFolders(name: string, path: unknown): string {
  return typeof path === "string" && toTileName(toPath(path)) === name.normalize("NFC") ? path : name;
}

/** Where a tile is, as a path that compares with `toPath`'s; members of archives are below the archive. */
export function tilePath({ path, member }: Tile): string {
  return toPath(member === undefined ? path : `${path}/${member}`);
}
