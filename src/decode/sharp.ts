/**
 * SharpDecoder: the images that the addon does not read (PNG, WebP, TIFF, GIF, HEIF/AVIF), and all images without the
 * addon. The contract is the addon's. Alpha is dropped, never composited; ICC profiles and EXIF orientation are ignored,
 * as for JPEG, because models are trained on the stored values; of several pages the first is read. TIFFs that are no
 * photographs and PNGs of 16 bits are read as bands (bands.ts).
 */
import { RasterError } from "../raster/raster.js";
import { readBands } from "./bands.js";
import { readTileBytes } from "./bytes.js";
import { chooseChannels } from "./channels.js";
import {
  type DecodeFailure,
  type DecodeOptions,
  type DecodeOutcome,
  type DecodeSource,
  isFailure,
  type PictureOptions,
  type RgbImage,
} from "./decoder.js";
import { describeForeign } from "./foreign.js";
import { mostPixels, refuseHead, tooManyPixels } from "./head.js";
import { pixelsOfWork } from "./memory.js";
import { openPicture } from "./open-sharp.js";
import { openPng16 } from "./png16.js";
import { decodeRaw, type Resize, takeThreeBands } from "./raw.js";
import { readSharpJpeg } from "./sharp-jpeg.js";
import { type ImageFormat, isPng16, sniffFormat } from "./sniff.js";
import { isWhole } from "./whole.js";
import { tooManyFrames, tooMuchWork } from "./work.js";

/** Reads, decodes and resizes one tile into `target` `[size, size, 3]`. Never throws for a bad tile. */
export async function decodeWithSharp(
  source: DecodeSource,
  target: Uint8Array,
  options: DecodeOptions,
  resize: Resize,
): Promise<DecodeOutcome> {
  if ("pixels" in source) return decodeRaw(source, target, options, resize);
  const bytes = readTileBytes(source, (head) => refuseHead(head, options));
  if (isFailure(bytes)) return bytes;
  const image = await readBytesWithSharp(bytes, options);
  if (isFailure(image)) return image;
  resize(image.pixels, image.width, image.height, target, options.size, options.antialias);
  return undefined;
}

/** A picture in memory at full resolution, or why not. */
export async function readBytesWithSharp(bytes: Uint8Array, asked: PictureOptions): Promise<RgbImage | DecodeFailure> {
  if (bytes.length === 0) return { code: "EMPTY", message: "File is empty" };
  const format = sniffFormat(bytes);
  if (format === undefined) return { code: "FORMAT", message: describeForeign(bytes) };
  const options = {
    ...asked,
    maxPixels: mostPixels(asked, bytes, format),
    workPixels: pixelsOfWork(asked.maxPixels),
  };
  try {
    // Loaded when first needed: a run without TIFFs does not load their library.
    if (format === "tiff")
      return await (await import("./tiff.js")).readTiff(bytes, options, () => readOther(bytes, format, options));
    if (format === "png" && isPng16(bytes)) return await readBands(await openPng16(bytes, options), "PNG", options);
    const image = await (format === "jpeg" ? readSharpJpeg(bytes, options) : readOther(bytes, format, options));
    return isFailure(image) ? image : (chooseChannels(image.pixels, options) ?? image);
  } catch (error) {
    if (error instanceof RasterError) return { code: error.code, message: error.message };
    return sharpFailure(error as Error, bytes, format, options.maxPixels);
  }
}

async function readOther(
  bytes: Uint8Array,
  format: ImageFormat,
  options: Pick<DecodeOptions, "maxPixels" | "onTruncated"> & { workPixels: number },
): Promise<RgbImage | DecodeFailure> {
  const several = tooManyFrames(bytes, format, options.workPixels);
  if (several !== undefined) return several;
  const image = openPicture(bytes, options);
  const { space, width, height } = await image.metadata();
  const failure = tooMuchWork(bytes, format, width * height, options.workPixels);
  if (failure !== undefined) return failure;
  // CMYK, which of these formats only TIFF has: libvips would convert it by a profile of its own.
  const inks = space === "cmyk";
  const { data, info } = await (inks
    ? image.pipelineColourspace("cmyk").toColourspace("cmyk")
    : image.toColourspace("srgb")
  )
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const pixels = inks ? inksToRgb(data, info.channels) : takeThreeBands(data, info.channels);
  return { width: info.width, height: info.height, pixels };
}

/** `[pixels, channels]` with 0 for no ink to `[pixels, 3]`, by the formula for JPEGs (docs/colour.md). */
function inksToRgb(data: Uint8Array, channels: number): Uint8Array {
  const pixels = new Uint8Array((data.length / channels) * 3);
  for (let from = 0, to = 0; from < data.length; from += channels, to += 3) {
    const light = 255 - data[from + 3];
    for (let c = 0; c < 3; c++) pixels[to + c] = light - Math.round((data[from + c] * light) / 255);
  }
  return pixels;
}

/** libvips gives its reasons only as text. */
function sharpFailure(error: Error, bytes: Uint8Array, format: ImageFormat, maxPixels: number): DecodeFailure {
  const reason = error.message.split("\n")[0].replace(/^Input buffer/, "the file");
  if (/pixel limit/i.test(reason)) return tooManyPixels(maxPixels);
  if (/timeout/i.test(reason)) return { code: "LIMIT", message: "Decoding it takes too long" };
  if (format === "heif" && isHevc(bytes)) {
    return { code: "FORMAT", message: "HEIC (HEVC in HEIF) is not read, AVIF is; convert it to PNG or JPEG" };
  }
  const endsEarly = format === "jpeg" && /premature end/i.test(reason);
  if (!endsEarly && isWhole(bytes, format)) return { code: "CORRUPT", message: `Image cannot be decoded (${reason})` };
  return { code: "TRUNCATED", message: `Image data ends early (${reason})` };
}

/** By the type of its coded item: sharp's libvips has no decoder for it, and does not say so. */
function isHevc(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).includes("hvc1", 0, "latin1");
}
