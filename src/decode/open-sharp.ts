/** sharp as canopy uses it: the one place that opens it to decode, so that its limits are set once. */
import sharp, { type Sharp } from "sharp";
import type { DecodeOptions, RgbImage } from "./decoder.js";

// Each decode worker is one thread of ours: libvips must neither start more nor keep tiles it will never see again.
sharp.concurrency(1);
sharp.cache(false);

/** Seconds that libvips may take of one picture; the largest that the limits let through takes a tenth of it. */
const SECONDS = 60;

interface OpenOptions extends Pick<DecodeOptions, "maxPixels" | "onTruncated"> {
  /** Whether what libjpeg only warns of is a failure, too. @default false */
  warningsFail?: boolean;
}

/** An encoded picture: its first page, without its profile, whatever its number of bands. */
export function openPicture(bytes: Uint8Array, { maxPixels, onTruncated, warningsFail }: OpenOptions): Sharp {
  return sharp(bytes, {
    failOn: onTruncated === "accept" ? "none" : warningsFail ? "warning" : "error",
    limitInputPixels: maxPixels,
    ignoreIcc: true,
    pages: 1,
    // What libvips itself holds for one; sharp's own limit of five is for programs that expect photographs.
    limitInputChannels: 65535,
  }).timeout({ seconds: SECONDS });
}

/** Pixels in memory, to be encoded. */
export function openPixels({ pixels, width, height }: RgbImage): Sharp {
  return sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false });
}
