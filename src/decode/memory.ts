/** What decoding a file may take of memory, so that a budget holds whatever the files are. Factors are measured, on the safe side. */

/** Native JPEG: the coefficients of a progressive one, two bytes for each sample of three components. */
const JPEG_BYTES_PER_PIXEL = 6;
/** sharp: what libvips decodes, its own copy and ours. */
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

/** Pixels of an image that sharp reads from a file of `fileBytes`. */
export function mostSharpPixels(
  { maxPixels, maxBytes }: { maxPixels: number; maxBytes: number },
  fileBytes: number,
): number {
  const left = maxBytes - SHARP_FILE_COPIES * fileBytes;
  return Math.max(1, Math.min(maxPixels, Math.floor(left / SHARP_BYTES_PER_PIXEL)));
}
