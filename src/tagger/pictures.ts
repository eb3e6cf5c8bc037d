/** Turns what callers give the tagger into tiles; anything but a picture is refused, and its place named. */
import { types } from "node:util";
import { checkInteger } from "../check.js";
import { OptionError } from "../errors.js";
import { fileTile } from "../tiles/names.js";
import type { RawTile, Tile } from "../tiles/tile.js";

/** Bytes in memory. A Buffer is a Uint8Array. Do not change them before their result is there. */
export type Bytes = Uint8Array | Uint8ClampedArray | ArrayBuffer | SharedArrayBuffer;

/** A picture in memory, as its file would be: JPEG, PNG, WebP, TIFF, GIF, HEIF or AVIF. */
export interface EncodedPicture {
  /** Bytes of the file, or pixels. */
  data: Bytes;
  /** The name in its result. @default its place in the call or stream, from "0" */
  name?: string | undefined;
}

/** Decoded pixels, uint8 `[height, width, channels]`. */
export interface RawPicture extends EncodedPicture {
  /** Pixels, 1 to 65535. */
  width: number;
  /** Pixels, 1 to 65535. */
  height: number;
  /** 1 is gray, 3 is RGB, 4 is RGBA; alpha is dropped, as for a PNG. */
  channels: 1 | 3 | 4;
}

/** A picture's file, or a part of a file; a `Tile` of `openTiles` is one. */
export interface PictureFile {
  /** Of the file that holds the picture. */
  path: string;
  /** The name in its result. @default the file's name without its extension */
  name?: string | undefined;
  /** First byte of the picture in the file. @default 0 */
  offset?: number | undefined;
  /** Its bytes from there. @default all to the end of the file */
  byteLength?: number | undefined;
}

/** What can be tagged: the path of a file, a picture's bytes, or one of the objects. */
export type Picture = string | Bytes | EncodedPicture | RawPicture | PictureFile;

/**
 * The tile of `picture`; `place` counts from 0. Throws an OptionError for anything but a picture. Whether the picture
 * can be read shows later.
 */
export function toTile(picture: Picture, place: number): Tile {
  if (typeof picture === "string") return fileTile(picture);
  if (isBytes(picture)) return { name: String(place), path: "", content: { bytes: viewOf(picture, place) } };
  if (typeof picture !== "object" || picture === null) throw refuse(place, `got ${shown(picture)}`);
  const { name: given } = picture as { name?: unknown };
  if (given !== undefined && typeof given !== "string") throw refuse(place, `its \`name\` is ${shown(given)}`);
  if ("path" in picture && typeof picture.path === "string") {
    if ("data" in picture) throw refuse(place, "it has both `data` and `path`");
    return toFileTile(picture, place);
  }
  if (!("data" in picture)) throw refuse(place, "got an object with neither `data` nor `path`");
  const { data, name = String(place) } = picture;
  if (!isBytes(data)) throw refuse(place, `its \`data\` is ${shown(data)}`);
  const bytes = viewOf(data, place);
  if (!("width" in picture || "height" in picture || "channels" in picture)) {
    return { name, path: "", content: { bytes } };
  }
  return { name, path: "", content: checkRaw(picture as RawPicture, bytes, place) };
}

function toFileTile(picture: PictureFile & Pick<Tile, "failure" | "inflatedLength">, place: number): Tile {
  const { path, name, offset, byteLength, failure, inflatedLength } = picture;
  if (offset !== undefined) checkInteger(`pictures[${place}].offset`, offset, 0);
  if (byteLength !== undefined) checkInteger(`pictures[${place}].byteLength`, byteLength, 0);
  return {
    name: name ?? fileTile(path).name,
    path,
    ...(offset === undefined ? {} : { offset }),
    ...(byteLength === undefined ? {} : { byteLength }),
    ...(failure === undefined ? {} : { failure }),
    ...(inflatedLength === undefined ? {} : { inflatedLength }),
  };
}

function checkRaw({ width, height, channels }: RawPicture, pixels: Uint8Array, place: number): RawTile {
  checkInteger(`pictures[${place}].width`, width, 1, 65535);
  checkInteger(`pictures[${place}].height`, height, 1, 65535);
  if (![1, 3, 4].includes(channels)) throw refuse(place, `its \`channels\` are ${shown(channels)}, not 1, 3 or 4`);
  const needed = width * height * channels;
  if (pixels.length !== needed) {
    throw refuse(place, `${width}x${height} pixels of ${channels} channels are ${needed} bytes, not ${pixels.length}`);
  }
  return { pixels, width, height, channels };
}

/**
 * By the name the JavaScript engine gives them: test runners have classes of their own, which `instanceof` does not
 * recognise.
 */
function isBytes(value: unknown): value is Bytes {
  return types.isUint8Array(value) || types.isUint8ClampedArray(value) || types.isAnyArrayBuffer(value);
}

function viewOf(bytes: Bytes, place: number): Uint8Array {
  if (types.isUint8Array(bytes)) return bytes;
  try {
    if (types.isAnyArrayBuffer(bytes)) return new Uint8Array(bytes);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch {
    throw refuse(place, "its memory was transferred to another thread");
  }
}

function refuse(place: number, why: string): OptionError {
  return new OptionError(
    `Expected \`pictures[${place}]\` to be a path, a picture's bytes, or an object with \`path\`, or with \`data\` ` +
      `(and \`width\`, \`height\` and \`channels\` if it holds pixels): ${why}.`,
  );
}

/** For messages: what it is, not all that is in it. */
export function shown(value: unknown): string {
  if (value === null || typeof value !== "object") return `${String(value).slice(0, 40)} (${typeof value})`;
  return `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
}
