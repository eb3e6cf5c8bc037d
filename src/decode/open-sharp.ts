/** The only place that opens pictures with sharp, so that its limits are set once. */
import sharp, { type Sharp } from "sharp";
import type { DecodeOptions, RgbImage } from "./decoder.js";

// Each decode worker is one thread: libvips must neither start more nor cache tiles that do not come again.
sharp.concurrency(1);
sharp.cache(false);

/** Seconds that libvips may take for one picture; the largest within the limits takes a tenth of it. */
const SECONDS = 60;

interface OpenOptions extends Pick<DecodeOptions, "maxPixels" | "onTruncated"> {
  /** Whether a warning of libjpeg is a failure, too. @default false */
  warningsFail?: boolean;
}

/** An encoded picture: its first page, without its profile, whatever its number of bands. */
export function openPicture(bytes: Uint8Array, { maxPixels, onTruncated, warningsFail }: OpenOptions): Sharp {
  return sharp(bytes, {
    failOn: onTruncated === "accept" ? "none" : warningsFail ? "warning" : "error",
    limitInputPixels: maxPixels,
    ignoreIcc: true,
    pages: 1,
    // The most that libvips itself allows; sharp's own limit of five is for programs that expect photographs.
    limitInputChannels: 65535,
  }).timeout({ seconds: SECONDS });
}

/** Pixels in memory, to be encoded. */
export function openPixels({ pixels, width, height }: RgbImage): Sharp {
  return sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false });
}
