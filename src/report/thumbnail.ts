/** Small pictures of tiles. In: RGB pixels. Out: a data URI of a few kilobytes. */
import sharp from "sharp";
import { checkInteger } from "../check.js";

/** Pixels per side of a thumbnail: more than the page shows it at, so that it can be enlarged. */
export const THUMBNAIL_SIZE = 224;

/**
 * Encodes `[size, size, 3]` uint8 RGB pixels as a WebP thumbnail of at most 224 pixels per side.
 *
 * @returns a `data:image/webp;base64,` URI
 */
export async function makeThumbnail(pixels: Uint8Array, size: number): Promise<string> {
  checkInteger("size", size, 1);
  const side = Math.min(size, THUMBNAIL_SIZE);
  const bytes = await sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .resize(side, side)
    .webp({ quality: 75, effort: 4 })
    .toBuffer();
  return `data:image/webp;base64,${bytes.toString("base64")}`;
}
