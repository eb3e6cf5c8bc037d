/** Pixels to files: Planet's own encoding through the addon, or an ordinary JPEG through sharp without the addon. */
import { deflateSync } from "node:zlib";
import { loadAddon } from "../addon.js";

/** Planet's quantisation tables are libjpeg's at this quality. */
const PLANET_QUALITY = 75;

/** `planet`: four components and a trailing validity mask. `rgb`: an ordinary JPEG with the same picture. */
export type TileEncoding = "planet" | "rgb";

/** The encoding that this installation can write. */
export function availableEncoding(): TileEncoding {
  return loadAddon() === undefined ? "rgb" : "planet";
}

const maskTrailers = new Map<number, Buffer>();

/** A file's bytes for RGBA pixels `[size, size, 4]` uint8. */
export async function encodeTile(rgba: Uint8Array, size: number): Promise<Uint8Array> {
  const addon = loadAddon();
  if (addon === undefined) {
    const { default: sharp } = await import("sharp");
    // The other cores encode tiles of their own.
    sharp.concurrency(1);
    const raw = { width: size, height: size, channels: 4 as const };
    return sharp(rgba, { raw }).removeAlpha().jpeg({ quality: PLANET_QUALITY }).toBuffer();
  }
  const jpeg = addon.encodePlanetJpeg(rgba, size, size, PLANET_QUALITY);
  const end = Buffer.alloc(4);
  end.writeUInt32LE(jpeg.length);
  return Buffer.concat([jpeg, validityMask(size), end]);
}

/**
 * GDAL's validity mask after a JPEG: one bit per pixel, all set here, packed by zlib; then its place (the JPEG's
 * length, 32 bits, little-endian).
 */
function validityMask(size: number): Buffer {
  let mask = maskTrailers.get(size);
  if (mask === undefined) {
    mask = deflateSync(Buffer.alloc(Math.ceil((size * size) / 8), 255));
    maskTrailers.set(size, mask);
  }
  return mask;
}
