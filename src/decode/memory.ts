/**
 * The memory that decoding a file may take, so that a budget holds for all files. Factors are measured and rounded up.
 */

import { DECODE_DEFAULTS, type PictureOptions } from "./decoder.js";

/** Native JPEG: the coefficients of a progressive one, two bytes for each sample of three components. */
const JPEG_BYTES_PER_PIXEL = 6;
/** sharp: the image that libvips decodes, sharp's copy and canopy's. */
const SHARP_BYTES_PER_PIXEL = 12;
/** sharp copies the file, too. */
const SHARP_FILE_COPIES = 2;
/** The share of `maxBytes` that a file itself may have. */
const FILE_SHARE = 1 / 4;

/** Bytes a tile of `pixels` pixels may need, if it is a JPEG. */
export function jpegBytes(pixels: number): number {
  return (pixels * JPEG_BYTES_PER_PIXEL) / (1 - FILE_SHARE);
}

/** The largest file that is read at all. */
export function mostFileBytes(maxBytes: number): number {
  return Math.floor(maxBytes * FILE_SHARE);
}

/** Pixels of a JPEG, read natively. */
export function mostJpegPixels({ maxPixels, maxBytes }: { maxPixels: number; maxBytes: number }): number {
  return Math.max(1, Math.min(maxPixels, Math.floor((maxBytes * (1 - FILE_SHARE)) / JPEG_BYTES_PER_PIXEL)));
}

/**
 * Pixels of a picture that is no JPEG, unless `maxPixels` says otherwise: 5,792 x 5,792. Files of some bytes may hold as many, and libvips
 * takes a second and, for AVIF, a gigabyte for them; it cannot be stopped meanwhile.
 */
const USUAL_SHARP_PIXELS = 2 ** 25;

/** Pixels of a picture that sharp reads, or canopy's own reader of TIFFs, from a file of `fileBytes`. */
export function mostSharpPixels(
  { maxPixels, maxBytes = DECODE_DEFAULTS.maxBytes }: Pick<PictureOptions, "maxPixels" | "maxBytes">,
  fileBytes: number,
): number {
  return mostInMemory(askedSharpPixels(maxPixels), maxBytes, fileBytes);
}

/** The same without a memory budget. */
export function askedSharpPixels(maxPixels: number): number {
  return maxPixels === DECODE_DEFAULTS.maxPixels ? USUAL_SHARP_PIXELS : maxPixels;
}

/** Pixels by which the time of decoding is measured: a lower limit leaves as much time. */
export function pixelsOfWork(maxPixels: number): number {
  return Math.max(USUAL_SHARP_PIXELS, askedSharpPixels(maxPixels));
}

/** The same for JPEGs without the addon. */
export function mostSharpJpegPixels(
  { maxPixels, maxBytes = DECODE_DEFAULTS.maxBytes }: Pick<PictureOptions, "maxPixels" | "maxBytes">,
  fileBytes: number,
): number {
  return mostInMemory(maxPixels, maxBytes, fileBytes);
}

/** Canopy's own pictures have three bytes to the pixel. */
const RGB_BYTES = 3;
/** Blocks of small tiles may be larger than what they hold. */
const LEAST_RASTER_BYTES = 2 ** 24;

/** Bytes that canopy's reader of TIFFs may take beside the picture, where that may have `maxPixels`. */
export function mostRasterBytes(maxPixels: number): number {
  return Math.max(LEAST_RASTER_BYTES, maxPixels * (SHARP_BYTES_PER_PIXEL - RGB_BYTES));
}

function mostInMemory(most: number, maxBytes: number, fileBytes: number): number {
  const left = maxBytes - SHARP_FILE_COPIES * fileBytes;
  return Math.max(1, Math.min(most, Math.floor(left / SHARP_BYTES_PER_PIXEL)));
}
