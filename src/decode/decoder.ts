/** The contract of decoding: its options, and the outcome of each tile. */
import type { NativeTile } from "../addon.js";
import { checkInteger, checkOneOf } from "../check.js";
import { OptionError } from "../errors.js";
import { MAX_SIDE } from "../files/schemas.js";
import type { RasterInfo } from "../raster/raster.js";
import type { EncodedTile, Tile, TileContent } from "../tiles/tile.js";

/** How the components of a JPEG are to be read. `auto` follows the rule in docs/colour.md. */
export const COLORSPACES = ["auto", "rgb", "ycbcr", "cmyk", "cmyk-inverted", "gray"] as const;
export type Colorspace = (typeof COLORSPACES)[number];

export interface DecodeOptions {
  /** Pixels per side of the square result. */
  size: number;
  /** Forces the reading of the components. @default "auto" */
  colorspace: Colorspace;
  /** Antialiased bilinear (Pillow) when true; plain half-pixel bilinear (tf.image.resize) when false. @default true */
  antialias: boolean;
  /**
   * Largest width * height a tile may have; checked before any pixel memory is taken.
   * @default 178956970, and 33554432 for what is no JPEG
   */
  maxPixels: number;
  /**
   * Memory that decoding one tile may take, in bytes, including its file; tiles that need more are rejected. @default
   * no limit
   */
  maxBytes: number;
  /** A JPEG whose data ends early is rejected, or accepted with what could be decoded. @default "reject" */
  onTruncated: "reject" | "accept";
  /** Bands of a TIFF that become red, green and blue, or the one that becomes gray, from 1. @default null: the first three or the first */
  bands: Bands | null;
  /** Sample values of a TIFF that become 0 and 255. @default null: 8 bits as they are, 16 over their whole range, others rejected */
  stretch: Stretch | null;
}

/** Options for reading a picture at its own size. */
export type PictureOptions = Pick<DecodeOptions, "colorspace" | "maxPixels" | "onTruncated"> &
  Partial<Pick<DecodeOptions, "bands" | "stretch" | "maxBytes">>;

/** One or three band numbers, from 1. */
export type Bands = readonly number[];

/** `[least, greatest]` for all bands, or for each of the bands used. */
export type Stretch = readonly (readonly [number, number])[];

export const DECODE_DEFAULTS = {
  colorspace: "auto",
  antialias: true,
  maxPixels: 178_956_970,
  maxBytes: Number.MAX_SAFE_INTEGER,
  onTruncated: "reject",
  bands: null,
  stretch: null,
} as const satisfies Omit<DecodeOptions, "size">;

/** Checks the options that a user has given. */
export function checkDecodeOptions(options: { [K in keyof DecodeOptions]?: DecodeOptions[K] | undefined }): void {
  const { size, colorspace, maxPixels, maxBytes, onTruncated, bands, stretch } = options;
  if (size !== undefined) checkInteger("size", size, 1, MAX_SIDE);
  if (colorspace !== undefined) checkOneOf("colorspace", colorspace, COLORSPACES);
  if (maxPixels !== undefined) checkInteger("maxPixels", maxPixels, 1);
  if (maxBytes !== undefined) checkInteger("maxBytes", maxBytes, 1);
  if (onTruncated !== undefined) checkOneOf("onTruncated", onTruncated, ["reject", "accept"]);
  if (bands) checkBands(bands);
  if (stretch) checkStretch(stretch, bands ?? null);
}

function checkBands(bands: Bands): void {
  const valid = Array.isArray(bands) && bands.every((band) => Number.isInteger(band) && band >= 1 && band <= 65535);
  if (valid && (bands.length === 1 || bands.length === 3)) return;
  throw new OptionError(
    `Expected \`bands\` to be one or three band numbers from 1, such as 3,2,1, got ${JSON.stringify(bands)}.`,
  );
}

function checkStretch(stretch: Stretch, bands: Bands | null): void {
  const ranges = stretch.every(([low, high]) => Number.isFinite(low) && Number.isFinite(high) && low < high);
  const count = stretch.length === 1 || stretch.length === (bands?.length ?? 3);
  if (ranges && count) return;
  throw new OptionError(
    `Expected \`stretch\` to be a least and a greater value, for all bands or for each, got ${JSON.stringify(stretch)}.`,
  );
}

/** A decoder's input: where a tile's bytes are, or the tile itself. */
export type DecodeSource = NativeTile | TileContent;

/** The bytes of a picture's file, or where they are. */
export type PictureSource = NativeTile | EncodedTile;

/** Where the bytes of a tile on disk are, or those it comes with: all that a worker needs. */
export function placeOf({ path, offset, byteLength, inflatedLength, content }: Tile): PictureSource {
  if (content !== undefined && "bytes" in content) return { bytes: content.bytes };
  return {
    path,
    ...(offset !== undefined && { offset }),
    ...(byteLength !== undefined && { byteLength }),
    ...(inflatedLength !== undefined && { inflatedLength }),
  };
}

export function isFile(source: DecodeSource): source is NativeTile {
  return "path" in source;
}

/** Why a tile could not be decoded. */
export interface DecodeFailure {
  /**
   * READ (file system), EMPTY, FORMAT (not an image we read), CORRUPT, TRUNCATED, LIMIT (pixels, memory budget), COLORSPACE,
   * OUT_OF_MEMORY (the system gave none), CRASH, FEATURES (the network gives no finite ones), NAME (of `fix` alone: its
   * copy cannot be called as it is)
   */
  code:
    | "READ"
    | "EMPTY"
    | "FORMAT"
    | "CORRUPT"
    | "TRUNCATED"
    | "LIMIT"
    | "COLORSPACE"
    | "OUT_OF_MEMORY"
    | "CRASH"
    | "FEATURES"
    | "NAME";
  /** One sentence, without the file's name. */
  message: string;
}

/** The outcome of a tile that, alone in a worker, made it throw or die. */
export function crashFailure(error: Error): DecodeFailure {
  return { code: "CRASH", message: `Decode worker failed: ${error.message}` };
}

/** One tile's result: `undefined` for success (the pixels are in the target), else why not. */
export type DecodeOutcome = DecodeFailure | undefined;

/** Full-resolution RGB: `[height, width, 3]` uint8. */
export interface RgbImage {
  width: number;
  height: number;
  pixels: Uint8Array;
  /** How a JPEG's components were read; absent for other formats. */
  reading?: string;
  /** The bands that a TIFF, or a PNG of 16 bits, was read by; absent for photographs. */
  raster?: RasterFacts;
}

/** Of the bands that were read. */
export interface RasterFacts {
  format: "TIFF" | "PNG";
  info: RasterInfo;
  /** From 1; three, or one that became gray. */
  bands: Bands;
  /** Least and greatest sample, nodata and NaN left out; null if there is none. */
  values: { min: number; max: number } | null;
}

/** Whether a reader's result is a failure. */
export function isFailure<T>(value: T): value is Extract<T, { code: string; message: string }> {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}
