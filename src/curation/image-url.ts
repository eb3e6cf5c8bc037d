/** How Label Studio finds a tile's picture, and which tile a picture it names is. */
import { relative, resolve, sep } from "node:path";
import { toTileName } from "../tiles/labels.js";
import { type Tile, tileLocation } from "../tiles/tile.js";
import type { ExchangeFormat } from "./curated-tile.js";

export interface ImageUrlOptions {
  /** What stands before a picture's path. @default "/data/local-files/?d=", Label Studio's own files */
  imageUrl?: string | undefined;
  /** Folder the paths are relative to: Label Studio's document root, or what a web server serves. @default "/" */
  imageRoot?: string | undefined;
}

export const LOCAL_FILES = "/data/local-files/?d=";

/** The picture's address; each part of the path is percent-encoded. */
export function toImageUrl(tile: Tile, { imageUrl = LOCAL_FILES, imageRoot = "/" }: ImageUrlOptions = {}): string {
  const path = relative(resolve(imageRoot), resolve(tileLocation(tile)));
  return imageUrl + path.split(sep).map(encodeURIComponent).join("/");
}

/** Why a labelling tool will not show the tile's picture, as far as its place and name tell; undefined where it will. */
export function pictureProblem(
  tile: Tile,
  format: ExchangeFormat,
  { imageRoot = "/" }: ImageUrlOptions = {},
): string | undefined {
  if (tile.member !== undefined) return "they are inside an archive; unpack it";
  // FiftyOne and Label Studio both show pictures in a browser.
  if (/\.tiff?$/i.test(tile.path)) return "browsers do not show TIFF; canopy fix makes PNG of it";
  if (format === "label-studio" && relative(resolve(imageRoot), resolve(tile.path)).startsWith("..")) {
    return `they are outside the folder ${imageRoot} that --image-root names`;
  }
  return undefined;
}

/** Label Studio puts eight hexadecimal digits before the names of uploaded files. */
const UPLOADED = /\/upload\/.*?([^/]+)$/;
const UPLOAD_PREFIX = /^[0-9a-f]{8}-/;

/** The tile's name in an address such as "/data/local-files/?d=tiles/train_7.jpg", "s3://b/train_7.jpg" or "train_7.jpg". */
export function nameFromImageUrl(url: string): string {
  const local = url.indexOf("?d=");
  const path = decode(local >= 0 ? url.slice(local + 3) : url.replace(/[?#].*$/, ""));
  const uploaded = UPLOADED.exec(path)?.[1];
  return toTileName(uploaded === undefined ? path : uploaded.replace(UPLOAD_PREFIX, ""));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a plain path with a % in it
  }
}
