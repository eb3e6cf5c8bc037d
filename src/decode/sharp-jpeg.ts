/**
 * JPEG through sharp with the colours the addon gives. By default sharp sends four-component JPEGs through a CMYK
 * profile, which changes them. Here the header is rewritten so that libjpeg returns the components the reading needs,
 * and canopy does the arithmetic.
 */
import type { OutputInfo } from "sharp";
import type { DecodeFailure, DecodeOptions, RgbImage } from "./decoder.js";
import { type JpegHeader, readJpegHeader, withColorTransform } from "./jpeg-header.js";
import { openPicture } from "./open-sharp.js";

type Reading = "gray" | "ycbcr" | "rgb" | "cmyk" | "cmyk-inverted" | "ycck" | "auto-4";

/** A JPEG as `[height, width, 3]` RGB. Throws libvips' error if the data are damaged. */
export async function readSharpJpeg(
  bytes: Uint8Array,
  options: Pick<DecodeOptions, "colorspace" | "maxPixels" | "onTruncated">,
): Promise<RgbImage | DecodeFailure> {
  const header = readJpegHeader(bytes);
  if (header === undefined) return { code: "TRUNCATED", message: "JPEG data ends before the first scan" };
  if (header.width * header.height > options.maxPixels) {
    return {
      code: "LIMIT",
      message: `Image of ${header.width}x${header.height} exceeds the limit of ${options.maxPixels} pixels`,
    };
  }
  const reading = chooseReading(header, options.colorspace);
  if (reading === undefined) {
    const message = `Cannot read a JPEG with ${header.components} components as ${options.colorspace}`;
    return { code: "COLORSPACE", message };
  }
  const { data, info } = await decodeComponents(bytes, header, reading, options);
  const pixels = toRgb(data, info.channels, reading);
  return { width: info.width, height: info.height, pixels, reading: readingTaken(data, reading) };
}

/** The reading of `auto-4`; the others are readings themselves. */
function readingTaken(data: Uint8Array, reading: Reading): Exclude<Reading, "auto-4"> | "rgb+constant-alpha" {
  if (reading !== "auto-4") return reading;
  return isOpaque(data) ? "rgb+constant-alpha" : "cmyk-inverted";
}

/** The reading `auto` takes, or the forced one; undefined if the number of components forbids it. */
function chooseReading(header: JpegHeader, colorspace: DecodeOptions["colorspace"]): Reading | undefined {
  const { components } = header;
  if (components === 1) return colorspace === "auto" || colorspace === "gray" ? "gray" : undefined;
  if (components === 3) {
    if (colorspace === "auto") return autoOfThree(header);
    return colorspace.startsWith("cmyk") ? undefined : (colorspace as Reading);
  }
  if (components !== 4) return undefined;
  if (colorspace !== "auto") return colorspace;
  // Java writes YCbCr with alpha so.
  if (header.adobeTransform < 0) return header.subsampledChroma ? "ycbcr" : "auto-4";
  return header.adobeTransform === 0 ? "cmyk-inverted" : "ycck";
}

/** libjpeg's own rule: JFIF is YCbCr, Adobe says, ids "RGB" are RGB, everything else is YCbCr. */
function autoOfThree(header: JpegHeader): Reading {
  if (header.jfif) return "ycbcr";
  if (header.adobeTransform >= 0) return header.adobeTransform === 0 ? "rgb" : "ycbcr";
  return header.namedRgb ? "rgb" : "ycbcr";
}

/** Components as stored (or, for `ycbcr` and `ycck`, as libjpeg converts them), interleaved; libvips inverts four components. */
function decodeComponents(
  bytes: Uint8Array,
  header: JpegHeader,
  reading: Reading,
  options: Pick<DecodeOptions, "maxPixels" | "onTruncated">,
): Promise<{ data: Buffer; info: OutputInfo }> {
  const four = header.components === 4;
  const transform = chooseTransform(header, reading);
  const space = four ? "cmyk" : "srgb";
  // libjpeg only warns of damaged data, and the addon rejects files with warnings. libvips passes on most warnings, but
  // not all: some damaged tiles are accepted here that the addon would reject.
  return openPicture(header.components === 1 ? bytes : withColorTransform(bytes, header, transform), {
    ...options,
    warningsFail: true,
  })
    .pipelineColourspace(space)
    .toColourspace(space)
    .raw()
    .toBuffer({ resolveWithObject: true });
}

/** The Adobe transform that makes libjpeg return what the reading needs. CMYK stays YCCK if the file says so. */
function chooseTransform({ components, adobeTransform }: JpegHeader, reading: Reading): 0 | 1 | 2 {
  if (reading === "ycbcr") return components === 4 ? 2 : 1;
  const inks = reading === "ycck" || reading.startsWith("cmyk");
  return inks && adobeTransform > 0 ? 2 : 0;
}

/** `[pixels, 3 or 4]` to `[pixels, 3]`. With four channels a sample `v` of libvips is 255 minus the file's. */
function toRgb(data: Uint8Array, channels: number, reading: Reading): Uint8Array {
  if (channels === 3) return reading === "gray" ? repeatFirst(data) : data;
  const pixels = new Uint8Array((data.length / 4) * 3);
  const plain = reading === "rgb" || (reading === "auto-4" && isOpaque(data));
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    for (let c = 0; c < 3; c++) {
      const ink = data[from + c];
      // libjpeg turns YCCK into 255 - R, 255 - G, 255 - B, and libvips inverts that.
      if (reading === "ycbcr") pixels[to + c] = ink;
      else if (plain) pixels[to + c] = 255 - ink;
      else if (reading === "gray") pixels[to + c] = 255 - data[from];
      else if (reading === "cmyk") pixels[to + c] = multiply(ink, data[from + 3]);
      else pixels[to + c] = multiply(255 - ink, 255 - data[from + 3]);
    }
  }
  return pixels;
}

/** True if the file's fourth component is 255 everywhere: RGBA in disguise, as Planet writes it. */
function isOpaque(data: Uint8Array): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) return false;
  return true;
}

function repeatFirst(data: Uint8Array): Uint8Array {
  for (let i = 0; i < data.length; i += 3) data.fill(data[i], i + 1, i + 3);
  return data;
}

/** a * b / 255, rounded. */
function multiply(a: number, b: number): number {
  return Math.round((a * b) / 255);
}
