/** How Label Studio finds a tile's picture. */
import { relative, resolve, sep } from "node:path";
import { isRemote, placeOf } from "../remote/address.js";
import type { Tile } from "../tiles/tile.js";
import { absoluteLocation, type ExchangeFormat } from "./curated-tile.js";

export interface ImageUrlOptions {
  /** The address before a picture's path; pictures of servers have their own. @default "/data/local-files/?d=", Label Studio's own files */
  imageUrl?: string | undefined;
  /** Folder the paths are relative to: Label Studio's document root, or what a web server serves. @default "/" */
  imageRoot?: string | undefined;
}

const LOCAL_FILES = "/data/local-files/?d=";

/** The picture's address; each part of the path is percent-encoded. */
export function toImageUrl(tile: Tile, { imageUrl = LOCAL_FILES, imageRoot = "/" }: ImageUrlOptions = {}): string {
  const place = absoluteLocation(tile);
  if (isRemote(place)) return place;
  const path = relative(resolve(imageRoot), place);
  return imageUrl + path.split(sep).map(encodeURIComponent).join("/");
}

/** Why a labelling tool will not show the tile's picture, as far as its place and name tell; undefined if it will. */
export function pictureProblem(
  tile: Tile,
  format: ExchangeFormat,
  { imageRoot = "/" }: ImageUrlOptions = {},
): string | undefined {
  if (tile.member !== undefined) return "they are inside an archive; unpack it";
  // FiftyOne and Label Studio both show pictures in a browser.
  if (/\.tiff?$/i.test(placeOf(tile.path))) return "browsers do not show TIFF; canopy fix makes PNG of it";
  if (isRemote(tile.path)) {
    return format === "fiftyone" ? "they are on a server, and FiftyOne opens files; download them" : undefined;
  }
  if (format === "label-studio" && relative(resolve(imageRoot), resolve(tile.path)).startsWith("..")) {
    return `they are outside the folder ${imageRoot} that \`imageRoot\` names`;
  }
  return undefined;
}
