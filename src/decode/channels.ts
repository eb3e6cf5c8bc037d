/** `bands` and `stretch` for pictures that are no rasters: their bands are red, green and blue. */
import type { DecodeFailure, PictureOptions } from "./decoder.js";

/**
 * Puts the channels of `pixels` `[n, 3]` in the order of `bands`, in place. Returns the failure if there are no such
 * bands.
 */
export function chooseChannels(
  pixels: Uint8Array,
  { bands, stretch }: Pick<PictureOptions, "bands" | "stretch">,
  what = "the picture",
): DecodeFailure | undefined {
  if (stretch != null) {
    return {
      code: "FORMAT",
      message: `${what[0].toUpperCase()}${what.slice(1)} has colours of 8 bits, and \`stretch\` is for the samples of a TIFF, or of a PNG of 16 bits`,
    };
  }
  if (bands == null || bands.join() === "1,2,3") return undefined;
  const missing = bands.find((band) => band > 3);
  if (missing !== undefined) {
    return {
      code: "FORMAT",
      message: `\`bands\` asks for band ${missing}; ${what} has red, green and blue`,
    };
  }
  const [red, green, blue] = [0, 1, 2].map((c) => bands[bands.length === 1 ? 0 : c] - 1);
  for (let i = 0; i < pixels.length; i += 3) {
    const [r, g, b] = [pixels[i + red], pixels[i + green], pixels[i + blue]];
    pixels[i] = r;
    pixels[i + 1] = g;
    pixels[i + 2] = b;
  }
  return undefined;
}
