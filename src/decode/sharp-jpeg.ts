/**
 * JPEG through sharp with the colours the addon gives. sharp on its own sends four-component JPEGs through a CMYK profile, which spoils
 * them; here the header is rewritten so that libjpeg hands over the components the reading needs, and the arithmetic is ours.
 */
import sharp, { type OutputInfo } from "sharp";
import type { DecodeFailure, DecodeOptions, RgbImage } from "./decoder.js";
import { type JpegHeader, readJpegHeader, withColorTransform } from "./jpeg-header.js";

type Reading = "gray" | "ycbcr" | "rgb" | "cmyk" | "cmyk-inverted" | "ycck" | "auto-4";

/** Which Adobe transform makes libjpeg hand over what a reading needs. */
const TRANSFORMS: Record<Reading, 0 | 1 | 2> = {
  gray: 0,
  rgb: 0,
  ycbcr: 1,
  cmyk: 0,
  "cmyk-inverted": 0,
  ycck: 2,
  "auto-4": 0,
};

/** A JPEG as `[height, width, 3]` RGB. Throws libvips' error where the data are broken. */
export async function readSharpJpeg(
  bytes: Uint8Array,
  options: Pick<DecodeOptions, "colorspace" | "maxPixels" | "onTruncated">,
): Promise<RgbImage | DecodeFailure> {
  const header = readJpegHeader(bytes);
  if (header === undefined) return { code: "CORRUPT", message: "cannot be decoded (its JPEG header is broken)" };
  if (header.width * header.height > options.maxPixels) {
    return { code: "LIMIT", message: `has more than ${options.maxPixels} pixels` };
  }
  const reading = chooseReading(header, options.colorspace);
  if (reading === undefined) {
    const message = `has ${header.components} components and cannot be read as ${options.colorspace}`;
    return { code: "COLORSPACE", message };
  }
  const { data, info } = await decodeComponents(bytes, header, reading, options);
  return { width: info.width, height: info.height, pixels: toRgb(data, info.channels, reading) };
}

/** The reading `auto` takes, or the forced one; undefined where the number of components forbids it. */
function chooseReading(header: JpegHeader, colorspace: DecodeOptions["colorspace"]): Reading | undefined {
  const { components } = header;
  if (components === 1) return colorspace === "auto" || colorspace === "gray" ? "gray" : undefined;
  if (components === 3) {
    if (colorspace === "auto") return autoOfThree(header);
    return colorspace.startsWith("cmyk") ? undefined : (colorspace as Reading);
  }
  if (components !== 4) return undefined;
  if (colorspace !== "auto") return colorspace;
  if (header.adobeTransform < 0) return "auto-4";
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
  const transform = four && reading === "ycbcr" ? 2 : TRANSFORMS[reading];
  const space = four ? "cmyk" : "srgb";
  return sharp(header.components === 1 ? bytes : withColorTransform(bytes, header, transform), {
    failOn: options.onTruncated === "accept" ? "none" : "truncated",
    limitInputPixels: options.maxPixels,
    ignoreIcc: true,
  })
    .pipelineColourspace(space)
    .toColourspace(space)
    .raw()
    .toBuffer({ resolveWithObject: true });
}

/** `[pixels, 3 or 4]` to `[pixels, 3]`. With four channels a sample `v` of libvips is 255 minus the file's. */
function toRgb(data: Uint8Array, channels: number, reading: Reading): Uint8Array {
  if (channels === 3) return reading === "gray" ? repeatFirst(data) : data;
  const pixels = new Uint8Array((data.length / 4) * 3);
  const plain = reading === "rgb" || reading === "ycbcr" || (reading === "auto-4" && isOpaque(data));
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    for (let c = 0; c < 3; c++) {
      const ink = data[from + c]!;
      if (plain) pixels[to + c] = 255 - ink;
      else if (reading === "gray") pixels[to + c] = 255 - data[from]!;
      else if (reading === "cmyk") pixels[to + c] = multiply(ink, data[from + 3]!);
      else pixels[to + c] = multiply(255 - ink, 255 - data[from + 3]!);
    }
  }
  return pixels;
}

/** True where the file's fourth component is 255 everywhere: RGBA in disguise, as Planet writes it. */
function isOpaque(data: Uint8Array): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) return false;
  return true;
}

function repeatFirst(data: Uint8Array): Uint8Array {
  for (let i = 0; i < data.length; i += 3) data.fill(data[i]!, i + 1, i + 3);
  return data;
}

/** a * b / 255, rounded. */
function multiply(a: number, b: number): number {
  return Math.round((a * b) / 255);
}
