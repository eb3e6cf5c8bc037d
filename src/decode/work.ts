/** What decoding a picture may cost in time: nothing can stop a decoder that is at work, and interrupts wait for it. */
import type { RasterInfo } from "../raster/raster.js";
import { bytesPerSample } from "../raster/samples.js";
import type { DecodeFailure } from "./decoder.js";
import { countFrames } from "./frames.js";
import { type ImageFormat, isPng16 } from "./sniff.js";

/** Nanoseconds, measured and rounded, for a pixel and for a byte of the file. Other PNGs take less than the limit in any case. */
const COSTS: Partial<Record<ImageFormat | "lossy webp" | "png of 16 bits", readonly [pixel: number, byte: number]>> = {
  // libvips looks at every picture of an animation before it decodes the first.
  gif: [10, 60],
  heif: [31, 160],
  "png of 16 bits": [55, 4],
  "lossy webp": [20, 80],
  webp: [20, 12],
};
/** PackBits, which takes longest, and others; samples of all bands, and pixels made of some. */
const [PACKBITS, PACKBITS_BYTE, RASTER_BYTE, SAMPLE_BYTE, RASTER_PIXEL] = [32773, 50, 20, 6, 25];

/** Nanoseconds to find one picture of several, or in an animated WebP, where each is looked for from the first one on, a pair. */
const [TIFF_PICTURE, WEBP_PAIR] = [26_000, 8];

/** So many nanoseconds for each pixel that is allowed: two seconds by default. */
const MOST_PER_PIXEL = 60;

/** Why a picture of `pixels` pixels is too dear, if it is; `mostPixels` is the limit without that of a memory budget. */
export function tooMuchWork(
  bytes: Uint8Array,
  format: ImageFormat,
  pixels: number,
  mostPixels: number,
): DecodeFailure | undefined {
  const [perPixel, perByte] = COSTS[kindOf(bytes, format)] ?? [0, 0];
  return refusal(pixels * perPixel + bytes.length * perByte, mostPixels);
}

/** The same for a file of very many pictures, which are looked for before the size of the first is known. */
export function tooManyFrames(bytes: Uint8Array, format: ImageFormat, mostPixels: number): DecodeFailure | undefined {
  if (format !== "webp" && format !== "tiff") return undefined;
  const most = mostPixels * MOST_PER_PIXEL;
  // No further than it takes to know.
  const frames = countFrames(bytes, format, most / TIFF_PICTURE + Math.sqrt(most / WEBP_PAIR) + 1);
  return refusal(format === "webp" ? frames ** 2 * WEBP_PAIR : frames * TIFF_PICTURE, mostPixels);
}

/** The same for a TIFF that canopy reads itself. */
export function tooMuchRasterWork(
  info: RasterInfo,
  { fileBytes, bandsUsed, mostPixels }: { fileBytes: number; bandsUsed: number; mostPixels: number },
): DecodeFailure | undefined {
  const samples = info.width * info.height * (info.planar ? bandsUsed : info.bands);
  const perByte = info.compression === PACKBITS ? PACKBITS_BYTE : RASTER_BYTE;
  const work = samples * bytesPerSample(info) * SAMPLE_BYTE + info.width * info.height * RASTER_PIXEL;
  return refusal(work + fileBytes * perByte, mostPixels);
}

function kindOf(bytes: Uint8Array, format: ImageFormat): keyof typeof COSTS {
  if (isLossyWebp(bytes, format)) return "lossy webp";
  return format === "png" && isPng16(bytes) ? "png of 16 bits" : format;
}

/** The first chunks say how its pictures are stored. */
function isLossyWebp(bytes: Uint8Array, format: ImageFormat): boolean {
  return format === "webp" && !Buffer.from(bytes.subarray(0, 4096)).includes("VP8L", 12, "latin1");
}

function refusal(work: number, mostPixels: number): DecodeFailure | undefined {
  if (work <= mostPixels * MOST_PER_PIXEL) return undefined;
  return {
    code: "LIMIT",
    message: `Image would take more than ${((mostPixels * MOST_PER_PIXEL) / 1e9).toFixed(1)} s to decode (\`maxPixels\` allows more)`,
  };
}
